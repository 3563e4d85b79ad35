/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling that space runs short: of the pool (percent used), of a volume (bytes charged to it,
 * bytes it can still have), and that the pool is full or has room again. Told once, and again only
 * after it has receded by a sixteenth of the threshold (at least half a MiB). Not when a pool is
 * opened: what had been crossed before is no news.
 *
 * Looked at in the thread's queue, after whatever has changed: never from inside a call.
 */
#ifndef STORE_THRESHOLD_H
#define STORE_THRESHOLD_H

#include <stdbool.h>

#include "block/space.h"

struct pool;
struct volume;

struct threshold {
	struct block_io turn;
	bool is_deferred;
	bool is_started;
	bool is_crossed; /* the pool's own */
	bool has_told_full;
	uint32_t watched; /* volumes that have thresholds, at least when last looked */
};

/* The pool was opened: from now on. */
void threshold_start(struct pool *pool);

/* Something has changed: look soon. */
void threshold_want(struct pool *pool);

/* The volume has other thresholds now: one that is reached already is told. */
void threshold_set(struct volume *volume, const struct block_thresholds *thresholds);

#endif
