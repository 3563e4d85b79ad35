/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is writing where. Every change of a logical extent holds it: the blocks it touches are
 * its alone until it ends (a block has one writer at a time), and the disk's extent stays with
 * the hold, so that
 *   - two writes to a new extent share one allocation,
 *   - an extent whose last block is unmapped under a write is not given to somebody else,
 *   - a write of less than a block never loses its neighbour's.
 * A request takes its holds in ascending order, so two never wait for each other.
 */
#ifndef STORE_HOLD_H
#define STORE_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slots.h"
#include "store/waiter.h"

struct layer;

struct hold {
	struct list_node link;
	const struct layer *layer;
	uint64_t extent;
	uint16_t busy; /* blocks */
	uint16_t users;
	uint32_t place;	  /* the disk's extent kept here while the word has none; 0 */
	bool is_unmapped; /* that extent was a word's before */
	struct list waiters;
};

struct hold_table {
	struct slots holds;
	struct list *buckets;
	uint32_t bucket_mask;
};

/* `count` extents held at most at any time; -ENOMEM. */
int hold_table_init(struct hold_table *table, uint32_t count);
void hold_table_fini(struct hold_table *table);

/*
 * Hold the blocks of `mask` of a logical extent. NULL: one of them is another's; the waiter is
 * woken to ask again.
 */
struct hold *hold_take(struct hold_table *table, const struct layer *layer, uint64_t extent,
		       uint16_t mask, struct waiter *waiter);

/*
 * Let go of them. True if nobody holds the extent any more: what `place` had is then the
 * caller's to release (*out_place, 0: nothing; *out_is_unmapped as above).
 */
bool hold_put(struct hold_table *table, struct hold *hold, uint16_t mask, struct runner *runner,
	      uint32_t *out_place, bool *out_is_unmapped);

#endif
