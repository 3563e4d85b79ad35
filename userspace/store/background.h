/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nobody asks for any more is cleared away in the background, one layer at a time:
 *
 *   free    a layer without a name and without a layer over it: its extents become free, and it
 *           goes (store/background_free.c)
 *   merge   one without a name and with one layer over it: that one takes over what it needs,
 *           and it goes (store/background_merge.c)
 *   count   one whose shadowed_extents are not known, as after a merge (store/background_count.c)
 *
 * Nothing is remembered of it on the disk: what is to be done follows from the tree of layers, and
 * what is done is done. So a crash only means that it goes on after the next opening.
 *
 * All work is in bounded steps. Between two of them the loop has its turn, and where volumes are in
 * use a number of requests end first (store/pace.h). A layer that cannot be read is left alone.
 */
#ifndef STORE_BACKGROUND_H
#define STORE_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "block/block.h"
#include "store/background_merge.h"
#include "store/pace.h"
#include "store/waiter.h"

struct pool;
struct layer;

struct background {
	struct layer *layer; /* being worked on; NULL: nothing to do */
	void (*step)(struct pool *pool);
	struct waiter waiter; /* for what a step waits for */
	struct block_io turn; /* the loop's, between two steps */
	struct pace_waiter pacer;
	bool is_between; /* two steps */
	bool is_paused;
	bool is_parked; /* between two steps, for the pause */
	struct waiter *pauser;
	bool is_kicked;	  /* something may have become more urgent */
	bool is_stopping; /* the pool is being closed */

	uint64_t leaf;		   /* of a layer that is freed: all below are done */
	uint32_t batch;		   /* leaves freed since the last commit */
	uint64_t returned_extents; /* since it last had nothing to do */
	struct merge merge;
};

/* Something lost its name, or has not been counted: find out what there is to do. */
void background_kick(struct pool *pool);

/*
 * Stand still: the waiter is woken (0) when no step is under way, and none is begun until
 * background_resume. One at a time.
 */
void background_pause(struct pool *pool, struct waiter *waiter);
void background_resume(struct pool *pool);

/* --- for the files of the background --- */

/* The step is over; `step` is next, after others had their turn. */
void background_yield(struct pool *pool, void (*step)(struct pool *pool));

/* `step` goes on when all that was changed is durable. */
void background_commit(struct pool *pool, void (*step)(struct pool *pool));

/* A step could not go on: -EAGAIN, it is called again; else the layer is left alone. */
void background_fail(struct pool *pool, int result);

/* Done with the layer: on to what is next. */
void background_next(struct pool *pool);

/*
 * The next leaf from *cursor on that the layer has, cached or on the disk. 0: found, or the cursor
 * is at the end; -EAGAIN: there are many that it has not, and the step should end.
 */
int background_find_leaf(const struct pool *pool, const struct layer *layer, uint64_t *cursor);

/* True if the layer can be merged into the one over it, and that one stays for now. */
bool background_can_merge(const struct layer *layer);

/* The first steps of the jobs. */
void background_free_start(struct pool *pool);
void background_merge_start(struct pool *pool);
void background_count_start(struct pool *pool);

#endif
