/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Closing: stop the background work, a checkpoint if anything changed, wait until nothing is
 * under way, and free the pool from the queue, where none of its functions is running.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "store/state.h"

static void close_closed(void *owner)
{
	struct operation *operation = owner;
	struct store_request *request = operation->request;
	int result = operation->result;

	free(operation);
	request->done(request, result);
}

static void close_finish(struct block_io *io, int result)
{
	struct operation *operation = container_of(io, struct operation, io);
	struct pool *pool = operation->pool;
	struct block *disk = pool->disk;

	assert(list_is_empty(&pool->operations.waiting) &&
	       list_is_empty(&pool->operations.finished));
	pool_free(pool);
	block_close(disk, close_closed, operation);
}

static void close_checkpointed(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);

	operation->result = result;
	if (result != 0)
		operation->request->error = operation->pool->reason;
	pool_close_kick(operation->pool);
}

static bool pool_has_changes(const struct pool *pool)
{
	return pool->journal.next != pool->journal.first || pool->cache.dirty_count > 0 ||
	       pool->punch.has_news || pool->commit.writes_done != pool->commit.writes_durable;
}

void pool_close_kick(struct pool *pool)
{
	struct operation *operation = pool->closing;

	if (!operation || pool->background.layer || pool->pace.is_reading || pool->punch.is_running)
		return;
	if (!operation->has_checkpointed && pool_is_writable(pool) && pool_has_changes(pool)) {
		operation->has_checkpointed = true;
		checkpoint_join(pool, &operation->waiter);
		return;
	}
	if (pool->commit.is_running || pool->checkpoint.is_running || pool->threshold.is_deferred ||
	    !list_is_empty(&pool->runner.ready) || !list_is_empty(&pool->checkpoint.next))
		return;
	pool->closing = NULL;
	operation->io.done = close_finish;
	block_queue_complete(pool->disk->queue, &operation->io, 0);
}

static void close_start(struct operation *operation)
{
	struct pool *pool = operation->pool;

	pool->background.is_stopping = true;
	pool->closing = operation;
	operation->waiter.run = close_checkpointed;
	pace_release(pool);
	pool_close_kick(pool);
	runner_run(&pool->runner);
}

void pool_close(struct pool *pool, struct store_request *request)
{
	(void)operation_new(pool, request, close_start); /* the request hears of a failure */
}
