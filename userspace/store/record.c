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
	volume->is_visible = true;
	return 0;
}

static int apply_layer(struct pool *pool, uint32_t id, const struct format_layer *record,
		       bool is_replay, struct error *err)
{
	struct layer *layer = catalogue_layer(&pool->catalogue, id);
	uint64_t leaf_count = get_le64(&record->leaf_count);

	if (leaf_count == 0 || leaf_count > geometry_leaf_count(VOLUME_SIZE_MAX_BYTES) ||
	    record->parent != 0)
		return record_impossible(id, err);
	if (!layer) {
		if (layer_new(id, leaf_count, &layer) != 0)
			return -ENOMEM;
		if (!is_replay) {
			layer->root = get_le64(&record->root);
			layer->mapped_extents = get_le64(&record->mapped_extents);
		}
		catalogue_add_layer(&pool->catalogue, layer);
	}
	layer->is_doomed = get_le16(&record->flags) & FORMAT_LAYER_DOOMED;
	if (leaf_count < layer->tree.leaf_count)
		return record_impossible(id, err);
	return tree_grow(&layer->tree, leaf_count);
}

static void apply_free(struct pool *pool, uint32_t id)
{
	struct volume *volume = catalogue_volume(&pool->catalogue, id);
	struct layer *layer = catalogue_layer(&pool->catalogue, id);

	if (layer) {
		leaf_forget_layer(&pool->cache, layer);
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
		return has_layer ? record_impossible(id, err)
				 : apply_volume(pool, id, &record->volume, err);
	case FORMAT_RECORD_LAYER:
		return has_volume ? record_impossible(id, err)
				  : apply_layer(pool, id, &record->layer, is_replay, err);
	default:
		return record_impossible(id, err);
	}
}

int record_link_volumes(struct pool *pool, struct error *err)
{
	list_for_each (&pool->catalogue.volumes, volume, struct volume, link) {
		volume->head = catalogue_layer(&pool->catalogue, volume->head_id);
		if (!volume->head || volume->head->is_doomed ||
		    volume->head->tree.leaf_count < geometry_leaf_count(volume->size_bytes))
			return error_set(err, -ENODATA, "volume '%s' has no proper layer",
					 volume->name);
	}
	return 0;
}
