/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frees the extents of deleted layers in the background, leaf by leaf, a few leaves a commit,
 * and at last the layer's record. The record says `doomed` until then, so a crash only means
 * that it goes on after the next opening.
 */
#ifndef STORE_DOOM_H
#define STORE_DOOM_H

#include <stdbool.h>
#include <stdint.h>

#include "store/waiter.h"

struct pool;
struct layer;

struct doom {
	struct layer *layer;
	bool is_running;
	bool is_stopping; /* the pool is being closed */
	uint32_t frame;	  /* cached leaves come first: up to this frame all are done */
	uint64_t leaf;	  /* then those on the disk, up to here */
	uint32_t batch;	  /* leaves since the last commit */
	struct waiter waiter;
	void (*step)(struct pool *pool);
};

/* Begin with a doomed layer if there is one and none is being worked on. */
void doom_kick(struct pool *pool);

#endif
