/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies where, from the size alone. The disk is cut into zones of 4096 extents (256 MiB);
 * the first 64 extents of each (4 MiB, 1/64) hold metadata: 1024 slots of 4 KiB. A disk that
 * grows gets more zones, or a longer last one: nothing has to move and nothing is recorded.
 *
 *   zone 0:  [slots, superblocks at blocks 0 and 256][journal][data ...]
 *   zone n:  [slots][data ...]
 */
#ifndef STORE_GEOMETRY_H
#define STORE_GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/format.h"
#include "store/pool.h"

#define ZONE_EXTENTS	    4096
#define ZONE_SLOT_EXTENTS   64
#define ZONE_SLOTS	    1024
#define EXTENT_BLOCKS	    16 /* blocks of 4 KiB in an extent */
#define JOURNAL_EXTENT	    64
#define JOURNAL_EXTENTS_MIN 4
#define JOURNAL_EXTENTS_MAX 2048
#define POOL_BYTES_MIN	    (UINT64_C(64) << 20)
#define POOL_EXTENTS_MAX    (UINT64_C(1) << 32)

struct geometry {
	uint64_t extent_count; /* whole extents of the disk */
	uint64_t journal_extents;
};

/* May hold data: neither slots nor journal, and on the disk. */
static inline bool geometry_is_data(const struct geometry *geometry, uint64_t extent)
{
	if (extent >= geometry->extent_count || extent % ZONE_EXTENTS < ZONE_SLOT_EXTENTS)
		return false;
	return extent < JOURNAL_EXTENT || extent >= JOURNAL_EXTENT + geometry->journal_extents;
}

static inline uint64_t geometry_region_count(const struct geometry *geometry)
{
	return (geometry->extent_count + FORMAT_REGION_EXTENTS - 1) / FORMAT_REGION_EXTENTS;
}

/* Slots are counted through all zones, also those past the end of a short last zone. */
static inline uint64_t geometry_slot_block(uint64_t slot)
{
	return slot / ZONE_SLOTS * (ZONE_EXTENTS * EXTENT_BLOCKS) + slot % ZONE_SLOTS;
}

static inline uint64_t geometry_block_slot(uint64_t block)
{
	return block / (ZONE_EXTENTS * EXTENT_BLOCKS) * ZONE_SLOTS +
	       block % (ZONE_EXTENTS * EXTENT_BLOCKS);
}

/* Usable: on the disk, and not in an extent of a superblock. */
bool geometry_is_slot(const struct geometry *geometry, uint64_t slot);

/* True if the block's address is that of a usable slot. */
bool geometry_is_slot_block(const struct geometry *geometry, uint64_t block);

/* One past the last slot there may be. */
uint64_t geometry_slot_end(const struct geometry *geometry);

uint64_t geometry_slot_count(const struct geometry *geometry);
uint64_t geometry_data_count(const struct geometry *geometry);

/* Pages of an index tree of that many leaves, all levels together, at the worst. */
uint64_t geometry_index_pages(uint64_t leaf_count);

/* Leaves of a layer of that many bytes. */
uint64_t geometry_leaf_count(uint64_t size_bytes);

#endif
