/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/pace.h"

#include <errno.h>
#include <stdlib.h>

#include "store/state.h"

#define QUIET_READS 8

static void pace_read(struct pool *pool);
static void pace_kick(struct pool *pool);

int pace_init(struct pace *pace)
{
	list_init(&pace->waiting);
	pace->block = aligned_alloc(FORMAT_BLOCK_BYTES, FORMAT_BLOCK_BYTES);
	return pace->block ? 0 : -ENOMEM;
}

void pace_fini(struct pace *pace)
{
	free(pace->block);
}

/* Requests have been in flight since `at` of them had ended. */
static bool pace_is_disturbed(const struct pool *pool, uint64_t at)
{
	return pool->pace.ended != at || slots_used(&pool->tasks) > 0;
}

bool pace_is_quiet(const struct pool *pool)
{
	return !pace_is_disturbed(pool, pool->pace.quiet_at);
}

static void pace_read_done(struct block_io *io, int result)
{
	struct pool *pool = container_of(io, struct pool, pace.io);
	struct pace *pace = &pool->pace;

	(void)result; /* how long it took is what counts */
	pace->is_reading = false;
	if (!pace_is_disturbed(pool, pace->read_at)) {
		if (++pace->reads < QUIET_READS && !pool->closing)
			pace_read(pool);
		else
			pace->quiet_at = pace->ended;
	}
	pace_kick(pool);
	runner_run(&pool->runner);
	pool_close_kick(pool);
}

static void pace_read(struct pool *pool)
{
	struct pace *pace = &pool->pace;

	pace->is_reading = true;
	pace->iov = (struct iovec){.iov_base = pace->block, .iov_len = FORMAT_BLOCK_BYTES};
	pace->io = (struct block_io){
		.kind = BLOCK_READ,
		.offset = (uint64_t)FORMAT_SUPER_A_BLOCK * FORMAT_BLOCK_BYTES,
		.length = FORMAT_BLOCK_BYTES,
		.iov = &pace->iov,
		.iov_count = 1,
		.done = pace_read_done,
	};
	block_submit(pool->disk, &pace->io);
}

/* Wake who has waited long enough; if some are left, find out whether it is quiet. */
static void pace_kick(struct pool *pool)
{
	struct pace *pace = &pool->pace;
	bool all = pace_is_quiet(pool) || pool->closing || !pool_is_writable(pool);

	list_for_each_safe (&pace->waiting, waiter, struct pace_waiter, waiter.link) {
		if (!all && pace->ended < waiter->due)
			continue;
		list_remove(&waiter->waiter.link);
		waiter_wake(&pool->runner, &waiter->waiter, 0);
	}
	if (list_is_empty(&pace->waiting) || pace->is_reading || slots_used(&pool->tasks) > 0)
		return;
	pace->reads = 0;
	pace->read_at = pace->ended;
	pace_read(pool);
}

void pace_wait(struct pool *pool, struct pace_waiter *waiter, uint32_t requests)
{
	waiter->due = pool->pace.ended + requests;
	list_append(&pool->pace.waiting, &waiter->waiter.link);
	pace_kick(pool);
}

void pace_ended(struct pool *pool)
{
	pool->pace.ended++;
	if (!list_is_empty(&pool->pace.waiting))
		pace_kick(pool);
}

void pace_release(struct pool *pool)
{
	if (!list_is_empty(&pool->pace.waiting))
		pace_kick(pool);
}
