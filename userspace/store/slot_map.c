/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slots of zones: three bitmaps; the search looks at two of them word by word. Those of data
 * extents: a hash table by the extent's number, open, with linear probing.
 */
#include "store/slot_map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "store/space.h"

#define EXTENTS_MIN  64u
#define EXTENT_SLOTS EXTENT_BLOCKS
#define ALL_SLOTS    UINT16_C(0xffff)

static int bitmap_extend(uint64_t **words, uint64_t old_bits, uint64_t bits)
{
	size_t old_words = BITMAP_WORDS(old_bits);
	size_t new_words = BITMAP_WORDS(bits);
	uint64_t *grown = realloc(*words, new_words * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	memset(grown + old_words, 0, (new_words - old_words) * sizeof(*grown));
	*words = grown;
	return 0;
}

int slot_map_init(struct slot_map *map, const struct geometry *geometry, struct space *space)
{
	*map = (struct slot_map){.space = space};
	return slot_map_grow(map, geometry);
}

void slot_map_fini(struct slot_map *map)
{
	free(map->live);
	free(map->durable);
	free(map->captured);
	free(map->extents);
	*map = (struct slot_map){0};
}

int slot_map_grow(struct slot_map *map, const struct geometry *geometry)
{
	/* Whole regions, so that a bitmap page is always a whole piece of the arrays. */
	uint64_t end = geometry_region_count(geometry) * FORMAT_REGION_SLOTS;

	if (bitmap_extend(&map->live, map->end, end) != 0 ||
	    bitmap_extend(&map->durable, map->end, end) != 0 ||
	    bitmap_extend(&map->captured, map->end, end) != 0)
		return -ENOMEM;
	if (map->end > 0)
		map->total -= geometry_slot_count(&map->geometry);
	map->total += geometry_slot_count(geometry);
	map->end = end;
	map->geometry = *geometry;
	return 0;
}

/* --- the table of extents --- */

static uint32_t extent_home(const struct slot_map *map, uint32_t extent)
{
	return (uint32_t)(extent * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (map->extent_capacity - 1);
}

static uint32_t extent_next(const struct slot_map *map, uint32_t at)
{
	return (at + 1) & (map->extent_capacity - 1);
}

static struct slot_extent *extent_find(const struct slot_map *map, uint64_t extent)
{
	uint32_t at;

	if (map->extent_count == 0)
		return NULL;
	at = extent_home(map, (uint32_t)extent);
	for (; map->extents[at].extent; at = extent_next(map, at)) {
		if (map->extents[at].extent == extent)
			return &map->extents[at];
	}
	return NULL;
}

static struct slot_extent *extent_insert(struct slot_map *map, const struct slot_extent *entry)
{
	uint32_t at = extent_home(map, entry->extent);

	while (map->extents[at].extent)
		at = extent_next(map, at);
	map->extents[at] = *entry;
	return &map->extents[at];
}

/* At most half of the table is used. */
static int extents_make_room(struct slot_map *map)
{
	struct slot_extent *old = map->extents;
	uint32_t old_capacity = map->extent_capacity;
	uint32_t capacity = old_capacity ? old_capacity * 2 : EXTENTS_MIN;

	if (map->extent_count < old_capacity / 2)
		return 0;
	map->extents = calloc(capacity, sizeof(*map->extents));
	if (!map->extents) {
		map->extents = old;
		return -ENOMEM;
	}
	map->extent_capacity = capacity;
	for (uint32_t i = 0; i < old_capacity; i++) {
		if (old[i].extent)
			(void)extent_insert(map, &old[i]); /* there is room */
	}
	free(old);
	return 0;
}

static struct slot_extent *extent_add(struct slot_map *map, uint32_t extent)
{
	const struct slot_extent entry = {.extent = extent};

	if (extents_make_room(map) != 0)
		return NULL;
	map->extent_count++;
	map->total += EXTENT_SLOTS;
	return extent_insert(map, &entry);
}

/* Empty an entry; those behind it that would not be found any more move up. */
static void extent_remove(struct slot_map *map, uint32_t hole)
{
	uint32_t mask = map->extent_capacity - 1;

	for (uint32_t at = extent_next(map, hole); map->extents[at].extent;
	     at = extent_next(map, at)) {
		uint32_t home = extent_home(map, map->extents[at].extent);

		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		map->extents[hole] = map->extents[at];
		hole = at;
	}
	map->extents[hole] = (struct slot_extent){0};
	map->extent_count--;
	map->total -= EXTENT_SLOTS;
}

static uint64_t block_extent(uint64_t block)
{
	return block / EXTENT_BLOCKS;
}

static uint16_t block_bit(uint64_t block)
{
	return (uint16_t)(1u << block % EXTENT_BLOCKS);
}

/* --- opening --- */

static bool load_into_extent(struct slot_map *map, uint64_t block)
{
	uint64_t number = block_extent(block);
	struct slot_extent *extent = extent_find(map, number);
	uint16_t bit = block_bit(block);

	if (!geometry_is_data(&map->geometry, number) ||
	    (map->is_strict && !bitmap_has(map->space->mapped, number)))
		return false;
	if (!extent)
		extent = extent_add(map, (uint32_t)number);
	if (!extent || (extent->live & bit))
		return extent != NULL;
	extent->live |= bit;
	extent->durable |= bit;
	map->live_count++;
	map->extent_used++;
	return true;
}

bool slot_map_load(struct slot_map *map, uint64_t block)
{
	uint64_t slot;

	if (!geometry_is_slot_block(&map->geometry, block))
		return load_into_extent(map, block);
	slot = geometry_block_slot(block);
	if (bitmap_has(map->live, slot))
		return true;
	bitmap_set(map->live, slot);
	bitmap_set(map->durable, slot);
	map->live_count++;
	map->zone_used++;
	return true;
}

static bool word_has_only_slots(const struct slot_map *map, uint64_t first, uint64_t word)
{
	for (; word; word &= word - 1) {
		if (!geometry_is_slot(&map->geometry, first + (unsigned)__builtin_ctzll(word)))
			return false;
	}
	return true;
}

bool slot_map_load_region(struct slot_map *map, uint64_t region, const uint64_t *words)
{
	uint64_t first = region * (FORMAT_REGION_SLOTS / BITMAP_WORD_BITS);

	for (unsigned i = 0; i < FORMAT_REGION_SLOTS / BITMAP_WORD_BITS; i++) {
		unsigned more = (unsigned)__builtin_popcountll(words[i] & ~map->live[first + i]);

		if (!word_has_only_slots(map, (first + i) * BITMAP_WORD_BITS, words[i]))
			return false;
		map->live[first + i] |= words[i];
		map->durable[first + i] |= words[i];
		map->live_count += more;
		map->zone_used += more;
	}
	return true;
}

bool slot_map_be_strict(struct slot_map *map)
{
	map->is_strict = true;
	for (uint32_t i = 0; i < map->extent_capacity; i++) {
		if (map->extents[i].extent &&
		    !bitmap_has(map->space->mapped, map->extents[i].extent))
			return false;
	}
	return true;
}

void slot_map_freeze_extents(struct slot_map *map)
{
	for (uint32_t i = 0; i < map->extent_capacity; i++) {
		struct slot_extent *extent = &map->extents[i];
		unsigned more = (unsigned)__builtin_popcount(ALL_SLOTS & ~extent->live);

		if (!extent->extent)
			continue;
		extent->live = extent->durable = ALL_SLOTS;
		map->live_count += more;
		map->extent_used += more;
	}
}

/* --- handing out --- */

int slot_map_extend(struct slot_map *map)
{
	uint32_t extent;
	int ret = extents_make_room(map);

	if (ret == 0)
		ret = space_take(map->space, 0, &extent);
	if (ret == 0)
		(void)extent_add(map, extent); /* there is room */
	return ret;
}

static uint64_t slot_find(const struct slot_map *map, uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at < end;) {
		uint64_t word = at / BITMAP_WORD_BITS;
		uint64_t taken = map->live[word] | map->durable[word];

		if (taken == ~UINT64_C(0))
			at = (word + 1) * BITMAP_WORD_BITS;
		else if (taken >> (at % BITMAP_WORD_BITS) & 1 ||
			 !geometry_is_slot(&map->geometry, at))
			at++;
		else
			return at;
	}
	return end;
}

static bool take_of_zones(struct slot_map *map, uint64_t near, uint64_t *out_block)
{
	uint64_t end = geometry_slot_end(&map->geometry);
	uint64_t start = near ? geometry_block_slot(near) : map->cursor;
	uint64_t slot;

	if (map->zone_used >= geometry_slot_count(&map->geometry))
		return false;
	slot = slot_find(map, start, end);
	if (slot == end)
		slot = slot_find(map, 0, start);
	assert(slot < end && !bitmap_has(map->live, slot)); /* they were counted */
	bitmap_set(map->live, slot);
	bitmap_set(map->space->dirty_regions, slot / FORMAT_REGION_SLOTS);
	map->zone_used++;
	map->cursor = slot + 1 < end ? slot + 1 : 0;
	*out_block = geometry_slot_block(slot);
	return true;
}

static bool take_of_extents(struct slot_map *map, uint64_t *out_block)
{
	struct slot_extent *extent;
	uint16_t taken;
	unsigned block;

	if (map->extent_used == (uint64_t)map->extent_count * EXTENT_SLOTS)
		return false;
	for (uint32_t at = map->extent_cursor;; at = extent_next(map, at)) {
		extent = &map->extents[at & (map->extent_capacity - 1)];
		taken = extent->live | extent->durable;
		if (extent->extent && taken != ALL_SLOTS)
			break;
	}
	map->extent_cursor = (uint32_t)(extent - map->extents);
	block = (unsigned)__builtin_ctz(~(unsigned)taken);
	if (!extent->live)
		space_map(map->space, extent->extent);
	extent->live |= (uint16_t)(1u << block);
	map->extent_used++;
	*out_block = (uint64_t)extent->extent * EXTENT_BLOCKS + block;
	return true;
}

int slot_map_take(struct slot_map *map, uint64_t near, uint64_t *out_block)
{
	if (!take_of_zones(map, near, out_block) && !take_of_extents(map, out_block))
		return -ENOSPC;
	map->live_count++;
	return 0;
}

static void drop_of_extents(struct slot_map *map, uint64_t block)
{
	struct slot_extent *extent = extent_find(map, block_extent(block));

	if (!extent || !(extent->live & block_bit(block)))
		return;
	extent->live &= (uint16_t)~block_bit(block);
	map->live_count--;
	if (!extent->live)
		(void)space_unmap(map->space, extent->extent); /* it was, while it had a page */
}

void slot_map_drop_place(struct slot_map *map, uint64_t place)
{
	uint64_t block = format_place_block(place);
	uint64_t slot;

	if (place == 0 || place == FORMAT_PLACE_LOST)
		return;
	if (!geometry_is_slot_block(&map->geometry, block)) {
		drop_of_extents(map, block);
		return;
	}
	slot = geometry_block_slot(block);
	if (!bitmap_has(map->live, slot))
		return;
	bitmap_clear(map->live, slot);
	bitmap_set(map->space->dirty_regions, slot / FORMAT_REGION_SLOTS);
	map->live_count--;
}

void slot_map_capture(struct slot_map *map)
{
	memcpy(map->captured, map->live, BITMAP_WORDS(map->end) * sizeof(*map->live));
	for (uint32_t i = 0; i < map->extent_capacity; i++)
		map->extents[i].captured = map->extents[i].live;
}

/* What is neither live nor durable can be handed out from now on. */
static void recount_used(struct slot_map *map)
{
	map->zone_used = 0;
	map->extent_used = 0;
	for (size_t i = 0; i < BITMAP_WORDS(map->end); i++)
		map->zone_used += (unsigned)__builtin_popcountll(map->live[i] | map->durable[i]);
	for (uint32_t i = 0; i < map->extent_capacity; i++) {
		unsigned used = (unsigned)map->extents[i].live | map->extents[i].durable;

		map->extent_used += (unsigned)__builtin_popcount(used);
	}
}

void slot_map_commit(struct slot_map *map, uint64_t keep)
{
	memcpy(map->durable, map->captured, BITMAP_WORDS(map->end) * sizeof(*map->live));
	for (uint32_t i = 0; i < map->extent_capacity; i++)
		map->extents[i].durable = map->extents[i].captured;
	recount_used(map);
	for (uint32_t i = 0; i < map->extent_capacity; i++) {
		/* After a removal another one may have moved here. */
		while (map->extents[i].extent && !map->extents[i].live &&
		       !map->extents[i].durable && slot_map_room(map) >= keep + EXTENT_SLOTS) {
			space_untake(map->space, map->extents[i].extent);
			extent_remove(map, i);
		}
	}
}

bool slot_map_has_page(const struct slot_map *map, uint64_t block)
{
	const struct slot_extent *extent;

	if (geometry_is_slot_block(&map->geometry, block))
		return bitmap_has(map->live, geometry_block_slot(block));
	extent = extent_find(map, block_extent(block));
	return extent && (extent->live & block_bit(block));
}

bool slot_map_has_extent(const struct slot_map *map, uint64_t extent)
{
	return extent_find(map, extent) != NULL;
}
