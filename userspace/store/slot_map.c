/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three bitmaps; the search looks at two of them word by word. */
#include "store/slot_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"

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

int slot_map_init(struct slot_map *map, const struct geometry *geometry)
{
	*map = (struct slot_map){0};
	return slot_map_grow(map, geometry);
}

void slot_map_fini(struct slot_map *map)
{
	free(map->live);
	free(map->durable);
	free(map->captured);
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
	map->end = end;
	map->geometry = *geometry;
	return 0;
}

void slot_map_load(struct slot_map *map, uint64_t slot)
{
	if (bitmap_has(map->live, slot))
		return;
	bitmap_set(map->live, slot);
	bitmap_set(map->durable, slot);
	map->live_count++;
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

int slot_map_take(struct slot_map *map, uint64_t near, uint64_t *out_slot)
{
	uint64_t end = geometry_slot_end(&map->geometry);
	uint64_t start = near ? near : map->cursor;
	uint64_t slot = slot_find(map, start, end);

	if (slot == end && start > 0) {
		slot = slot_find(map, 0, start);
		if (slot == start)
			slot = end;
	}
	if (slot == end)
		return -ENOSPC;
	bitmap_set(map->live, slot);
	map->live_count++;
	map->cursor = slot + 1 < end ? slot + 1 : 0;
	*out_slot = slot;
	return 0;
}

void slot_map_drop(struct slot_map *map, uint64_t slot)
{
	if (!bitmap_has(map->live, slot))
		return;
	bitmap_clear(map->live, slot);
	map->live_count--;
}

void slot_map_capture(struct slot_map *map)
{
	memcpy(map->captured, map->live, BITMAP_WORDS(map->end) * sizeof(*map->live));
}

void slot_map_commit(struct slot_map *map)
{
	memcpy(map->durable, map->captured, BITMAP_WORDS(map->end) * sizeof(*map->live));
}
