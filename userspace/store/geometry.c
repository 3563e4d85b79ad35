/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting over zones, of which the last may be short. */
#include "store/geometry.h"

#include "base/compiler.h"

bool geometry_is_slot(const struct geometry *geometry, uint64_t slot)
{
	uint64_t extent = geometry_slot_block(slot) / EXTENT_BLOCKS;

	return extent < geometry->extent_count && extent != FORMAT_SUPER_A_BLOCK / EXTENT_BLOCKS &&
	       extent != FORMAT_SUPER_B_BLOCK / EXTENT_BLOCKS;
}

bool geometry_is_slot_block(const struct geometry *geometry, uint64_t block)
{
	if (block % (ZONE_EXTENTS * EXTENT_BLOCKS) >= ZONE_SLOTS)
		return false;
	return geometry_is_slot(geometry, geometry_block_slot(block));
}

uint64_t geometry_slot_end(const struct geometry *geometry)
{
	uint64_t rest = geometry->extent_count % ZONE_EXTENTS;

	return geometry->extent_count / ZONE_EXTENTS * ZONE_SLOTS +
	       MIN(rest, (uint64_t)ZONE_SLOT_EXTENTS) * EXTENT_BLOCKS;
}

uint64_t geometry_slot_count(const struct geometry *geometry)
{
	return geometry_slot_end(geometry) - 2 * EXTENT_BLOCKS;
}

uint64_t geometry_data_count(const struct geometry *geometry)
{
	return geometry->extent_count - geometry_slot_end(geometry) / EXTENT_BLOCKS -
	       geometry->journal_extents;
}

uint64_t geometry_index_pages(uint64_t leaf_count)
{
	uint64_t pages = 0;

	while (leaf_count > 0) {
		leaf_count = (leaf_count + FORMAT_WORDS - 1) / FORMAT_WORDS;
		pages += leaf_count;
		if (leaf_count == 1)
			break;
	}
	return pages;
}

uint64_t geometry_leaf_count(uint64_t size_bytes)
{
	uint64_t extents = (size_bytes + STORE_EXTENT_BYTES - 1) / STORE_EXTENT_BYTES;

	return (extents + FORMAT_WORDS - 1) / FORMAT_WORDS;
}
