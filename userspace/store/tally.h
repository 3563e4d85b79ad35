/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counting behind every check: who has which extent, which pages there are, and what the
 * counters of layers should be. Fed with words and pages by who walks the pool (pool_check in
 * a live one, check_image on a disk), in any order; knows nothing of how they are read.
 */
#ifndef STORE_TALLY_H
#define STORE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/geometry.h"

/* A data extent that holds metadata pages. */
struct tally_spill {
	uint64_t extent;
	uint32_t blocks; /* which of the 16 hold one */
};

struct tally {
	struct geometry geometry;
	uint64_t *extents; /* that words have, or that hold pages */
	uint64_t *slots;   /* that hold pages */
	uint64_t extent_bits;
	uint64_t slot_bits;
	struct tally_spill *spills; /* in order */
	uint64_t spill_count;
	uint64_t spill_capacity;

	uint64_t leaves;
	uint64_t mapped; /* extents of words */
	uint64_t pages;
};

/* Bits as of whole regions of the bitmaps. -ENOMEM. */
int tally_init(struct tally *tally, const struct geometry *geometry);
void tally_fini(struct tally *tally);

/* A word has this data extent: false if something had it before. */
bool tally_extent(struct tally *tally, uint64_t extent);

/* A page lies in this block: false if something had it before, or no page can be there. */
bool tally_page(struct tally *tally, uint64_t block, bool *out_is_possible);

/* What the disk obeys: sound, and its extent one for data. */
bool tally_word_is_possible(const struct tally *tally, uint64_t word);

/* True if merging the parent's word into this one frees an extent. */
bool tally_is_shadowed(uint64_t word, uint64_t parent_word);

#endif
