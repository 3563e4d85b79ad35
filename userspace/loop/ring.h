/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside loop/: the io_uring of one loop, and its counts. Submissions gather in the ring's queue
 * until ring_turn hands them over and waits, both in one system call.
 *
 * The ring is made disabled and enabled by the thread that runs the loop: SINGLE_ISSUER binds a
 * ring to the thread that enables it, and loop_new is called on another one.
 */
#ifndef LOOP_RING_H
#define LOOP_RING_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"

struct loop_op;

struct ring {
	struct io_uring uring;
	bool is_enabled;
	struct list done; /* operations that ended and whose callback has not run */
};

int ring_init(struct ring *ring, unsigned entries, struct error *err);
void ring_fini(struct ring *ring);

/* Bind the ring to the calling thread; again does nothing. */
int ring_enable(struct ring *ring);

/*
 * An empty submission entry; never NULL. Where the queue is full it is handed to the kernel
 * first, and what ended meanwhile is collected in `done`.
 */
struct io_uring_sqe *ring_entry(struct ring *ring);

/*
 * Hand over all submissions, wait for at least one completion (timeout_ms < 0: as long as it
 * takes; 0: not at all) and collect all that ended in `done`. 0, or a negative errno if the ring
 * is broken.
 */
int ring_turn(struct ring *ring, int64_t timeout_ms);

#endif
