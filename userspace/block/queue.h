/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completions that are ready but must not run yet: `done` never runs from inside submit, so a
 * device that knows its answer at once puts the request here, and the thread's owner runs the
 * queue later. One queue a thread is enough for all its devices.
 *
 * Who drives it: either the owner calls block_queue_run in its own loop (tests, simulation), or
 * it gives a `wake` that arranges for that call (a posted task of the event loop).
 */
#ifndef BLOCK_QUEUE_H
#define BLOCK_QUEUE_H

#include <stdbool.h>

#include "block/block.h"

struct block_queue {
	struct list ready;
	void (*wake)(void *owner); /* the queue is no longer empty; may be NULL */
	void *owner;
};

void block_queue_init(struct block_queue *queue, void (*wake)(void *owner), void *owner);

/* `io->done(io, result)` runs from the next block_queue_run. */
void block_queue_complete(struct block_queue *queue, struct block_io *io, int result);

/*
 * Run what is in the queue now, not what that adds (it wakes the owner again). True if
 * anything ran.
 */
bool block_queue_run(struct block_queue *queue);

#endif
