/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Old readers are told from new ones by two counters that take turns: when frees become
 * durable the turn changes, and they are let go once the other counter is zero.
 */
#include "store/space.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"

int space_init(struct space *space, const struct geometry *geometry, uint32_t freed_capacity)
{
	int ret;

	assert((freed_capacity & (freed_capacity - 1)) == 0);
	*space = (struct space){.freed_capacity = freed_capacity};
	space->freed = calloc(freed_capacity, sizeof(*space->freed));
	ret = space->freed ? space_grow(space, geometry) : -ENOMEM;
	if (ret == 0)
		space_open(space);
	return ret;
}

void space_fini(struct space *space)
{
	free(space->taken);
	free(space->mapped);
	free(space->filled);
	free(space->regions);
	free(space->dirty_regions);
	free(space->freed);
	*space = (struct space){0};
}

/* What space_grow replaces. */
struct space_maps {
	uint64_t *taken, *mapped, *filled, *dirty_regions;
	struct space_region *regions;
};

static void *items_extend(const void *old, size_t old_count, size_t count, size_t item_bytes)
{
	void *items = calloc(count, item_bytes);

	if (items && old)
		memcpy(items, old, old_count * item_bytes);
	return items;
}

static uint64_t *words_extend(const uint64_t *old, uint64_t old_bits, uint64_t bits)
{
	return items_extend(old, BITMAP_WORDS(old_bits), BITMAP_WORDS(bits), sizeof(*old));
}

static void maps_free(struct space_maps *maps)
{
	free(maps->taken);
	free(maps->mapped);
	free(maps->filled);
	free(maps->dirty_regions);
	free(maps->regions);
}

static int maps_extend(struct space_maps *maps, const struct space *space, uint64_t regions)
{
	uint64_t bits = regions * FORMAT_REGION_EXTENTS;
	uint64_t old_regions = space->bits / FORMAT_REGION_EXTENTS;

	maps->taken = words_extend(space->taken, space->bits, bits);
	maps->mapped = words_extend(space->mapped, space->bits, bits);
	maps->filled = words_extend(space->filled, space->bits, bits);
	maps->dirty_regions = words_extend(space->dirty_regions, old_regions, regions);
	maps->regions = items_extend(space->regions, old_regions, regions, sizeof(*maps->regions));
	if (maps->taken && maps->mapped && maps->filled && maps->dirty_regions && maps->regions)
		return 0;
	maps_free(maps);
	return -ENOMEM;
}

int space_grow(struct space *space, const struct geometry *geometry)
{
	uint64_t bits = geometry_region_count(geometry) * FORMAT_REGION_EXTENTS;
	uint64_t old_end = space->geometry.extent_count;
	struct space_maps old = {space->taken, space->mapped, space->filled, space->dirty_regions,
				 space->regions};
	struct space_maps maps;

	if (maps_extend(&maps, space, geometry_region_count(geometry)) != 0)
		return -ENOMEM;
	maps_free(&old);
	space->taken = maps.taken;
	space->mapped = maps.mapped;
	space->filled = maps.filled;
	space->dirty_regions = maps.dirty_regions;
	space->regions = maps.regions;
	space->bits = bits;
	space->geometry = *geometry;
	for (uint64_t extent = old_end; extent < bits; extent++)
		bitmap_set(space->taken, extent);
	return 0;
}

void space_open(struct space *space)
{
	for (; space->open_end < space->geometry.extent_count; space->open_end++) {
		if (!geometry_is_data(&space->geometry, space->open_end))
			continue;
		bitmap_clear(space->taken, space->open_end);
		space->free_count++;
	}
}

static struct space_region *space_region(struct space *space, uint64_t extent)
{
	return &space->regions[extent / FORMAT_REGION_EXTENTS];
}

/* Somebody has a free extent from now on. */
static void space_leave_free(struct space *space, uint64_t extent)
{
	bitmap_set(space->taken, extent);
	space->free_count--;
	if (bitmap_has(space->filled, extent)) {
		space->unpunched_count--;
		space_region(space, extent)->unpunched--;
	}
}

static void space_enter_free(struct space *space, uint64_t extent)
{
	bitmap_clear(space->taken, extent);
	space->free_count++;
	if (bitmap_has(space->filled, extent)) {
		space->unpunched_count++;
		space_region(space, extent)->unpunched++;
	}
}

bool space_load(struct space *space, uint64_t extent)
{
	if (!geometry_is_data(&space->geometry, extent) || bitmap_has(space->mapped, extent))
		return false;
	if (!bitmap_has(space->taken, extent))
		space_leave_free(space, extent);
	bitmap_set(space->mapped, extent);
	bitmap_set(space->filled, extent);
	space->mapped_count++;
	return true;
}

void space_reserve(struct space *space, uint64_t extent)
{
	if (geometry_is_data(&space->geometry, extent) && !bitmap_has(space->taken, extent))
		space_leave_free(space, extent);
}

bool space_claim(struct space *space, uint64_t extent)
{
	if (!space_load(space, extent))
		return false;
	space_suspect(space, extent / FORMAT_REGION_EXTENTS);
	bitmap_set(space->dirty_regions, extent / FORMAT_REGION_EXTENTS);
	return true;
}

/* First extent in [start, end) that is filled and free, or `end`. */
static uint64_t space_find_unpunched(const struct space *space, uint64_t start, uint64_t end)
{
	for (uint64_t extent = start; extent < end;) {
		uint64_t region = extent / FORMAT_REGION_EXTENTS;
		uint64_t region_end = MIN(end, (region + 1) * FORMAT_REGION_EXTENTS);

		if (space->regions[region].unpunched == 0) {
			extent = region_end;
			continue;
		}
		for (; extent < region_end;
		     extent += BITMAP_WORD_BITS - extent % BITMAP_WORD_BITS) {
			uint64_t word = space->filled[extent / BITMAP_WORD_BITS] &
					~space->taken[extent / BITMAP_WORD_BITS] &
					~UINT64_C(0) << (extent % BITMAP_WORD_BITS);

			if (word)
				return extent - extent % BITMAP_WORD_BITS +
				       (uint64_t)__builtin_ctzll(word);
		}
	}
	return end;
}

static uint64_t space_choose(const struct space *space)
{
	uint64_t end = space->geometry.extent_count;
	uint64_t extent = end;

	if (space->unpunched_count > space->punching_count) {
		extent = space_find_unpunched(space, space->cursor, end);
		if (extent == end)
			extent = space_find_unpunched(space, 0, end);
	}
	if (extent == end)
		extent = bitmap_find_clear(space->taken, space->cursor, end);
	return extent < end ? extent : bitmap_find_clear(space->taken, 0, end);
}

int space_take(struct space *space, uint64_t wanted, uint32_t *out_extent)
{
	uint64_t end = space->geometry.extent_count;
	uint64_t extent = wanted;

	if (space->free_count == space->punching_count)
		return -ENOSPC;
	if (wanted == 0 || wanted >= end || bitmap_has(space->taken, wanted))
		extent = space_choose(space);
	assert(extent < end);
	space_leave_free(space, extent);
	bitmap_set(space->filled, extent);
	space->cursor = extent + 1;
	*out_extent = (uint32_t)extent;
	return 0;
}

void space_untake(struct space *space, uint32_t extent)
{
	assert(bitmap_has(space->taken, extent) && !bitmap_has(space->mapped, extent));
	space_enter_free(space, extent);
}

void space_map(struct space *space, uint32_t extent)
{
	assert(bitmap_has(space->taken, extent) && !bitmap_has(space->mapped, extent));
	bitmap_set(space->mapped, extent);
	bitmap_set(space->dirty_regions, extent / FORMAT_REGION_EXTENTS);
	space->mapped_count++;
}

bool space_unmap(struct space *space, uint32_t extent)
{
	if (!bitmap_has(space->mapped, extent))
		return false;
	bitmap_clear(space->mapped, extent);
	bitmap_set(space->dirty_regions, extent / FORMAT_REGION_EXTENTS);
	space->mapped_count--;
	return true;
}

void space_release(struct space *space, uint32_t extent)
{
	assert(bitmap_has(space->taken, extent) && !bitmap_has(space->mapped, extent));
	assert(space_freed_room(space) > 0);
	space->freed[space->tail++ & (space->freed_capacity - 1)] = extent;
}

bool space_disclaim(struct space *space, uint32_t extent)
{
	if (!space_unmap(space, extent))
		return false;
	space_suspect(space, extent / FORMAT_REGION_EXTENTS);
	return true;
}

uint32_t space_freed_room(const struct space *space)
{
	return space->freed_capacity - (uint32_t)(space->tail - space->head);
}

bool space_has_pending(const struct space *space)
{
	return space->tail != space->head || space->punching_count > 0;
}

void space_capture(struct space *space)
{
	space->captured_end = space->tail;
}

/* Let go of whatever no old reader can be looking at. */
static void space_settle(struct space *space)
{
	for (;;) {
		if (space->is_draining) {
			if (space->readers[!space->turn] > 0)
				return;
			for (; space->head < space->drain_end; space->head++)
				space_untake(
					space,
					space->freed[space->head & (space->freed_capacity - 1)]);
			space->is_draining = false;
		}
		if (space->head == space->durable_end)
			return;
		space->drain_end = space->durable_end;
		space->turn = !space->turn;
		space->is_draining = true;
	}
}

void space_commit(struct space *space)
{
	space->durable_end = space->captured_end;
	space_settle(space);
}

unsigned space_enter(struct space *space)
{
	space->readers[space->turn]++;
	return space->turn;
}

void space_leave(struct space *space, unsigned turn)
{
	assert(space->readers[turn] > 0);
	if (--space->readers[turn] == 0)
		space_settle(space);
}

bool space_has_unpunched(const struct space *space, uint64_t region)
{
	size_t first = BITMAP_WORDS(region * FORMAT_REGION_EXTENTS);
	size_t end = first + BITMAP_WORDS(FORMAT_REGION_EXTENTS);

	for (size_t i = first; i < end; i++) {
		if (space->filled[i] & ~space->mapped[i])
			return true;
	}
	return false;
}

bool space_punch_begin(struct space *space, uint32_t max, uint64_t *out_first, uint32_t *out_count)
{
	uint64_t end = space->geometry.extent_count;
	uint64_t first = space_find_unpunched(space, space->punch_cursor, end);
	uint32_t count = 0;

	if (first == end)
		first = space_find_unpunched(space, 0, end);
	if (first == end)
		return false;
	while (count < max && first + count < end && !bitmap_has(space->taken, first + count) &&
	       bitmap_has(space->filled, first + count)) {
		bitmap_set(space->taken, first + count);
		space_region(space, first + count)->unpunched--;
		count++;
	}
	space->punching_count += count;
	space->punch_cursor = first + count;
	*out_first = first;
	*out_count = count;
	return true;
}

void space_punch_end(struct space *space, uint64_t first, uint32_t count, bool is_punched)
{
	for (uint64_t extent = first; extent < first + count; extent++) {
		bitmap_clear(space->taken, extent);
		if (is_punched) {
			bitmap_clear(space->filled, extent);
			bitmap_set(space->dirty_regions, extent / FORMAT_REGION_EXTENTS);
			space->unpunched_count--;
		} else {
			space_region(space, extent)->unpunched++;
		}
	}
	space->punching_count -= count;
}
