/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A checkpoint: the whole state as the journal has it up to one record, written copy-on-write
 * into free slots, and made current by the superblock. It is captured in one turn (changed
 * leaves, index pages, catalogue pages and bitmap pages are copied), so I/O and commits go on
 * while it is written:
 *
 *   pages -> flush -> superblock A -> flush -> superblock B -> flush
 *
 * Only then may the old pages' slots and the journal up to there be used again. Both copies of
 * the superblock say the same then; a crash between them leaves an intact older or newer one.
 */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "store/page_list.h"
#include "store/page_transfer.h"
#include "store/waiter.h"

struct pool;

struct checkpoint {
	bool is_wanted;
	bool is_running; /* from capture to the last flush */
	struct list next;
	struct list now;
	uint64_t generation;	/* of the last durable one */
	uint64_t journal_first; /* of the one under way */

	struct page_list pages;
	struct page_list supers; /* A and B */
	struct page_transfer transfer;
	struct block_io io;
	struct iovec iov;
	void (*step)(struct pool *pool); /* after the flush or write under way */
};

void checkpoint_init(struct checkpoint *checkpoint);
void checkpoint_fini(struct checkpoint *checkpoint);

/* The waiter is woken when all that ended before this call is in a durable checkpoint; -EIO. */
void checkpoint_join(struct pool *pool, struct waiter *waiter);

/* Nobody waits, but there should be one soon. */
void checkpoint_want(struct pool *pool);

/*
 * Capture now, in the turn in which a commit was captured (or while nothing is served yet);
 * then write it, once that commit is durable. -ENOMEM, -ENOSPC.
 */
int checkpoint_capture(struct pool *pool);
void checkpoint_write(struct pool *pool);

/* It will not be written; wakes its waiters with -EIO. Nothing if none is under way. */
void checkpoint_abort(struct pool *pool);

#endif
