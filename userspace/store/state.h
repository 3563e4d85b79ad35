/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of a pool, for the files of store/ and for tests that must look in. What each part
 * means is in its own header; here they are put together.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include "base/slots.h"
#include "block/queue.h"
#include "store/admission.h"
#include "store/background.h"
#include "store/catalogue.h"
#include "store/checkpoint.h"
#include "store/commit.h"
#include "store/faults.h"
#include "store/hold.h"
#include "store/journal.h"
#include "store/leaf.h"
#include "store/loss.h"
#include "store/operation.h"
#include "store/pace.h"
#include "store/pool.h"
#include "store/quota.h"
#include "store/punch.h"
#include "store/slot_budget.h"
#include "store/slot_map.h"
#include "store/space.h"
#include "store/threshold.h"
#include "store/view.h"
#include "store/waiter.h"

struct pool {
	struct block *disk;
	struct block_limits disk_limits;
	struct pool_settings settings;
	struct pool_faults faults;
	struct pool_policy policy;

	char name[NAME_SIZE];
	struct uuid uuid;
	enum pool_state state;
	struct error reason; /* why it is not read-write */

	struct runner runner;
	struct geometry geometry;
	struct space space;
	struct slot_map slots;
	struct tree bitmaps;
	struct catalogue catalogue;
	struct leaf_cache cache;
	struct view_cache views;
	struct journal journal;
	struct admission admission;
	struct quota quota;
	struct threshold threshold;
	struct commit commit;
	struct checkpoint checkpoint;
	struct background background;
	struct loss loss;
	struct event_queue events;
	struct pace pace;
	struct punch punch;
	struct operation_queue operations;
	struct operation *closing; /* the pool_close under way */

	struct hold_table holds;
	struct slots tasks;   /* struct task */
	struct slots bounces; /* buffers for misaligned requests */
	uint8_t *bounce_memory;
	struct list waiting_ios;     /* requests of volumes beyond the tasks */
	struct list waiting_bounces; /* waiters */
	bool is_submitting;	     /* inside a volume's submit: completions must wait */
};

/*
 * The pool goes one step down and stays there; the sentence is the first reason's. Wakes all
 * who wait for something that will not come any more.
 */
void pool_degrade(struct pool *pool, enum pool_state state, const char *what, int code);

static inline bool pool_is_writable(const struct pool *pool)
{
	return pool->state == POOL_READ_WRITE;
}

/* Something ended: a close that waits for quiet may go on. */
void pool_close_kick(struct pool *pool);

/* Memory and tables of a pool of this size; the disk is not touched. -ENOMEM. */
int pool_new(struct block *disk, const struct pool_settings *settings,
	     const struct format_super *super, struct pool **out_pool);
void pool_free(struct pool *pool);

#endif
