/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting what has changed into the journal. There are two kinds of commit, by who waits:
 *
 *   sealed    capture, flush data, write records, flush records: what a flush waits for. It
 *             survives everything.
 *   unsealed  capture, write records: what a write waits for that changed words. It survives
 *             the death of this process, whose restart finds the records and the data in the
 *             disk's cache or beyond; a power failure may lose it, as any disk's cache.
 *
 * A sealed record says that the data of its own words and of all records before it was flushed
 * before it was written. One commit runs at a time; whoever asks meanwhile shares the next one.
 *
 * A commit is atomic, however many records it takes: what was changed in one turn of the thread is
 * in one commit, so it comes back together or not at all.
 *
 * A checkpoint begins with a commit: what it captures is exactly what the journal has up to
 * there (store/checkpoint.h).
 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "block/block.h"
#include "store/waiter.h"

#define COMMIT_RECORDS 8  /* catalogue records that one commit may carry */
#define COMMIT_DROPS   64 /* dropped leaves */

struct pool;

struct commit {
	struct list next; /* waiters for a sealed commit after this one */
	struct list now;
	struct list kept_next; /* waiters for one of either kind */
	struct list kept_now;
	bool is_running;
	bool is_sealed;	   /* the one that is running */
	bool is_forced;	   /* its records are written with FUA */
	bool has_unsealed; /* records were written since the last sealed one */
	bool is_wanted;
	bool has_checkpoint; /* this one was captured together with a checkpoint */

	/* Writes of data that have ended: all, before the capture, durable. */
	uint64_t writes_done, writes_captured, writes_durable;

	uint32_t record_ids[COMMIT_RECORDS];
	uint32_t record_count;
	struct {
		uint32_t layer;
		uint64_t leaf;
	} drops[COMMIT_DROPS];
	uint32_t drop_count;

	struct block_io flush;
	struct commit_part {
		struct pool *pool;
		struct block_io io;
		struct iovec iov;
	} parts[2]; /* two where the ring wraps */
	unsigned writes_in_flight;
	int result;
};

void commit_init(struct commit *commit);

/* The waiter is woken once everything that ended before this call is durable; -EIO. */
void commit_join(struct pool *pool, struct waiter *waiter);

/*
 * The waiter is woken once all words and records that were changed before this call are in the
 * journal, sealed or not; -EIO.
 */
void commit_join_kept(struct pool *pool, struct waiter *waiter);

/* Nobody waits, but there should be a sealed one soon. */
void commit_want(struct pool *pool);

/* Start one if it is wanted and can be: called whenever something ended. */
void commit_kick(struct pool *pool);

/* To be in the next commit. Whoever adds them knows that there is room. */
void commit_add_record(struct pool *pool, uint32_t id);
void commit_add_drop(struct pool *pool, uint32_t layer, uint64_t leaf);

#endif
