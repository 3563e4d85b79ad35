/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "store/state.h"
#include "store/volume_state.h"

static int record_impossible(uint32_t id, struct error *err)
{
	return error_set(err, -ENODATA, "catalogue record %u is impossible", id);
}

static bool volume_is_possible(const struct format_volume *record)
{
	uint64_t size = get_le64(&record->size_bytes);
	uint32_t block = get_le32(&record->logical_block_bytes);

	return size > 0 && size % STORE_BLOCK_BYTES == 0 && size <= VOLUME_SIZE_MAX_BYTES &&
	       (block == 512 || block == 4096) && get_le32(&record->head) != 0 &&
	       memchr(record->name, 0, NAME_SIZE) && name_check("volume", record->name, NULL) == 0;
}

static int apply_volume(struct pool *pool, uint32_t id, const struct format_volume *record,
			struct error *err)
{
	struct volume *volume = catalogue_volume(&pool->catalogue, id);

	if (!volume_is_possible(record))
		return record_impossible(id, err);
	if (!volume) {
		volume = volume_new(pool, id);
		if (!volume)
			return -ENOMEM;
		memcpy(volume->name, record->name, NAME_SIZE - 1);
		catalogue_add_volume(&pool->catalogue, volume);
	}
	volume->head_id = get_le32(&record->head);
	memcpy(volume->uuid.bytes, record->uuid, sizeof(volume->uuid.bytes));
	volume->size_bytes = get_le64(&record->size_bytes);
	volume->created_at_s = get_le64(&record->created_at_s);
	volume->logical_block_bytes = get_le32(&record->logical_block_bytes);
	volume->is_formatted = get_le16(&record->flags) & FORMAT_VOLUME_FORMATTED;
	volume->is_snapshot = get_le16(&record->kind) == FORMAT_RECORD_SNAPSHOT;
	memcpy(volume->origin.bytes, record->origin, sizeof(volume->origin.bytes));
	volume->reservation_bytes = get_le64(&record->reservation_bytes);
	volume->limit_bytes = get_le64(&record->limit_bytes);
	volume->threshold_used_bytes = get_le64(&record->threshold_used_bytes);
	volume->threshold_available_bytes = get_le64(&record->threshold_available_bytes);
	volume->threshold_tells_one = get_le16(&record->flags) & FORMAT_VOLUME_TELLS_ONE;
	volume->thresholds = (struct block_thresholds){
		.used_bytes = volume->threshold_used_bytes,
		.available_bytes = volume->threshold_available_bytes,
		.tells_one = volume->threshold_tells_one,
	};
	volume->is_visible = true;
	return 0;
}

static int apply_layer(struct pool *pool, uint32_t id, const struct format_layer *record,
		       bool is_replay, struct error *err)
{
	struct layer *layer = catalogue_layer(&pool->catalogue, id);
	uint64_t leaf_count = get_le64(&record->leaf_count);
	bool is_known = layer != NULL;

	if (leaf_count == 0 || leaf_count > geometry_leaf_count(VOLUME_SIZE_MAX_BYTES))
		return record_impossible(id, err);
	if (!layer) {
		if (layer_new(id, leaf_count, &layer) != 0)
			return -ENOMEM;
		if (!is_replay) {
			layer->root = get_le64(&record->root);
			layer->mapped_extents = get_le64(&record->mapped_extents);
			layer->shadowed_extents = get_le64(&record->shadowed_extents);
		}
		catalogue_add_layer(&pool->catalogue, layer);
	}
	/* Under another parent (by the journal) what it shadows is another thing. */
	if (get_le16(&record->flags) & FORMAT_LAYER_UNCOUNTED ||
	    (is_known && layer->parent_id != get_le32(&record->parent)))
		layer->is_counted = false;
	layer->parent_id = get_le32(&record->parent);
	if (leaf_count < layer->tree.leaf_count)
		return record_impossible(id, err);
	return tree_grow(&layer->tree, leaf_count);
}

/* The slots of its leaves; those of the index pages are tree_drop's. */
static void drop_leaves(struct pool *pool, const struct tree *tree)
{
	for (uint64_t i = tree_find(tree, 0); i < tree->leaf_count; i = tree_find(tree, i + 1))
		slot_map_drop_place(&pool->slots, tree_place(tree, i));
}

static void apply_free(struct pool *pool, uint32_t id)
{
	struct volume *volume = catalogue_volume(&pool->catalogue, id);
	struct layer *layer = catalogue_layer(&pool->catalogue, id);

	if (layer) {
		leaf_forget_layer(&pool->cache, layer);
		drop_leaves(pool, &layer->tree);
		tree_drop(&layer->tree, &pool->slots);
	}
	catalogue_remove(&pool->catalogue, id);
	layer_free(layer);
	free(volume);
}

int record_apply(struct pool *pool, uint32_t id, const union format_record *record, bool is_replay,
		 struct error *err)
{
	struct catalogue *catalogue = &pool->catalogue;
	bool has_volume = catalogue_volume(catalogue, id) != NULL;
	bool has_layer = catalogue_layer(catalogue, id) != NULL;

	if (id == 0)
		return record_impossible(id, err);
	if (catalogue_reach(catalogue, id) != 0)
		return -ENOMEM;
	switch (get_le16(&record->kind)) {
	case FORMAT_RECORD_FREE:
		apply_free(pool, id);
		return 0;
	case FORMAT_RECORD_VOLUME:
	case FORMAT_RECORD_SNAPSHOT:
		return has_layer ? record_impossible(id, err)
				 : apply_volume(pool, id, &record->volume, err);
	case FORMAT_RECORD_LAYER:
		return has_volume ? record_impossible(id, err)
				  : apply_layer(pool, id, &record->layer, is_replay, err);
	default:
		return record_impossible(id, err);
	}
}

static int link_layers(struct pool *pool, struct error *err)
{
	const struct catalogue *catalogue = &pool->catalogue;

	for (uint32_t id = 1; id <= catalogue->count; id++) {
		struct layer *layer = catalogue_layer(catalogue, id);
		struct layer *parent;

		if (!layer || layer->parent_id == 0)
			continue;
		parent = catalogue_layer(catalogue, layer->parent_id);
		if (!parent || parent == layer || parent->tree.leaf_count > layer->tree.leaf_count)
			return error_set(err, -ENODATA, "layer %u has no proper parent", id);
		layer_set_parent(layer, parent);
	}
	return 0;
}

/* The layer after this one in a walk over the whole tree above `root`, parents first; NULL: end. */
static struct layer *next_above(const struct layer *layer, const struct layer *root)
{
	const struct list_node *next;

	if (!list_is_empty(&layer->children))
		return list_entry(layer->children.head.next, struct layer, sibling);
	for (; layer != root; layer = layer->parent) {
		next = layer->sibling.next;
		if (next != &layer->parent->children.head)
			return list_entry(next, struct layer, sibling);
	}
	return NULL;
}

/* Every layer is found from one that lies over nothing: else some lie over each other in a ring. */
static int check_rings(const struct pool *pool, struct error *err)
{
	const struct catalogue *catalogue = &pool->catalogue;
	uint32_t layers = 0;
	uint32_t found = 0;

	for (uint32_t id = 1; id <= catalogue->count; id++) {
		struct layer *root = catalogue_layer(catalogue, id);

		layers += root != NULL;
		if (!root || root->parent)
			continue;
		for (struct layer *layer = root; layer; layer = next_above(layer, root))
			found++;
	}
	if (found == layers)
		return 0;
	return error_set(err, -ENODATA, "%u layers lie over each other in a ring", layers - found);
}

/* What the journal changed was not counted on the way; who lies over it neither. */
static void mark_uncounted(const struct pool *pool)
{
	for (uint32_t id = 1; id <= pool->catalogue.count; id++) {
		struct layer *layer = catalogue_layer(&pool->catalogue, id);

		if (!layer)
			continue;
		if (!layer->is_counted || layer->is_replayed ||
		    (layer->parent && layer->parent->is_replayed))
			layer_uncount(layer);
	}
}

static int link_volumes(struct pool *pool, struct error *err)
{
	list_for_each (&pool->catalogue.volumes, volume, struct volume, link) {
		struct layer *head = catalogue_layer(&pool->catalogue, volume->head_id);

		volume->head = head;
		if (!head || head->named ||
		    head->tree.leaf_count < geometry_leaf_count(volume->size_bytes) ||
		    (head->child_count > 0 && !volume->is_snapshot))
			return error_set(err, -ENODATA, "%s '%s' has no proper layer",
					 volume->is_snapshot ? "snapshot" : "volume", volume->name);
		head->named = volume;
	}
	return 0;
}

/* A volume is charged for its own layer and for those of its snapshots. */
static void link_owners(struct pool *pool)
{
	struct catalogue *catalogue = &pool->catalogue;

	list_for_each (&catalogue->volumes, volume, struct volume, link) {
		struct volume *owner = volume;

		if (volume->is_snapshot)
			owner = catalogue_find_uuid(catalogue, &volume->origin);
		volume->head->owner = owner;
		if (owner)
			owner->charged_extents += volume->head->mapped_extents;
	}
}

int record_link(struct pool *pool, struct error *err)
{
	int ret = link_layers(pool, err);

	if (ret == 0)
		ret = check_rings(pool, err);
	if (ret == 0)
		ret = link_volumes(pool, err);
	if (ret != 0)
		return ret;
	mark_uncounted(pool);
	link_owners(pool);
	quota_recount(pool);
	threshold_start(pool);
	return 0;
}
