/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/catalogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "store/volume_state.h"

#define CATALOGUE_PAGES_MAX (1u << 20)

static int catalogue_grow(struct catalogue *catalogue, uint64_t pages)
{
	uint32_t count = (uint32_t)(pages * FORMAT_RECORDS);
	uint64_t old_pages = catalogue->count / FORMAT_RECORDS;
	struct catalogue_entry *entries;
	struct format_catalogue **images;

	entries = realloc(catalogue->entries, count * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	catalogue->entries = entries;
	images = realloc(catalogue->pages, pages * sizeof(struct format_catalogue *));
	if (!images)
		return -ENOMEM;
	catalogue->pages = images;
	memset(images + old_pages, 0, (pages - old_pages) * sizeof(*images));
	for (uint64_t page = old_pages; page < pages; page++) {
		images[page] = calloc(1, sizeof(**images));
		if (!images[page] || tree_grow(&catalogue->tree, page + 1) != 0) {
			free(images[page]);
			return -ENOMEM;
		}
		memset(entries + catalogue->count, 0, FORMAT_RECORDS * sizeof(*entries));
		catalogue->count += FORMAT_RECORDS;
	}
	return 0;
}

int catalogue_init(struct catalogue *catalogue, uint64_t pages)
{
	*catalogue = (struct catalogue){0};
	list_init(&catalogue->volumes);
	tree_dirt_init(&catalogue->dirt);
	if (pages == 0)
		pages = 1;
	if (pages > CATALOGUE_PAGES_MAX)
		return -ENOMEM;
	if (tree_init(&catalogue->tree, FORMAT_OWNER_CATALOGUE, 0) != 0)
		return -ENOMEM;
	return catalogue_grow(catalogue, pages);
}

void catalogue_fini(struct catalogue *catalogue)
{
	for (uint32_t i = 0; i < catalogue->count; i++) {
		if (catalogue->entries[i].layer)
			layer_set_parent(catalogue->entries[i].layer, NULL);
	}
	for (uint32_t i = 0; i < catalogue->count; i++) {
		layer_free(catalogue->entries[i].layer);
		free(catalogue->entries[i].volume);
	}
	for (uint32_t i = 0; i < catalogue->count / FORMAT_RECORDS; i++)
		free(catalogue->pages[i]);
	free(catalogue->entries);
	free(catalogue->pages);
	if (catalogue->tree.height > 0)
		tree_fini(&catalogue->tree);
	*catalogue = (struct catalogue){0};
}

int catalogue_find_free(struct catalogue *catalogue, uint32_t after, uint32_t *out_id)
{
	uint64_t pages = catalogue->count / FORMAT_RECORDS;

	for (uint32_t id = after + 1; id <= catalogue->count; id++) {
		if (!catalogue->entries[id - 1].is_used) {
			*out_id = id;
			return 0;
		}
	}
	if (pages >= CATALOGUE_PAGES_MAX)
		return -ENOSPC;
	if (catalogue_grow(catalogue, pages + 1) != 0)
		return -ENOMEM;
	return catalogue_find_free(catalogue, after, out_id);
}

int catalogue_reach(struct catalogue *catalogue, uint32_t id)
{
	uint64_t pages = ((uint64_t)id + FORMAT_RECORDS - 1) / FORMAT_RECORDS;

	if (id <= catalogue->count)
		return 0;
	if (pages > CATALOGUE_PAGES_MAX)
		return -ENOMEM;
	return catalogue_grow(catalogue, pages);
}

void catalogue_add_layer(struct catalogue *catalogue, struct layer *layer)
{
	catalogue->entries[layer->id - 1] =
		(struct catalogue_entry){.is_used = true, .layer = layer};
	tree_join(&layer->tree, &catalogue->dirt);
}

void catalogue_add_volume(struct catalogue *catalogue, struct volume *volume)
{
	struct list_node *before = catalogue->volumes.head.prev;

	catalogue->entries[volume->id - 1] =
		(struct catalogue_entry){.is_used = true, .volume = volume};
	while (before != &catalogue->volumes.head &&
	       strcmp(list_entry(before, struct volume, link)->name, volume->name) > 0)
		before = before->prev;
	list_insert_after(before, &volume->link);
}

void catalogue_remove(struct catalogue *catalogue, uint32_t id)
{
	struct catalogue_entry *entry = &catalogue->entries[id - 1];

	if (entry->volume)
		list_remove(&entry->volume->link);
	*entry = (struct catalogue_entry){0};
}

struct layer *catalogue_layer(const struct catalogue *catalogue, uint32_t id)
{
	return id >= 1 && id <= catalogue->count ? catalogue->entries[id - 1].layer : NULL;
}

struct volume *catalogue_volume(const struct catalogue *catalogue, uint32_t id)
{
	return id >= 1 && id <= catalogue->count ? catalogue->entries[id - 1].volume : NULL;
}

struct volume *catalogue_find_name(const struct catalogue *catalogue, const char *name)
{
	list_for_each (&catalogue->volumes, volume, struct volume, link) {
		if (strcmp(volume->name, name) == 0)
			return volume;
	}
	return NULL;
}

struct volume *catalogue_find_uuid(const struct catalogue *catalogue, const struct uuid *uuid)
{
	list_for_each (&catalogue->volumes, volume, struct volume, link) {
		if (uuid_is_equal(&volume->uuid, uuid))
			return volume;
	}
	return NULL;
}

static void encode_volume(const struct volume *volume, struct format_volume *out)
{
	put_le16(&out->kind, volume->is_snapshot ? FORMAT_RECORD_SNAPSHOT : FORMAT_RECORD_VOLUME);
	put_le16(&out->flags, (volume->is_formatted ? FORMAT_VOLUME_FORMATTED : 0) |
				      (volume->threshold_tells_one ? FORMAT_VOLUME_TELLS_ONE : 0));
	put_le32(&out->head, volume->head_id);
	put_le64(&out->size_bytes, volume->size_bytes);
	put_le64(&out->created_at_s, volume->created_at_s);
	put_le32(&out->logical_block_bytes, volume->logical_block_bytes);
	memcpy(out->uuid, volume->uuid.bytes, sizeof(out->uuid));
	memcpy(out->name, volume->name, strlen(volume->name));
	memcpy(out->origin, volume->origin.bytes, sizeof(out->origin));
	put_le64(&out->reservation_bytes, volume->reservation_bytes);
	put_le64(&out->limit_bytes, volume->limit_bytes);
	put_le64(&out->threshold_used_bytes, volume->threshold_used_bytes);
	put_le64(&out->threshold_available_bytes, volume->threshold_available_bytes);
}

static void encode_layer(const struct layer *layer, struct format_layer *out)
{
	put_le16(&out->kind, FORMAT_RECORD_LAYER);
	put_le16(&out->flags, layer->is_counted ? 0 : FORMAT_LAYER_UNCOUNTED);
	put_le32(&out->parent, layer->parent_id);
	put_le64(&out->leaf_count, layer->tree.leaf_count);
	put_le64(&out->root, layer->root);
	put_le64(&out->mapped_extents, layer->mapped_extents);
	put_le64(&out->shadowed_extents, layer->shadowed_extents);
}

void catalogue_encode(const struct catalogue *catalogue, uint32_t id, union format_record *out)
{
	const struct catalogue_entry *entry = &catalogue->entries[id - 1];

	memset(out, 0, sizeof(*out));
	if (entry->volume && !entry->volume->is_deleted)
		encode_volume(entry->volume, &out->volume);
	else if (entry->layer && !entry->layer->is_gone)
		encode_layer(entry->layer, &out->layer);
}
