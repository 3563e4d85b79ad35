/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages in data extents are few: they are a list, and their extents are marked as taken. */
#include "store/tally.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bitmap.h"
#include "store/array.h"
#include "store/word.h"

int tally_init(struct tally *tally, const struct geometry *geometry)
{
	uint64_t regions = geometry_region_count(geometry);

	*tally = (struct tally){
		.geometry = *geometry,
		.extent_bits = regions * FORMAT_REGION_EXTENTS,
		.slot_bits = regions * FORMAT_REGION_SLOTS,
	};
	tally->extents = calloc(BITMAP_WORDS(tally->extent_bits), sizeof(uint64_t));
	tally->slots = calloc(BITMAP_WORDS(tally->slot_bits), sizeof(uint64_t));
	return tally->extents && tally->slots ? 0 : -ENOMEM;
}

void tally_fini(struct tally *tally)
{
	free(tally->extents);
	free(tally->slots);
	free(tally->spills);
	*tally = (struct tally){0};
}

static bool mark(uint64_t *bits, uint64_t bit)
{
	bool is_new = !bitmap_has(bits, bit);

	bitmap_set(bits, bit);
	return is_new;
}

bool tally_extent(struct tally *tally, uint64_t extent)
{
	tally->mapped++;
	return mark(tally->extents, extent);
}

/* The entry of an extent, or where it should go. */
static uint64_t spill_find(const struct tally *tally, uint64_t extent)
{
	uint64_t low = 0;
	uint64_t high = tally->spill_count;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (tally->spills[middle].extent < extent)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The pages of one extent share it; no two may lie in the same block, and no word may have it. */
static bool spill(struct tally *tally, uint64_t block)
{
	uint64_t extent = block / EXTENT_BLOCKS;
	uint32_t bit = 1u << block % EXTENT_BLOCKS;
	uint64_t at = spill_find(tally, extent);
	struct tally_spill *entry;
	bool is_first = mark(tally->extents, extent);

	if (at == tally->spill_count || tally->spills[at].extent != extent) {
		if (!is_first || array_reserve(&tally->spills, &tally->spill_capacity,
					       tally->spill_count + 1, sizeof(*tally->spills)) != 0)
			return false;
		memmove(&tally->spills[at + 1], &tally->spills[at],
			(tally->spill_count++ - at) * sizeof(*tally->spills));
		tally->spills[at] = (struct tally_spill){.extent = extent};
	}
	entry = &tally->spills[at];
	if (entry->blocks & bit)
		return false;
	entry->blocks |= bit;
	return true;
}

bool tally_page(struct tally *tally, uint64_t block, bool *out_is_possible)
{
	*out_is_possible = true;
	tally->pages++;
	if (geometry_is_slot_block(&tally->geometry, block))
		return mark(tally->slots, geometry_block_slot(block));
	if (geometry_is_data(&tally->geometry, block / EXTENT_BLOCKS))
		return spill(tally, block);
	*out_is_possible = false;
	return false;
}

bool tally_word_is_possible(const struct tally *tally, uint64_t word)
{
	uint32_t place = word_place(word);

	return word_is_sound(word) && (!place || geometry_is_data(&tally->geometry, place));
}

bool tally_is_shadowed(uint64_t word, uint64_t parent_word)
{
	uint16_t below = word_written(parent_word);

	return word_place(parent_word) && (word_place(word) || (below & ~word_zero(word)) == 0);
}
