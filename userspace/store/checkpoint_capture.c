/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a checkpoint holds, from the bottom up: leaves, then the index pages above them, then
 * the catalogue with the roots of the layers, and last the bitmaps, because every page before
 * took a slot. The bitmaps' own pages take slots too, so those are given out in rounds until
 * no further bitmap page changes by it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "store/state.h"

#define EXTENT_WORDS (FORMAT_REGION_EXTENTS / BITMAP_WORD_BITS)
#define SLOT_WORDS   (FORMAT_REGION_SLOTS / BITMAP_WORD_BITS)

static uint64_t next_generation(const struct pool *pool)
{
	return pool->checkpoint.generation + 1;
}

/* A slot for the new version of the page at `old_place` (0: none), whose slot is dropped. */
static int slot_replace(struct pool *pool, uint64_t old_place, uint64_t near, uint64_t *out_block)
{
	int ret = slot_map_take(&pool->slots, near, out_block);

	if (ret == 0)
		slot_map_drop_place(&pool->slots, old_place);
	return ret;
}

/* Seal a copy of `from`, to be written to `block`; its place, or 0: no memory. */
static uint64_t page_add(struct pool *pool, const void *from, enum format_kind kind, uint64_t block,
			 uint64_t owner, uint64_t index)
{
	const struct format_identity identity = {
		.kind = kind, .block = block, .owner = owner, .index = index};
	void *data = page_list_add(&pool->checkpoint.pages, block, from);

	if (!data)
		return 0;
	format_seal(data, &identity, &pool->uuid, next_generation(pool), 0);
	return format_place_of(data);
}

static int capture_leaf(struct pool *pool, struct leaf *leaf)
{
	struct tree *tree = &leaf->layer->tree;
	uint64_t old_place = tree_place(tree, leaf->number);
	uint64_t place = 0;
	uint64_t block;
	int ret;

	if (!old_place && leaf_is_empty(leaf)) {
		leaf_capture(&pool->cache, leaf);
		return 0;
	}
	ret = tree_touch(tree, leaf->number);
	if (ret != 0)
		return ret;
	if (leaf_is_empty(leaf)) {
		slot_map_drop_place(&pool->slots, old_place);
	} else {
		ret = slot_replace(pool, old_place, 0, &block);
		if (ret != 0)
			return ret;
		place = page_add(pool, leaf->page, FORMAT_LEAF, block, leaf->layer->id,
				 leaf->number);
		if (!place)
			return -ENOMEM;
	}
	tree_set(tree, leaf->number, place);
	leaf_capture(&pool->cache, leaf);
	return 0;
}

static int capture_leaves(struct pool *pool)
{
	struct list *dirty = &pool->cache.dirty;

	while (!list_is_empty(dirty)) {
		int ret = capture_leaf(pool, list_entry(dirty->head.next, struct leaf, dirty_link));

		if (ret != 0)
			return ret;
	}
	return 0;
}

static int capture_tree(struct pool *pool, struct tree *tree, uint64_t *out_root)
{
	int ret = tree_assign(tree, &pool->slots);

	if (ret != 0)
		return ret;
	return tree_encode(tree, &pool->uuid, next_generation(pool), &pool->checkpoint.pages,
			   out_root);
}

/* Only those that have changed: a thousand others cost nothing. */
static int capture_layers(struct pool *pool)
{
	struct list *trees = &pool->catalogue.dirt.trees;

	while (!list_is_empty(trees)) {
		struct tree *tree = list_entry(trees->head.next, struct tree, dirt_link);
		struct layer *layer = container_of(tree, struct layer, tree);
		int ret = capture_tree(pool, tree, &layer->root);

		if (ret != 0)
			return ret;
	}
	return 0;
}

static int capture_catalogue_page(struct pool *pool, uint32_t number)
{
	struct catalogue *catalogue = &pool->catalogue;
	struct format_catalogue page = {0};
	uint64_t place = tree_place(&catalogue->tree, number);
	uint64_t block;
	int ret;

	for (uint32_t i = 0; i < FORMAT_RECORDS; i++)
		catalogue_encode(catalogue, number * FORMAT_RECORDS + i + 1, &page.records[i]);
	if (memcmp(page.records, catalogue->pages[number]->records, sizeof(page.records)) == 0)
		return 0;
	*catalogue->pages[number] = page;
	ret = tree_touch(&catalogue->tree, number);
	if (ret == 0)
		ret = slot_replace(pool, place, 0, &block);
	if (ret != 0)
		return ret;
	place = page_add(pool, &page, FORMAT_CATALOGUE, block, FORMAT_OWNER_CATALOGUE, number);
	if (!place)
		return -ENOMEM;
	tree_set(&catalogue->tree, number, place);
	return 0;
}

static int capture_catalogue(struct pool *pool, uint64_t *out_root)
{
	for (uint32_t i = 0; i < pool->catalogue.count / FORMAT_RECORDS; i++) {
		int ret = capture_catalogue_page(pool, i);

		if (ret != 0)
			return ret;
	}
	return capture_tree(pool, &pool->catalogue.tree, out_root);
}

/*
 * Slots for all bitmap pages that change and the index pages above; blocks[region], 0: same. Near
 * its region, so that it makes no other one change as long as there is a slot.
 */
static int assign_bitmaps(struct pool *pool, uint64_t *blocks)
{
	const uint64_t *dirty = pool->space.dirty_regions;
	uint64_t regions = geometry_region_count(&pool->geometry);
	bool has_more = true;

	while (has_more) {
		int ret;

		has_more = false;
		for (uint64_t i = bitmap_find_set(dirty, 0, regions); i < regions;
		     i = bitmap_find_set(dirty, i + 1, regions)) {
			if (blocks[i])
				continue;
			ret = tree_touch(&pool->bitmaps, i);
			if (ret == 0)
				ret = slot_replace(pool, tree_place(&pool->bitmaps, i),
						   geometry_slot_block(i * FORMAT_REGION_SLOTS +
								       EXTENT_BLOCKS),
						   &blocks[i]);
			if (ret != 0)
				return ret;
			has_more = true;
		}
		ret = tree_assign(&pool->bitmaps, &pool->slots);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int capture_bitmap(struct pool *pool, uint64_t region, uint64_t block)
{
	struct format_bitmap page = {0};
	uint64_t place;

	for (unsigned i = 0; i < EXTENT_WORDS; i++)
		put_le64(&page.extents[i], pool->space.mapped[region * EXTENT_WORDS + i]);
	for (unsigned i = 0; i < SLOT_WORDS; i++)
		put_le64(&page.slots[i], pool->slots.live[region * SLOT_WORDS + i]);
	if (space_has_unpunched(&pool->space, region))
		put_le32(&page.flags, FORMAT_REGION_UNPUNCHED);
	place = page_add(pool, &page, FORMAT_BITMAP, block, FORMAT_OWNER_BITMAPS, region);
	if (!place)
		return -ENOMEM;
	tree_set(&pool->bitmaps, region, place);
	bitmap_clear(pool->space.dirty_regions, region);
	return 0;
}

static int capture_bitmaps(struct pool *pool, uint64_t *out_root)
{
	uint64_t regions = geometry_region_count(&pool->geometry);
	uint64_t *blocks = calloc(regions, sizeof(*blocks));
	int ret = blocks ? assign_bitmaps(pool, blocks) : -ENOMEM;

	if (ret == 0)
		slot_map_capture(&pool->slots);
	for (uint64_t i = 0; ret == 0 && i < regions; i++) {
		if (blocks[i])
			ret = capture_bitmap(pool, i, blocks[i]);
	}
	free(blocks);
	if (ret != 0)
		return ret;
	return tree_encode(&pool->bitmaps, &pool->uuid, next_generation(pool),
			   &pool->checkpoint.pages, out_root);
}

static int capture_supers(struct pool *pool, uint64_t catalogue_root, uint64_t bitmap_root)
{
	static const uint64_t blocks[] = {FORMAT_SUPER_A_BLOCK, FORMAT_SUPER_B_BLOCK};

	for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
		const struct format_identity identity = {.kind = FORMAT_SUPER, .block = blocks[i]};
		struct format_super *super =
			page_list_add(&pool->checkpoint.supers, blocks[i], NULL);

		if (!super)
			return -ENOMEM;
		put_le32(&super->version, FORMAT_VERSION);
		put_le32(&super->extent_bytes, STORE_EXTENT_BYTES);
		put_le64(&super->extent_count, pool->geometry.extent_count);
		put_le64(&super->journal_extents, pool->geometry.journal_extents);
		put_le64(&super->journal_epoch, pool->journal.epoch);
		put_le64(&super->journal_first, pool->journal.next);
		put_le64(&super->catalogue_root, catalogue_root);
		put_le64(&super->bitmap_root, bitmap_root);
		put_le64(&super->catalogue_pages, pool->catalogue.tree.leaf_count);
		memcpy(super->name, pool->name, strlen(pool->name));
		put_le32(&super->threshold_used_percent, pool->policy.threshold_used_percent);
		put_le32(&super->overcommit_percent, pool->policy.overcommit_percent);
		format_seal(super, &identity, &pool->uuid, next_generation(pool), 0);
	}
	return 0;
}

int checkpoint_capture(struct pool *pool)
{
	struct checkpoint *checkpoint = &pool->checkpoint;
	uint64_t catalogue_root = 0;
	uint64_t bitmap_root = 0;
	int ret;

	checkpoint->is_running = true;
	checkpoint->is_wanted = false;
	pool->punch.has_news = false;
	list_append_all(&checkpoint->now, &checkpoint->next);
	checkpoint->journal_first = pool->journal.next;
	if (pool->faults.reuses_slots_early)
		memset(pool->slots.durable, 0, pool->slots.end / 8);
	ret = capture_leaves(pool);
	if (ret == 0)
		ret = capture_layers(pool);
	if (ret == 0)
		ret = capture_catalogue(pool, &catalogue_root);
	if (ret == 0)
		ret = capture_bitmaps(pool, &bitmap_root);
	if (ret == 0)
		ret = capture_supers(pool, catalogue_root, bitmap_root);
	return ret;
}
