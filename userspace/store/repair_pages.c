/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the new pages go: to free slots, and if there are none, to free data extents as any
 * checkpoint's. A slot is free if no old tree reaches it and the old bitmap does not
 * have it; where that bitmap cannot be read, if no page of this pool is in it, or no tree has a
 * damaged page. So the old generation stays whole until it is let go.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "store/repair_state.h"

#define EXTENT_WORDS (FORMAT_REGION_EXTENTS / 64)
#define SLOT_WORDS   (FORMAT_REGION_SLOTS / 64)

static bool holds_a_page(struct repair *repair, uint64_t slot)
{
	_Alignas(FORMAT_BLOCK_BYTES) uint8_t page[FORMAT_BLOCK_BYTES];

	if (offline_read(repair->image.offline, geometry_slot_block(slot), page) != 0)
		return true; /* better no use of it */
	return format_is_intact(page);
}

static bool is_free(struct repair *repair, uint64_t slot)
{
	const struct image *image = &repair->image;

	if (!geometry_is_slot(&image->geometry, slot) || bitmap_has(repair->old.slots, slot) ||
	    bitmap_has(repair->new.slots, slot))
		return false;
	if (bitmap_has(image->bad_regions, slot / FORMAT_REGION_SLOTS))
		return repair->trees_are_whole || !holds_a_page(repair, slot);
	return !bitmap_has(image->slots, slot);
}

/* Free in the old bitmap, which can be read there, and in no word that can be read. */
static bool extent_is_free(const struct repair *repair, uint64_t extent)
{
	const struct image *image = &repair->image;

	return geometry_is_data(&image->geometry, extent) &&
	       !bitmap_has(image->bad_regions, extent / FORMAT_REGION_EXTENTS) &&
	       !bitmap_has(image->extents, extent) && !bitmap_has(repair->claims.extents, extent) &&
	       !bitmap_has(repair->new.extents, extent);
}

/* A block of a data extent, when no slot is left. */
static int take_spill(struct repair *repair, uint64_t *out_block)
{
	uint64_t end = repair->image.geometry.extent_count;
	bool is_possible;

	if (repair->spilled == EXTENT_BLOCKS)
		repair->spill_extent = 0;
	for (; repair->spill_extent == 0 && repair->next_extent < end; repair->next_extent++) {
		if (!extent_is_free(repair, repair->next_extent))
			continue;
		repair->spill_extent = repair->next_extent;
		repair->spilled = 0;
	}
	if (repair->spill_extent == 0)
		return error_set(repair->err, -ENOSPC,
				 "there is no free metadata slot and no free extent for a repair: "
				 "nothing was changed; if the pool still opens, delete something "
				 "first");
	*out_block = repair->spill_extent * EXTENT_BLOCKS + repair->spilled++;
	(void)tally_page(&repair->new, *out_block, &is_possible); /* it was free */
	return 0;
}

static int take_block(struct repair *repair, uint64_t *out_block)
{
	uint64_t end = geometry_slot_end(&repair->image.geometry);

	for (; repair->next_slot < end; repair->next_slot++) {
		if (!is_free(repair, repair->next_slot))
			continue;
		bitmap_set(repair->new.slots, repair->next_slot);
		*out_block = geometry_slot_block(repair->next_slot++);
		return 0;
	}
	return take_spill(repair, out_block);
}

/* To a block that is chosen already. */
static int put_at(struct repair *repair, void *page, struct format_identity identity,
		  uint64_t block, uint64_t *out_place)
{
	int ret = 0;

	identity.block = block;
	format_seal(page, &identity, &repair->image.uuid, repair->generation, 0);
	repair->report->pages_written++;
	if (!repair->settings->is_dry_run)
		ret = offline_write(repair->image.offline, block, page);
	if (ret != 0)
		return error_set(repair->err, ret,
				 "writing byte %" PRIu64 " of the disk failed: %s; the pool is as "
				 "it was",
				 block * FORMAT_BLOCK_BYTES, strerror(-ret));
	*out_place = format_place_of(page);
	return 0;
}

int repair_put_page(struct repair *repair, void *page, const struct format_identity *identity,
		    uint64_t *out_place)
{
	_Alignas(FORMAT_BLOCK_BYTES) uint8_t copy[FORMAT_BLOCK_BYTES]; /* direct I/O wants it so */
	uint64_t block;
	int ret = take_block(repair, &block);

	if (ret != 0)
		return ret;
	memcpy(copy, page, sizeof(copy));
	return put_at(repair, copy, *identity, block, out_place);
}

void repair_keep_tree(struct repair *repair, const struct image_tree *tree)
{
	bool is_possible;

	for (uint64_t i = 0; i < tree->index.count; i++)
		(void)tally_page(&repair->new, format_place_block(tree->index.items[i].place),
				 &is_possible); /* the check told what is wrong */
	for (uint64_t i = 0; i < tree->leaves.count; i++)
		(void)tally_page(&repair->new, format_place_block(tree->leaves.items[i].place),
				 &is_possible); /* likewise */
}

/* Index pages of one level over `below`; they go to `out`. */
static int put_level(struct repair *repair, uint64_t owner, unsigned level,
		     const struct image_pages *below, struct image_pages *out)
{
	int ret = 0;

	for (uint64_t at = 0; ret == 0 && at < below->count;) {
		const struct format_identity identity = {
			.kind = FORMAT_INDEX,
			.level = (uint16_t)level,
			.owner = owner,
			.index = below->items[at].index / FORMAT_WORDS,
		};
		struct format_words page = {0};
		uint64_t place;

		for (; at < below->count && below->items[at].index / FORMAT_WORDS == identity.index;
		     at++)
			put_le64(&page.words[below->items[at].index % FORMAT_WORDS],
				 below->items[at].place);
		ret = repair_put_page(repair, &page, &identity, &place);
		if (ret == 0)
			ret = image_add_page(out, identity.index, place, level);
	}
	return ret;
}

int repair_put_tree(struct repair *repair, uint64_t owner, const struct image_pages *leaves,
		    uint64_t leaf_count, uint64_t *out_root)
{
	unsigned height = image_height(leaf_count);
	struct image_pages pages = {0};
	bool is_possible;
	int ret = 0;

	*out_root = 0;
	for (uint64_t i = 0; i < leaves->count; i++) {
		if (leaves->items[i].place != FORMAT_PLACE_LOST)
			(void)tally_page(&repair->new, format_place_block(leaves->items[i].place),
					 &is_possible); /* new ones are there already */
	}
	for (unsigned level = 1; ret == 0 && level <= height; level++) {
		struct image_pages above = {0};

		ret = put_level(repair, owner, level, level == 1 ? leaves : &pages, &above);
		free(pages.items);
		pages = above;
	}
	if (ret == 0 && pages.count > 0)
		*out_root = pages.items[0].place;
	free(pages.items);
	return ret;
}

/* The page as the catalogue has it now; false: nothing is in it. */
static bool compose_catalogue(const struct repair *repair, uint64_t index,
			      struct format_catalogue *page)
{
	const struct image *image = &repair->image;
	bool has_record = false;

	memset(page, 0, sizeof(*page));
	for (unsigned i = 0; i < FORMAT_RECORDS; i++) {
		uint64_t number = index * FORMAT_RECORDS + i;

		if (number >= image->record_count || image->records[number].kind == 0)
			continue;
		page->records[i] = image->records[number];
		has_record = true;
	}
	return has_record;
}

static uint64_t old_place(const struct image_tree *tree, uint64_t index)
{
	for (uint64_t i = 0; i < tree->leaves.count; i++) {
		if (tree->leaves.items[i].index == index)
			return tree->leaves.items[i].place;
	}
	return 0;
}

int repair_put_catalogue(struct repair *repair, uint64_t *out_root)
{
	const struct image *image = &repair->image;
	uint64_t pages = image->record_count / FORMAT_RECORDS;
	struct image_pages leaves = {0};
	int ret = 0;

	for (uint64_t i = 0; ret == 0 && i < pages; i++) {
		const struct format_identity identity = {
			.kind = FORMAT_CATALOGUE, .owner = FORMAT_OWNER_CATALOGUE, .index = i};
		struct format_catalogue page;
		uint64_t place = old_place(&image->catalogue, i);
		bool is_old = i < image->catalogue.leaf_count && place &&
			      !bitmap_has(image->bad_pages, i);

		if (!compose_catalogue(repair, i, &page) && !is_old)
			continue;
		if (!is_old || memcmp(page.records, &image->base[i * FORMAT_RECORDS],
				      sizeof(page.records)) != 0)
			ret = repair_put_page(repair, &page, &identity, &place);
		if (ret == 0)
			ret = image_add_page(&leaves, i, place, 0);
	}
	if (ret == 0)
		ret = repair_put_tree(repair, FORMAT_OWNER_CATALOGUE, &leaves, pages, out_root);
	free(leaves.items);
	return ret;
}

/* A page in a data extent is always written anew: its extent may have no other page. */
static bool region_differs(const struct repair *repair, uint64_t region, uint64_t place)
{
	const struct image *image = &repair->image;

	return bitmap_has(image->bad_regions, region) ||
	       (place && !geometry_is_slot_block(&image->geometry, format_place_block(place))) ||
	       memcmp(image->extents + region * EXTENT_WORDS,
		      repair->new.extents + region *EXTENT_WORDS,
		      EXTENT_WORDS * sizeof(uint64_t)) != 0 ||
	       memcmp(image->slots + region * SLOT_WORDS, repair->new.slots + region *SLOT_WORDS,
		      SLOT_WORDS * sizeof(uint64_t)) != 0;
}

/*
 * Slots for the bitmap pages that differ and for the index above them: each slot changes a
 * bitmap, so it goes round until none is new. Pages that stay have their own slots in them.
 */
static int plan_bitmaps(struct repair *repair, uint64_t *blocks, uint64_t *index_blocks)
{
	const struct image_tree *tree = &repair->image.bitmaps;
	uint64_t regions = tree->leaf_count;
	uint64_t index_pages = geometry_index_pages(regions);
	bool has_more = true;
	int ret = 0;

	for (uint64_t i = 0; i < tree->leaves.count; i++) {
		uint64_t block = format_place_block(tree->leaves.items[i].place);

		/* Dropped below if it is replaced. */
		if (geometry_is_slot_block(&repair->image.geometry, block))
			bitmap_set(repair->new.slots, geometry_block_slot(block));
	}
	for (uint64_t i = 0; ret == 0 && i < index_pages; i++)
		ret = take_block(repair, &index_blocks[i]);
	while (ret == 0 && has_more) {
		has_more = false;
		for (uint64_t i = 0; ret == 0 && i < regions; i++) {
			uint64_t place = old_place(tree, i);

			if (blocks[i] || !region_differs(repair, i, place))
				continue;
			ret = take_block(repair, &blocks[i]);
			if (place && geometry_is_slot_block(&repair->image.geometry,
							    format_place_block(place)))
				bitmap_clear(repair->new.slots,
					     geometry_block_slot(format_place_block(place)));
			has_more = true;
		}
	}
	return ret;
}

static int put_region(struct repair *repair, uint64_t region, uint64_t block, uint64_t *out_place)
{
	_Alignas(FORMAT_BLOCK_BYTES) struct format_bitmap page = {0};
	const struct format_identity identity = {
		.kind = FORMAT_BITMAP, .owner = FORMAT_OWNER_BITMAPS, .index = region};

	for (unsigned i = 0; i < EXTENT_WORDS; i++)
		put_le64(&page.extents[i], repair->new.extents[region * EXTENT_WORDS + i]);
	for (unsigned i = 0; i < SLOT_WORDS; i++)
		put_le64(&page.slots[i], repair->new.slots[region * SLOT_WORDS + i]);
	put_le32(&page.flags, FORMAT_REGION_UNPUNCHED); /* what is free now may hold old data */
	return put_at(repair, &page, identity, block, out_place);
}

/* As repair_put_tree, into the slots that were planned. */
static int put_bitmap_index(struct repair *repair, struct image_pages *pages,
			    const uint64_t *index_blocks, uint64_t *out_root)
{
	unsigned height = image_height(repair->image.bitmaps.leaf_count);
	uint64_t used = 0;
	int ret = 0;

	assert(pages->items); /* every pool has a region */
	for (unsigned level = 1; ret == 0 && level <= height; level++) {
		uint64_t count = image_level_count(repair->image.bitmaps.leaf_count, level);
		uint64_t at = 0;

		for (uint64_t i = 0; ret == 0 && i < count; i++) {
			_Alignas(FORMAT_BLOCK_BYTES) struct format_words page = {0};
			const struct format_identity identity = {.kind = FORMAT_INDEX,
								 .level = (uint16_t)level,
								 .owner = FORMAT_OWNER_BITMAPS,
								 .index = i};
			uint64_t block = index_blocks[used++];
			uint64_t place = 0;

			for (; at < pages->count && pages->items[at].index / FORMAT_WORDS == i;
			     at++)
				put_le64(&page.words[pages->items[at].index % FORMAT_WORDS],
					 pages->items[at].place);
			ret = put_at(repair, &page, identity, block, &place);
			pages->items[i] = (struct image_page){.index = i, .place = place};
		}
		pages->count = count;
	}
	*out_root = pages->items[0].place;
	return ret;
}

int repair_put_bitmaps(struct repair *repair, uint64_t *out_root)
{
	uint64_t regions = repair->image.bitmaps.leaf_count;
	uint64_t *blocks = calloc(regions, sizeof(*blocks));
	uint64_t *index_blocks = calloc(geometry_index_pages(regions), sizeof(*index_blocks));
	struct image_pages pages = {0};
	int ret = blocks && index_blocks ? plan_bitmaps(repair, blocks, index_blocks) : -ENOMEM;

	for (uint64_t i = 0; ret == 0 && i < regions; i++) {
		uint64_t place = old_place(&repair->image.bitmaps, i);

		if (blocks[i])
			ret = put_region(repair, i, blocks[i], &place);
		if (ret == 0 && place)
			ret = image_add_page(&pages, i, place, 0);
	}
	if (ret == 0)
		ret = put_bitmap_index(repair, &pages, index_blocks, out_root);
	free(pages.items);
	free(blocks);
	free(index_blocks);
	return ret;
}
