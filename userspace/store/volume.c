/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and describing volumes and snapshots. */
#include "store/volume.h"

#include <string.h>

#include "store/accounting.h"
#include "store/state.h"
#include "store/volume_state.h"

static bool volume_is_there(const struct volume *volume)
{
	return volume->is_visible && !volume->is_deleted;
}

struct volume *volume_find(struct pool *pool, const char *name)
{
	struct volume *volume = catalogue_find_name(&pool->catalogue, name);

	return volume && volume_is_there(volume) ? volume : NULL;
}

struct volume *volume_next(struct pool *pool, struct volume *previous)
{
	struct list *volumes = &pool->catalogue.volumes;
	struct list_node *node = previous ? previous->link.next : volumes->head.next;

	for (; node != &volumes->head; node = node->next) {
		struct volume *volume = list_entry(node, struct volume, link);

		if (volume_is_there(volume))
			return volume;
	}
	return NULL;
}

/* Who it comes from, and who comes from it. */
static void describe_relatives(const struct volume *volume, struct volume_facts *facts)
{
	const struct volume *origin = NULL;

	facts->origin = volume->origin;
	if (!uuid_is_nil(&volume->origin))
		origin = catalogue_find_uuid(&volume->pool->catalogue, &volume->origin);
	if (origin && volume_is_there(origin))
		memcpy(facts->origin_name, origin->name, sizeof(facts->origin_name));
	list_for_each (&volume->pool->catalogue.volumes, other, struct volume, link) {
		if (volume_is_there(other) && !other->is_snapshot &&
		    uuid_is_equal(&other->origin, &volume->uuid))
			facts->clone_count++;
	}
}

void volume_describe(const struct volume *volume, struct volume_facts *out_facts)
{
	struct accounting accounting;

	accounting_describe(volume->head, &accounting);
	*out_facts = (struct volume_facts){
		.uuid = volume->uuid,
		.is_snapshot = volume->is_snapshot,
		.depth = accounting.depth,
		.size_bytes = volume->size_bytes,
		.written_bytes = volume->head->mapped_extents * STORE_EXTENT_BYTES,
		.mapped_bytes = volume->head->mapped_extents * STORE_EXTENT_BYTES,
		.exclusive_bytes = accounting.exclusive_extents * STORE_EXTENT_BYTES,
		.shared_bytes = accounting.shared_extents * STORE_EXTENT_BYTES,
		.is_counted = accounting.is_exact,
		.charged_bytes = volume->charged_extents * STORE_EXTENT_BYTES,
		.created_at_s = volume->created_at_s,
		.logical_block_bytes = volume->logical_block_bytes,
		.is_formatted = volume->is_formatted,
		.is_damaged = volume->head->is_damaged,
		.available_bytes = volume->is_snapshot ? 0 : quota_available_bytes(volume),
		.reservation_bytes = volume->reservation_bytes,
		.limit_bytes = volume->limit_bytes,
		.threshold_used_bytes = volume->threshold_used_bytes,
		.threshold_available_bytes = volume->threshold_available_bytes,
	};
	memcpy(out_facts->name, volume->name, sizeof(out_facts->name));
	describe_relatives(volume, out_facts);
}
