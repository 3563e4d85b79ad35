/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One word of a layer is merged into the one above it: what that has then, and what has to be
 * copied before.
 *
 * What the upper word says counts; where it says nothing, the lower one does. If both have a place
 * and both are needed, the fewer blocks are copied to their positions in the other's extent. No
 * word says anything of these positions before, so it does no harm if that is not finished.
 */
#ifndef STORE_MERGE_WORD_H
#define STORE_MERGE_WORD_H

#include <stdbool.h>
#include <stdint.h>

struct merge_word {
	uint64_t word;	      /* the upper one's; the lower one's is 0 then */
	uint32_t freed_place; /* the place that neither has then; 0: none */
	uint32_t from, to;    /* places to copy between, if copied is not 0 */
	uint16_t copied;      /* blocks */
};

/* `has_parent`: something lies below both, so zero bits mean something. */
struct merge_word merge_word(uint64_t below, uint64_t above, bool has_parent);

#endif
