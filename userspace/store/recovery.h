/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening a pool: the newest intact superblock, a flush that makes sure of it, the trees of its
 * checkpoint (bitmaps and catalogue whole, of each layer the index pages), the journal replayed
 * over them, and a checkpoint that begins a new epoch. A layer whose index is damaged is left alone
 * and its volume answers -ENODATA; damage to what all share fails the opening, with the address.
 */
#ifndef STORE_RECOVERY_H
#define STORE_RECOVERY_H

#include "store/journal.h"
#include "store/page_transfer.h"
#include "store/pool.h"
#include "store/tree_loader.h"
#include "store/waiter.h"

struct replay {
	bool is_scanning; /* first walk: how far is the journal to be trusted? */
	uint64_t end;	  /* one past the last record to apply */
	uint64_t number;  /* of the record being looked at or applied */
	bool is_careful;  /* a read failed: one block at a time from now on */
	uint32_t record;  /* its index in the list */
	uint32_t offset;  /* of the next entry in it */
	bool has_entry;
	bool is_within; /* a commit: the record before has not ended it */
	struct journal_entry entry;
	uint32_t word;	 /* next word of the entry */
	int leaf_result; /* of the leaf waited for */
};

struct recovery {
	struct block *disk;
	struct pool_settings settings;
	struct pool **out_pool;
	struct store_request *request;
	struct pool *pool;
	struct page_list list;
	struct page_transfer transfer;
	struct tree_loader loader;
	bool is_repaired; /* and that was not accepted yet: nothing may be written */
	bool has_lost;	  /* a layer whose index could not be read */
	struct replay replay;
	struct waiter waiter;
	struct block_io flush; /* and what is to be flushed */
	struct iovec iov;
	struct block_io deferred;
};

/* Give up, or be done: soon, from the queue, the request ends and the recovery is freed. */
void recovery_end(struct recovery *recovery, int result);

/* Replay the journal (store/replay.c), then recovery_replayed or recovery_end. */
void replay_start(struct recovery *recovery);
void recovery_replayed(struct recovery *recovery);

/* The newest of two superblocks as read; -EINVAL no pool, -ENODATA damaged. */
int super_choose(const void *a, const void *b, const struct format_super **out_super,
		 struct error *err);

/* That this program can open it, on a disk of that size. */
int super_check(const struct format_super *super, uint64_t disk_bytes, struct error *err);

#endif
