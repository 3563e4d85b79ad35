/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives the disk back what freed extents took of it: holes in a file, discards on a device. In
 * the background, one request at a time, each for extents in a row, shorter ones while
 * volumes have requests, which pass in between (store/pace.h).
 *
 * Never early: an extent is only touched once it is free, which it is when the record that
 * freed it is durable and no reader from before is left, and nobody gets it until the disk has
 * answered. What an opening finds unpunched follows from a flag for each region of the bitmaps.
 */
#ifndef STORE_PUNCH_H
#define STORE_PUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "block/block.h"
#include "store/pace.h"

struct pool;

struct punch {
	bool is_running; /* from the first wait to the last answer */
	bool is_refused; /* the disk cannot, or is not to: it all stays as it is */
	/* After a failure: only when more extents than these are unpunched. */
	uint64_t rests_until;
	bool has_news; /* since the last checkpoint: it knows less than is punched */
	uint64_t first;
	uint32_t count;
	struct pace_waiter waiter;
	struct block_io io;
};

void punch_init(struct pool *pool);

/* Extents may have become free: begin, unless there is nothing to do. */
void punch_kick(struct pool *pool);

#endif
