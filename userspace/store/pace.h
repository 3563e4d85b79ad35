/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the background may take its next step. Work in the background waits here between two
 * steps, until a number of requests of volumes have ended or until there are none: then several
 * reads of one block of the disk have passed, one after the other, without a request. The
 * store has no clock; a disk that is asked for something is one.
 */
#ifndef STORE_PACE_H
#define STORE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "block/block.h"
#include "store/waiter.h"

struct pool;

/* Embedded by whoever waits. */
struct pace_waiter {
	struct waiter waiter;
	uint64_t due;
};

struct pace {
	struct list waiting; /* pace_waiter */
	uint64_t ended;	     /* requests of volumes, ever */
	uint64_t quiet_at;   /* it was quiet when so many had ended */
	uint64_t read_at;    /* so many had ended when the reads began */
	unsigned reads;
	bool is_reading;
	struct block_io io;
	struct iovec iov;
	void *block;
};

/* -ENOMEM. */
int pace_init(struct pace *pace);
void pace_fini(struct pace *pace);

/*
 * The waiter is woken (0) after `requests` have ended or when it is quiet; at once where it
 * has been quiet, and where the pool is being closed or cannot be written any more.
 */
void pace_wait(struct pool *pool, struct pace_waiter *waiter, uint32_t requests);

/* No request is in flight, and none has been for a while. */
bool pace_is_quiet(const struct pool *pool);

/* A request of a volume has ended. */
void pace_ended(struct pool *pool);

/* Nobody shall wait any more: the pool is being closed, or is not writable now. */
void pace_release(struct pool *pool);

#endif
