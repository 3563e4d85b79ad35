/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which metadata slots are taken. A slot is live while the trees in memory point to its page,
 * and durable while those of the last checkpoint do; it may be handed out only when it is
 * neither. So a page that a checkpoint replaces is reused one checkpoint later at the
 * earliest, and a crash at any point finds all pages of the last checkpoint untouched.
 *
 * The slots of the zones come first. When they run out, free data extents are added, 16 slots
 * each (store/slot_budget.h says when), and go back once no slot of theirs is live or durable. Such
 * an extent is mapped in the space exactly while it holds a live page, so that is what a
 * checkpoint's bitmaps say; nothing else of it is recorded: that pages lie in it is seen when they
 * are found.
 *
 * Slots are handed out only while a checkpoint is captured, one checkpoint after the other.
 */
#ifndef STORE_SLOT_MAP_H
#define STORE_SLOT_MAP_H

#include <stdint.h>

#include "store/geometry.h"

struct space;

/* A data extent that holds metadata: bit n stands for its block n. */
struct slot_extent {
	uint32_t extent; /* 0: an empty entry of the table */
	uint16_t live;
	uint16_t durable;
	uint16_t captured;
};

struct slot_map {
	struct geometry geometry;
	struct space *space;
	/* Of the zones; all three have `end` bits. */
	uint64_t *live;
	uint64_t *durable;
	uint64_t *captured; /* live, when the checkpoint under way was captured */
	uint64_t end;
	uint64_t cursor;

	struct slot_extent *extents; /* an open hash table, `capacity` a power of two or 0 */
	uint32_t extent_capacity;
	uint32_t extent_count;
	uint32_t extent_cursor;
	bool is_strict; /* the bitmaps are loaded: what lies in no mapped extent is damage */

	uint64_t total;	      /* slots that there are */
	uint64_t live_count;  /* pages in them */
	uint64_t zone_used;   /* slots of zones that cannot be handed out before the next commit */
	uint64_t extent_used; /* and of extents */
};

/* The space must outlive it. -ENOMEM. */
int slot_map_init(struct slot_map *map, const struct geometry *geometry, struct space *space);
void slot_map_fini(struct slot_map *map);

/* The disk has grown; new slots are free. -ENOMEM changes nothing. */
int slot_map_grow(struct slot_map *map, const struct geometry *geometry);

/*
 * While a pool is opened: a page of the last checkpoint lies at this block. False if none can
 * lie there. The bits of a bitmap page (64 words) for the zones' slots of a region; false if one
 * stands for no slot.
 */
bool slot_map_load(struct slot_map *map, uint64_t block);
bool slot_map_load_region(struct slot_map *map, uint64_t region, const uint64_t *words);

/*
 * While a pool is opened, after its bitmaps: all extents that pages were found in so far must be
 * mapped, and those found later as well. False if one is not.
 */
bool slot_map_be_strict(struct slot_map *map);

/*
 * While a pool is opened: not all pages could be found. No block of an extent that is known to hold
 * metadata is handed out, so what could not be read stays as it is.
 */
void slot_map_freeze_extents(struct slot_map *map);

/* Slots that can be handed out now; those that could be after the next checkpoint. */
static inline uint64_t slot_map_room(const struct slot_map *map)
{
	return map->total - map->zone_used - map->extent_used;
}

static inline uint64_t slot_map_spare(const struct slot_map *map)
{
	return map->total - map->live_count;
}

/* A free data extent becomes 16 further slots. -ENOSPC: none is free; -ENOMEM. */
int slot_map_extend(struct slot_map *map);

/* A free slot becomes live, near the block `near` if that is not 0; its block, or -ENOSPC. */
int slot_map_take(struct slot_map *map, uint64_t near, uint64_t *out_block);

/* No tree in memory points to this place any more. Harmless for 0 and FORMAT_PLACE_LOST. */
void slot_map_drop_place(struct slot_map *map, uint64_t place);

/*
 * A checkpoint was captured; later, it is durable. Extents without a page go back to the space as
 * long as `keep` slots can be handed out without them.
 */
void slot_map_capture(struct slot_map *map);
void slot_map_commit(struct slot_map *map, uint64_t keep);

/* True if a page lies at this block; if this data extent holds metadata or is kept for it. */
bool slot_map_has_page(const struct slot_map *map, uint64_t block);
bool slot_map_has_extent(const struct slot_map *map, uint64_t extent);

#endif
