/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The catalogue becomes one that opens. What a record said and cannot be is replaced by what is
 * true in any case: a layer that is not known is one whose every block answers an error; two
 * names on one layer each get an empty layer over it; a name that two have stays with the first.
 *
 * When a page of the catalogue is lost, a layer without a name may be a volume whose name was on
 * that page, or one that was being freed: nobody can know. So each of them gets a name and stays.
 * What is made here has ids past all that there were, so that no old reference points to it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "store/repair_state.h"
#include "store/volume.h"

static uint16_t kind_of(const struct repair *repair, uint32_t id)
{
	return id >= 1 && id <= repair->image.record_count
		       ? get_le16(&repair->image.records[id - 1].kind)
		       : FORMAT_RECORD_FREE;
}

static bool is_name(const struct repair *repair, uint32_t id)
{
	return kind_of(repair, id) == FORMAT_RECORD_VOLUME ||
	       kind_of(repair, id) == FORMAT_RECORD_SNAPSHOT;
}

static struct format_layer *layer_of(const struct repair *repair, uint32_t id)
{
	return kind_of(repair, id) == FORMAT_RECORD_LAYER ? &repair->image.records[id - 1].layer
							  : NULL;
}

/* A record past all that there were; *out_id. -ENOMEM. */
static int new_record(struct repair *repair, uint32_t *out_id)
{
	struct image *image = &repair->image;
	uint32_t id = repair->first_new_id + repair->new_records;
	int ret = image_reach(image, id);

	if (ret == 0) {
		repair->new_records++;
		*out_id = id;
	}
	return ret;
}

static int new_layer(struct repair *repair, uint32_t parent, uint64_t leaf_count, uint64_t root,
		     uint32_t *out_id)
{
	struct format_layer *layer;
	int ret = new_record(repair, out_id);

	if (ret != 0)
		return ret;
	layer = &repair->image.records[*out_id - 1].layer;
	put_le16(&layer->kind, FORMAT_RECORD_LAYER);
	put_le16(&layer->flags, parent ? FORMAT_LAYER_UNCOUNTED : 0);
	put_le32(&layer->parent, parent);
	put_le64(&layer->leaf_count, leaf_count);
	put_le64(&layer->root, root);
	return 0;
}

static int new_lost_layer(struct repair *repair, uint64_t leaf_count, uint32_t *out_id)
{
	repair->report->lost_layers++;
	return new_layer(repair, 0, leaf_count, FORMAT_PLACE_LOST, out_id);
}

/* The layer can be used for itself: its number of leaves is possible. */
static bool layer_is_possible(const struct repair *repair, uint32_t id)
{
	const struct image_layer *layer = image_find_layer(&repair->image, id);

	return id >= repair->first_new_id || (layer && layer->is_final);
}

/* Records that cannot be at all are dropped; sizes and names that cannot be are replaced. */
static void fix_record(struct repair *repair, uint32_t id)
{
	union format_record *record = &repair->image.records[id - 1];
	struct format_volume *volume = &record->volume;
	uint64_t size = get_le64(&volume->size_bytes);
	uint32_t block = get_le32(&volume->logical_block_bytes);
	const struct format_layer *head;

	if (kind_of(repair, id) > FORMAT_RECORD_SNAPSHOT ||
	    (kind_of(repair, id) == FORMAT_RECORD_LAYER && !layer_is_possible(repair, id))) {
		repair_say(repair, "record %u cannot be and is dropped", id);
		memset(record, 0, sizeof(*record));
		return;
	}
	if (!is_name(repair, id))
		return;
	if (!memchr(volume->name, 0, NAME_SIZE) || name_check("volume", volume->name, NULL) != 0) {
		memset(volume->name, 0, sizeof(volume->name));
		(void)snprintf(volume->name, sizeof(volume->name), "recovered-%u", id);
		repair_say(repair, "record %u had no possible name: now '%s'", id, volume->name);
	}
	if (block != 512 && block != 4096)
		put_le32(&volume->logical_block_bytes, 512);
	head = layer_of(repair, get_le32(&volume->head));
	if (size == 0 || size % STORE_BLOCK_BYTES != 0 || size > VOLUME_SIZE_MAX_BYTES) {
		size = head ? get_le64(&head->leaf_count) : 1;
		size = MIN(size * FORMAT_WORDS * STORE_EXTENT_BYTES, VOLUME_SIZE_MAX_BYTES);
		put_le64(&volume->size_bytes, size);
		repair_say(repair, "'%s' had no possible size: now as large as its layer",
			   volume->name);
	}
}

static int fix_parent(struct repair *repair, uint32_t id)
{
	struct format_layer *layer = layer_of(repair, id);
	uint32_t parent_id = layer ? get_le32(&layer->parent) : 0;
	const struct format_layer *parent = layer_of(repair, parent_id);
	uint64_t leaf_count;
	int ret;

	if (parent_id == 0)
		return 0;
	leaf_count = get_le64(&layer->leaf_count);
	if (parent && parent_id != id)
		return 0;
	ret = new_lost_layer(repair, leaf_count, &parent_id);
	if (ret != 0)
		return ret;
	repair_say(repair, "layer %u lay over one that is not there: what it inherits is lost", id);
	put_le32(&layer_of(repair, id)->parent, parent_id);
	return 0;
}

/* From each layer down: who closes a ring lies over a lost layer from now on. */
static int break_rings(struct repair *repair)
{
	uint32_t *seen = calloc((size_t)repair->image.record_count + 1, sizeof(*seen));
	uint32_t end = repair->image.record_count;
	int ret = seen ? 0 : -ENOMEM;

	for (uint32_t start = 1; ret == 0 && start <= end; start++) {
		uint32_t id = start;
		uint32_t above = 0;

		for (; id <= end && layer_of(repair, id) && !seen[id];
		     above = id, id = get_le32(&layer_of(repair, id)->parent))
			seen[id] = start;
		if (id > end || !layer_of(repair, id) || seen[id] != start || above == 0)
			continue;
		ret = new_lost_layer(repair, get_le64(&layer_of(repair, above)->leaf_count), &id);
		if (ret != 0)
			break;
		put_le32(&layer_of(repair, above)->parent, id);
		repair_say(repair, "layer %u lay over itself: what it inherits is lost", above);
	}
	free(seen);
	return ret;
}

/* An empty layer over `below` becomes the head of this name. */
static int give_new_head(struct repair *repair, uint32_t id, uint32_t below)
{
	const struct format_layer *layer = layer_of(repair, below);
	uint32_t head;
	int ret = new_layer(repair, below, get_le64(&layer->leaf_count), 0, &head);

	if (ret != 0)
		return ret;
	put_le32(&repair->image.records[id - 1].volume.head, head);
	repair_say(repair, "'%s' gets an empty layer of its own over layer %u",
		   repair->image.records[id - 1].volume.name, below);
	return 0;
}

static int fix_missing_head(struct repair *repair, uint32_t id)
{
	struct format_volume *volume = &repair->image.records[id - 1].volume;
	uint64_t leaf_count = geometry_leaf_count(get_le64(&volume->size_bytes));
	struct format_layer *head = layer_of(repair, get_le32(&volume->head));
	uint32_t head_id;
	int ret;

	if (head) {
		put_le64(&head->leaf_count, MAX(leaf_count, get_le64(&head->leaf_count)));
		return 0;
	}
	ret = new_lost_layer(repair, leaf_count, &head_id);
	if (ret != 0)
		return ret;
	volume = &repair->image.records[id - 1].volume; /* it may have moved */
	put_le32(&volume->head, head_id);
	repair_say(repair, "the layer of '%s' is not there: its data is lost", volume->name);
	return 0;
}

/* heads[layer]: the first name on it; shared[layer]: something else needs it unchanged. */
static int fix_heads(struct repair *repair)
{
	uint32_t end = repair->image.record_count;
	uint32_t *heads = calloc((size_t)end + 1, sizeof(*heads));
	bool *is_shared = calloc((size_t)end + 1, sizeof(*is_shared));
	int ret = heads && is_shared ? 0 : -ENOMEM;

	for (uint32_t id = 1; ret == 0 && id <= end; id++) {
		const struct format_layer *layer = layer_of(repair, id);
		uint32_t head = is_name(repair, id)
					? get_le32(&repair->image.records[id - 1].volume.head)
					: 0;

		if (layer && get_le32(&layer->parent) <= end)
			is_shared[get_le32(&layer->parent)] = true;
		if (head == 0 || head > end)
			continue;
		is_shared[head] |= heads[head] != 0;
		heads[head] = heads[head] ? heads[head] : id;
	}
	for (uint32_t id = 1; ret == 0 && id <= end; id++) {
		uint32_t head = is_name(repair, id)
					? get_le32(&repair->image.records[id - 1].volume.head)
					: 0;
		bool may_share = heads && head <= end && heads[head] == id &&
				 kind_of(repair, id) == FORMAT_RECORD_SNAPSHOT;

		if (head > 0 && head <= end && is_shared[head] && !may_share)
			ret = give_new_head(repair, id, head);
	}
	free(heads);
	free(is_shared);
	return ret;
}

static bool is_taken(const struct repair *repair, uint32_t id, bool by_uuid)
{
	const struct format_volume *volume = &repair->image.records[id - 1].volume;

	for (uint32_t other = 1; other < id; other++) {
		const struct format_volume *first = &repair->image.records[other - 1].volume;

		if (!is_name(repair, other))
			continue;
		if (by_uuid ? memcmp(first->uuid, volume->uuid, sizeof(first->uuid)) == 0
			    : strncmp(first->name, volume->name, sizeof(first->name)) == 0)
			return true;
	}
	return false;
}

static void fix_twins(struct repair *repair, uint32_t id)
{
	struct format_volume *volume = &repair->image.records[id - 1].volume;
	struct uuid uuid;

	if (!is_name(repair, id))
		return;
	if (is_taken(repair, id, false)) {
		char old[NAME_SIZE];

		memcpy(old, volume->name, NAME_SIZE - 1);
		old[NAME_SIZE - 1] = '\0';
		memset(volume->name, 0, sizeof(volume->name));
		(void)snprintf(volume->name, sizeof(volume->name), "recovered-%u", id);
		repair_say(repair, "two had the name '%s': the second is now '%s'", old,
			   volume->name);
	}
	if (is_taken(repair, id, true)) {
		uuid_generate(&uuid);
		memcpy(volume->uuid, uuid.bytes, sizeof(volume->uuid));
		repair_say(repair, "'%s' had another's UUID and has a new one", volume->name);
	}
}

/* A name for a layer without one: it may be looked at, cloned, or deleted. */
static int name_layer(struct repair *repair, uint32_t layer_id)
{
	uint64_t leaf_count = get_le64(&layer_of(repair, layer_id)->leaf_count);
	struct format_volume *volume;
	struct uuid uuid;
	uint32_t id;
	int ret = new_record(repair, &id);

	if (ret != 0)
		return ret;
	volume = &repair->image.records[id - 1].volume;
	put_le16(&volume->kind, FORMAT_RECORD_SNAPSHOT);
	put_le32(&volume->head, layer_id);
	put_le64(&volume->size_bytes,
		 MIN(leaf_count * FORMAT_WORDS * STORE_EXTENT_BYTES, VOLUME_SIZE_MAX_BYTES));
	put_le32(&volume->logical_block_bytes, 512);
	uuid_generate(&uuid);
	memcpy(volume->uuid, uuid.bytes, sizeof(volume->uuid));
	(void)snprintf(volume->name, sizeof(volume->name), "recovered-layer-%u", layer_id);
	repair_say(repair, "layer %u has no name any more: it is kept as snapshot '%s'", layer_id,
		   volume->name);
	return 0;
}

/* Only the layers that there were: those made here have a purpose. */
static int name_layers(struct repair *repair)
{
	uint32_t end = repair->first_new_id;
	bool *is_named = calloc(end, sizeof(*is_named));
	int ret = is_named ? 0 : -ENOMEM;

	for (uint32_t id = 1; ret == 0 && id <= repair->image.record_count; id++) {
		uint32_t head = is_name(repair, id)
					? get_le32(&repair->image.records[id - 1].volume.head)
					: 0;

		if (head < end)
			is_named[head] = true;
	}
	for (uint32_t id = 1; ret == 0 && id < end; id++) {
		if (layer_of(repair, id) && !is_named[id])
			ret = name_layer(repair, id);
	}
	free(is_named);
	return ret;
}

/* A layer has room for all that it inherits, however long the chain below it. */
static void raise_sizes(struct repair *repair)
{
	bool has_changed = true;

	while (has_changed) {
		has_changed = false;
		for (uint32_t id = 1; id <= repair->image.record_count; id++) {
			struct format_layer *layer = layer_of(repair, id);
			const struct format_layer *below =
				layer ? layer_of(repair, get_le32(&layer->parent)) : NULL;

			if (!below || get_le64(&below->leaf_count) <= get_le64(&layer->leaf_count))
				continue;
			put_le64(&layer->leaf_count, get_le64(&below->leaf_count));
			has_changed = true;
		}
	}
}

int repair_catalogue(struct repair *repair)
{
	uint64_t pages = repair->image.catalogue.leaf_count;
	uint32_t end = repair->image.record_count;
	int ret = 0;

	for (uint32_t id = 1; id <= end; id++)
		fix_record(repair, id);
	for (uint32_t id = 1; ret == 0 && id <= end; id++)
		ret = fix_parent(repair, id);
	if (ret == 0)
		ret = break_rings(repair);
	for (uint32_t id = 1; ret == 0 && id <= end; id++) {
		if (is_name(repair, id))
			ret = fix_missing_head(repair, id);
	}
	if (ret == 0)
		ret = fix_heads(repair);
	for (uint32_t id = 1; id <= end; id++)
		fix_twins(repair, id);
	if (ret == 0 && bitmap_find_set(repair->image.bad_pages, 0, pages) < pages)
		ret = name_layers(repair);
	if (ret == 0)
		raise_sizes(repair);
	return ret;
}
