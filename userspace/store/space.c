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
	free(space->dirty_regions);
	free(space->freed);
	*space = (struct space){0};
}

static uint64_t *words_extend(const uint64_t *old, uint64_t old_bits, uint64_t bits)
{
	uint64_t *words = calloc(BITMAP_WORDS(bits), sizeof(*words));

	if (words && old)
		memcpy(words, old, BITMAP_WORDS(old_bits) * sizeof(*words));
	return words;
}

static void space_replace(struct space *space, const struct geometry *geometry, uint64_t *taken,
			  uint64_t *mapped, uint64_t *dirty)
{
	uint64_t bits = geometry_region_count(geometry) * FORMAT_REGION_EXTENTS;
	uint64_t old_end = space->geometry.extent_count;

	free(space->taken);
	free(space->mapped);
	free(space->dirty_regions);
	space->taken = taken;
	space->mapped = mapped;
	space->dirty_regions = dirty;
	space->bits = bits;
	space->geometry = *geometry;
	for (uint64_t extent = old_end; extent < bits; extent++)
		bitmap_set(taken, extent);
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

int space_grow(struct space *space, const struct geometry *geometry)
{
	uint64_t regions = geometry_region_count(geometry);
	uint64_t bits = regions * FORMAT_REGION_EXTENTS;
	uint64_t *taken = words_extend(space->taken, space->bits, bits);
	uint64_t *mapped = words_extend(space->mapped, space->bits, bits);
	uint64_t *dirty =
		words_extend(space->dirty_regions, space->bits / FORMAT_REGION_EXTENTS, regions);

	if (!taken || !mapped || !dirty) {
		free(taken);
		free(mapped);
		free(dirty);
		return -ENOMEM;
	}
	space_replace(space, geometry, taken, mapped, dirty);
	return 0;
}

bool space_load(struct space *space, uint64_t extent)
{
	if (!geometry_is_data(&space->geometry, extent) || bitmap_has(space->mapped, extent))
		return false;
	if (!bitmap_has(space->taken, extent))
		space->free_count--;
	bitmap_set(space->taken, extent);
	bitmap_set(space->mapped, extent);
	space->mapped_count++;
	return true;
}

bool space_claim(struct space *space, uint64_t extent)
{
	if (!space_load(space, extent))
		return false;
	bitmap_set(space->dirty_regions, extent / FORMAT_REGION_EXTENTS);
	return true;
}

int space_take(struct space *space, uint64_t wanted, uint32_t *out_extent)
{
	uint64_t end = space->geometry.extent_count;
	uint64_t extent = wanted;

	if (space->free_count == 0)
		return -ENOSPC;
	if (wanted == 0 || wanted >= end || bitmap_has(space->taken, wanted))
		extent = bitmap_find_clear(space->taken, space->cursor, end);
	if (extent == end)
		extent = bitmap_find_clear(space->taken, 0, end);
	assert(extent < end);
	bitmap_set(space->taken, extent);
	space->free_count--;
	space->cursor = extent + 1;
	*out_extent = (uint32_t)extent;
	return 0;
}

void space_untake(struct space *space, uint32_t extent)
{
	assert(bitmap_has(space->taken, extent) && !bitmap_has(space->mapped, extent));
	bitmap_clear(space->taken, extent);
	space->free_count++;
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

bool space_unmap_now(struct space *space, uint32_t extent)
{
	if (!space_unmap(space, extent))
		return false;
	space_untake(space, extent);
	return true;
}

uint32_t space_freed_room(const struct space *space)
{
	return space->freed_capacity - (uint32_t)(space->tail - space->head);
}

bool space_has_pending(const struct space *space)
{
	return space->tail != space->head;
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
