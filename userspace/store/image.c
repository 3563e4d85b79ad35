/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening an image: superblocks, bitmaps, catalogue, the trees of all layers, the journal. */
#include "store/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "store/array.h"
#include "store/recovery.h"
#include "store/volume.h"

#define RECORDS_MAX (UINT32_C(1) << 24)

void image_note(struct image *image, enum finding_kind kind, uint64_t byte, const char *format, ...)
{
	struct finding finding = {.kind = kind, .byte = byte};
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(finding.text, sizeof(finding.text), format, arguments);
	va_end(arguments);
	if (image->settings.found)
		image->settings.found(image->settings.owner, &finding);
}

int image_reach(struct image *image, uint32_t id)
{
	uint32_t pages = (id + FORMAT_RECORDS - 1) / FORMAT_RECORDS;
	uint32_t count = pages * FORMAT_RECORDS;
	uint32_t old = image->record_count;
	void *base;
	void *records;
	void *layers;

	if (id <= old)
		return 0;
	if (id > RECORDS_MAX)
		return -ENOMEM;
	base = realloc(image->base, count * sizeof(*image->base));
	image->base = base ? base : image->base;
	records = realloc(image->records, count * sizeof(*image->records));
	image->records = records ? records : image->records;
	layers = realloc(image->layers, (count + 1) * sizeof(struct image_layer *));
	image->layers = layers ? layers : image->layers;
	if (!base || !records || !layers)
		return -ENOMEM;
	memset(image->base + old, 0, (count - old) * sizeof(*image->base));
	memset(image->records + old, 0, (count - old) * sizeof(*image->records));
	if (old == 0)
		image->layers[0] = NULL;
	memset(image->layers + old + 1, 0, (count - old) * sizeof(struct image_layer *));
	image->record_count = count;
	return 0;
}

struct image_layer *image_find_layer(const struct image *image, uint32_t id)
{
	return id >= 1 && id <= image->record_count ? image->layers[id] : NULL;
}

struct image_layer *image_make_layer(struct image *image, uint32_t id)
{
	if (id == 0 || image_reach(image, id) != 0)
		return NULL;
	if (!image->layers[id]) {
		image->layers[id] = calloc(1, sizeof(struct image_layer));
		if (image->layers[id])
			image->layers[id]->id = id;
	}
	return image->layers[id];
}

static int take_bitmap(struct image *image, uint64_t region, const void *data)
{
	const struct format_bitmap *page = data;

	for (unsigned i = 0; i < FORMAT_REGION_EXTENTS / 64; i++)
		image->extents[region * (FORMAT_REGION_EXTENTS / 64) + i] =
			get_le64(&page->extents[i]);
	for (unsigned i = 0; i < FORMAT_REGION_SLOTS / 64; i++)
		image->slots[region * (FORMAT_REGION_SLOTS / 64) + i] = get_le64(&page->slots[i]);
	return 0;
}

/* Leaves [start, end) of a tree that lie below its lost pages are marked in `bits`. */
static void mark_lost(const struct image_tree *tree, uint64_t *bits, uint64_t count)
{
	for (uint64_t i = 0; i < tree->lost.count; i++) {
		uint64_t width = 1;
		uint64_t start;

		for (unsigned level = 0; level < tree->lost.items[i].level; level++)
			width *= FORMAT_WORDS;
		start = tree->lost.items[i].index * width;
		for (uint64_t at = start; at < count && at - start < width; at++)
			bitmap_set(bits, at);
	}
}

static int read_bitmaps(struct image *image)
{
	uint64_t regions = geometry_region_count(&image->geometry);
	int ret;

	image->bitmaps = (struct image_tree){
		.owner = FORMAT_OWNER_BITMAPS,
		.root = get_le64(&image->super->bitmap_root),
		.leaf_count = regions,
		.leaf_kind = FORMAT_BITMAP,
	};
	image->extents = calloc(regions * FORMAT_REGION_EXTENTS / 64, sizeof(uint64_t));
	image->slots = calloc(regions * FORMAT_REGION_SLOTS / 64, sizeof(uint64_t));
	image->bad_regions = calloc(BITMAP_WORDS(regions), sizeof(uint64_t));
	if (!image->extents || !image->slots || !image->bad_regions)
		return -ENOMEM;
	ret = image_read_tree(image, &image->bitmaps, take_bitmap);
	mark_lost(&image->bitmaps, image->bad_regions, regions);
	return ret;
}

void image_take_catalogue(struct image *image, uint64_t index, const void *data)
{
	const struct format_catalogue *page = data;
	uint32_t first = (uint32_t)index * FORMAT_RECORDS;

	memcpy(image->base + first, page->records, sizeof(page->records));
	memcpy(image->records + first, page->records, sizeof(page->records));
}

static int take_catalogue(struct image *image, uint64_t index, const void *data)
{
	image_take_catalogue(image, index, data);
	return 0;
}

int image_read_layer(struct image *image, uint32_t id)
{
	const struct format_layer *record = &image->records[id - 1].layer;
	uint64_t leaf_count = get_le64(&record->leaf_count);
	struct image_layer *layer;

	if (leaf_count == 0 || leaf_count > geometry_leaf_count(VOLUME_SIZE_MAX_BYTES)) {
		image_note(image, FINDING_RECORD, FINDING_NO_BYTE,
			   "layer %u has an impossible number of leaves (%" PRIu64 ")", id,
			   leaf_count);
		return 0;
	}
	layer = image_make_layer(image, id);
	if (!layer)
		return -ENOMEM;
	layer->is_base = true;
	layer->is_final = true;
	layer->base = *record;
	layer->record = *record;
	layer->tree = (struct image_tree){
		.owner = id,
		.root = get_le64(&record->root),
		.leaf_count = leaf_count,
		.leaf_kind = FORMAT_LEAF,
	};
	return image_read_tree(image, &layer->tree, NULL);
}

static int read_catalogue(struct image *image)
{
	uint64_t pages = get_le64(&image->super->catalogue_pages);
	int ret;

	if (pages == 0 || pages > RECORDS_MAX / FORMAT_RECORDS) {
		image_note(image, FINDING_CATALOGUE, FINDING_NO_BYTE,
			   "the superblock says that the catalogue has %" PRIu64 " pages", pages);
		pages = 1;
	}
	image->catalogue = (struct image_tree){
		.owner = FORMAT_OWNER_CATALOGUE,
		.root = get_le64(&image->super->catalogue_root),
		.leaf_count = pages,
		.leaf_kind = FORMAT_CATALOGUE,
	};
	image->bad_pages = calloc(BITMAP_WORDS(pages), sizeof(uint64_t));
	ret = image->bad_pages ? image_reach(image, (uint32_t)pages * FORMAT_RECORDS) : -ENOMEM;
	if (ret == 0)
		ret = image_read_tree(image, &image->catalogue, take_catalogue);
	if (ret != 0)
		return ret;
	mark_lost(&image->catalogue, image->bad_pages, pages);
	for (uint32_t id = 1; ret == 0 && id <= image->record_count; id++) {
		if (get_le16(&image->base[id - 1].kind) == FORMAT_RECORD_LAYER)
			ret = image_read_layer(image, id);
	}
	return ret;
}

/* Both copies as they are, and which one counts. */
static int read_supers(struct image *image, struct error *err)
{
	static const uint64_t blocks[] = {FORMAT_SUPER_A_BLOCK, FORMAT_SUPER_B_BLOCK};
	struct block_limits limits;
	struct error error;
	int ret;

	for (unsigned i = 0; i < 2; i++) {
		struct uuid uuid;

		image->supers[i] = aligned_alloc(FORMAT_BLOCK_BYTES, FORMAT_BLOCK_BYTES);
		if (!image->supers[i])
			return -ENOMEM;
		memset(image->supers[i], 0, FORMAT_BLOCK_BYTES);
		ret = offline_read(image->offline, blocks[i], image->supers[i]);
		memcpy(uuid.bytes, ((struct format_header *)image->supers[i])->pool, 16);
		if (ret != 0)
			(void)error_set(&error, ret,
					"the disk cannot read the superblock at byte %" PRIu64,
					blocks[i] * FORMAT_BLOCK_BYTES);
		else
			ret = format_check(
				image->supers[i],
				&(struct format_identity){.kind = FORMAT_SUPER, .block = blocks[i]},
				&uuid, &error);
		image->super_is_sound[i] = ret == 0;
		if (ret != 0)
			image_note(image, FINDING_SUPER, blocks[i] * FORMAT_BLOCK_BYTES, "%s",
				   error.text);
	}
	ret = super_choose(image->supers[0], image->supers[1], &image->super, err);
	block_describe(image->offline->disk, &limits);
	return ret == 0 ? super_check(image->super, limits.size_bytes, err) : ret;
}

static int list_layers(struct image *image)
{
	image->layer_ids = calloc(image->record_count, sizeof(*image->layer_ids));
	if (!image->layer_ids)
		return -ENOMEM;
	for (uint32_t id = 1; id <= image->record_count; id++) {
		if (image->layers[id])
			image->layer_ids[image->layer_count++] = id;
	}
	return 0;
}

static int image_read(struct image *image, struct error *err)
{
	int ret = read_supers(image, err);

	if (ret != 0)
		return ret;
	memcpy(image->uuid.bytes, image->super->header.pool, sizeof(image->uuid.bytes));
	image->geometry.extent_count = get_le64(&image->super->extent_count);
	image->geometry.journal_extents = get_le64(&image->super->journal_extents);
	ret = journal_init(&image->journal, &image->uuid, image->geometry.journal_extents);
	if (ret != 0)
		return ret;
	image->journal.epoch = get_le64(&image->super->journal_epoch);
	image->journal.first = get_le64(&image->super->journal_first);
	image->journal.boot = get_le64(image->settings.boot_id.bytes);
	ret = read_bitmaps(image);
	if (ret == 0)
		ret = read_catalogue(image);
	if (ret == 0 && image->settings.is_for_repair)
		ret = image_salvage(image);
	if (ret == 0)
		ret = image_read_journal(image);
	return ret == 0 ? list_layers(image) : ret;
}

int image_open(struct image *image, struct offline *offline, const struct image_settings *settings,
	       struct error *err)
{
	int ret;

	*image = (struct image){.offline = offline, .settings = *settings};
	ret = image_read(image, err);
	if (ret == -ENOMEM)
		ret = error_set(err, ret, "not enough memory to look at the pool");
	if (ret != 0)
		image_close(image);
	return ret;
}

void image_close(struct image *image)
{
	for (uint32_t id = 1; image->layers && id <= image->record_count; id++) {
		if (image->layers[id])
			image_tree_fini(&image->layers[id]->tree);
		free(image->layers[id]);
	}
	image_tree_fini(&image->bitmaps);
	image_tree_fini(&image->catalogue);
	journal_fini(&image->journal);
	batch_fini(&image->batch);
	free(image->layers);
	free(image->layer_ids);
	free(image->base);
	free(image->records);
	free(image->extents);
	free(image->slots);
	free(image->bad_regions);
	free(image->bad_pages);
	free(image->changes);
	free(image->supers[0]);
	free(image->supers[1]);
	*image = (struct image){0};
}
