/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the opening of a pool does with its space: 64 extents at a time, since a pool of 16 TiB has
 * 268 million.
 */
#include "base/bitmap.h"
#include "store/space.h"

#define REGION_WORDS BITMAP_WORDS(FORMAT_REGION_EXTENTS)

/* The extents of one word that may hold data. */
static uint64_t data_mask(const struct space *space, uint64_t word)
{
	uint64_t first = word * BITMAP_WORD_BITS;
	uint64_t mask = 0;

	if (first % ZONE_EXTENTS < ZONE_SLOT_EXTENTS)
		return 0;
	if (first >= JOURNAL_EXTENT + space->geometry.journal_extents &&
	    first + BITMAP_WORD_BITS <= space->geometry.extent_count)
		return ~UINT64_C(0);
	for (unsigned i = 0; i < BITMAP_WORD_BITS; i++)
		mask |= (uint64_t)geometry_is_data(&space->geometry, first + i) << i;
	return mask;
}

static unsigned count_bits(uint64_t word)
{
	return (unsigned)__builtin_popcountll(word);
}

bool space_load_region(struct space *space, uint64_t region, const uint64_t *words)
{
	for (unsigned i = 0; i < REGION_WORDS; i++) {
		uint64_t at = region * REGION_WORDS + i;

		if (!words[i])
			continue;
		if ((words[i] & ~data_mask(space, at)) || (words[i] & space->mapped[at]))
			return false;
		space->free_count -= count_bits(words[i] & ~space->taken[at]);
		space->mapped_count += count_bits(words[i]);
		space->taken[at] |= words[i];
		space->mapped[at] |= words[i];
		space->filled[at] |= words[i];
	}
	return true;
}

void space_suspect(struct space *space, uint64_t region)
{
	struct space_region *own = &space->regions[region];

	if (own->is_suspect)
		return;
	own->is_suspect = true;
	for (uint64_t at = region * REGION_WORDS; at < (region + 1) * REGION_WORDS; at++) {
		uint64_t more = data_mask(space, at) & ~space->filled[at];
		unsigned unpunched = count_bits(more & ~space->taken[at]);

		space->filled[at] |= more;
		own->unpunched += unpunched;
		space->unpunched_count += unpunched;
	}
}

void space_end_replay(struct space *space, bool (*is_kept)(void *owner, uint64_t extent),
		      void *owner)
{
	for (uint64_t at = 0; at < BITMAP_WORDS(space->bits); at++) {
		uint64_t idle = space->taken[at] & ~space->mapped[at];

		if (idle)
			idle &= data_mask(space, at);
		for (; idle; idle &= idle - 1) {
			uint64_t extent = at * BITMAP_WORD_BITS + (unsigned)__builtin_ctzll(idle);

			if (!is_kept(owner, extent))
				space_untake(space, (uint32_t)extent);
		}
	}
}
