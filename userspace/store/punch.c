/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wait -> a run of extents -> wait -> ... until nothing is left or the pool is being closed. */
#include "store/punch.h"

#include <errno.h>

#include "store/state.h"

/*
 * A hole of 1 MiB takes a file system about as long as three small writes with a flush, and they
 * wait for it; so it is made after so many of them.
 */
#define PUNCH_REQUESTS	    16
#define PUNCH_EXTENTS_BUSY  UINT64_C(16)
#define PUNCH_EXTENTS_QUIET UINT64_C(256)

static void punch_woken(struct waiter *waiter, int result);

void punch_init(struct pool *pool)
{
	pool->punch.waiter.waiter.run = punch_woken;
	pool->punch.is_refused =
		pool->settings.keeps_freed || pool->disk_limits.unmap_granule_bytes == 0;
}

static bool punch_has_work(const struct pool *pool)
{
	return !pool->punch.is_refused && !pool->closing && pool_is_writable(pool) &&
	       pool->space.unpunched_count > pool->punch.rests_until;
}

static void punch_submit(struct pool *pool, uint64_t first, uint32_t count,
			 void (*done)(struct block_io *io, int result))
{
	pool->punch.io = (struct block_io){
		.kind = BLOCK_UNMAP,
		.offset = first * STORE_EXTENT_BYTES,
		.length = (uint64_t)count * STORE_EXTENT_BYTES,
		.done = done,
	};
	block_submit(pool->disk, &pool->punch.io);
}

static void punch_next(struct pool *pool)
{
	if (punch_has_work(pool)) {
		pace_wait(pool, &pool->punch.waiter, PUNCH_REQUESTS);
		return;
	}
	pool->punch.is_running = false;
	pool_close_kick(pool);
}

static void punch_done(struct block_io *io, int result)
{
	struct pool *pool = container_of(io, struct pool, punch.io);
	struct punch *punch = &pool->punch;

	space_punch_end(&pool->space, punch->first, punch->count, result == 0);
	if (result == 0)
		punch->rests_until = 0;
	else
		punch->rests_until = pool->space.unpunched_count;
	punch->has_news |= result == 0;
	punch->is_refused |= result == -EOPNOTSUPP;
	admission_retry(pool);
	punch_next(pool);
	runner_run(&pool->runner);
}

static void punch_woken(struct waiter *waiter, int result)
{
	struct pool *pool = container_of(waiter, struct pool, punch.waiter.waiter);
	struct punch *punch = &pool->punch;
	uint64_t max = MIN(pool->disk_limits.max_unmap_bytes / STORE_EXTENT_BYTES,
			   pace_is_quiet(pool) ? PUNCH_EXTENTS_QUIET : PUNCH_EXTENTS_BUSY);

	(void)result; /* pace_wait never fails */
	if (!punch_has_work(pool) ||
	    !space_punch_begin(&pool->space, (uint32_t)max, &punch->first, &punch->count)) {
		punch->is_running = false;
		pool_close_kick(pool);
		return;
	}
	punch_submit(pool, punch->first, punch->count, punch_done);
}

static void punch_early_done(struct block_io *io, int result)
{
	(void)result; /* of a mistake */
	container_of(io, struct pool, punch.io)->punch.is_running = false;
}

/* The mistake of pool->faults: the extent that was freed last, whoever may still need it. */
static void punch_early(struct pool *pool)
{
	const struct space *space = &pool->space;

	if (space->tail == space->durable_end)
		return;
	pool->punch.is_running = true;
	punch_submit(pool, space->freed[(space->tail - 1) & (space->freed_capacity - 1)], 1,
		     punch_early_done);
}

void punch_kick(struct pool *pool)
{
	if (pool->punch.is_running)
		return;
	if (pool->faults.punches_early)
		punch_early(pool);
	if (pool->punch.is_running || !punch_has_work(pool))
		return;
	pool->punch.is_running = true;
	punch_next(pool);
}
