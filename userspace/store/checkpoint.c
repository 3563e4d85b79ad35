/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of writing. What is written is put together in store/checkpoint_capture.c. */
#include "store/checkpoint.h"

#include <assert.h>
#include <errno.h>

#include "store/state.h"

void checkpoint_init(struct checkpoint *checkpoint)
{
	*checkpoint = (struct checkpoint){0};
	list_init(&checkpoint->next);
	list_init(&checkpoint->now);
}

void checkpoint_fini(struct checkpoint *checkpoint)
{
	page_list_fini(&checkpoint->pages);
	page_list_fini(&checkpoint->supers);
}

void checkpoint_join(struct pool *pool, struct waiter *waiter)
{
	if (!pool_is_writable(pool)) {
		waiter_wake(&pool->runner, waiter, -EIO);
		return;
	}
	list_append(&pool->checkpoint.next, &waiter->link);
	checkpoint_want(pool);
}

void checkpoint_want(struct pool *pool)
{
	pool->checkpoint.is_wanted = true;
	commit_kick(pool);
}

static void checkpoint_end(struct pool *pool, int result, const char *what)
{
	struct checkpoint *checkpoint = &pool->checkpoint;

	/* A flush of a commit that failed may have lost pages of this one. */
	if (result == 0 && !pool_is_writable(pool))
		result = -EIO;
	if (result != 0) {
		pool_degrade(pool, POOL_READ_ONLY, what, result);
		checkpoint_abort(pool);
	} else {
		checkpoint_fini(checkpoint);
		checkpoint->is_running = false;
		checkpoint->generation++;
		pool->journal.first = checkpoint->journal_first;
		loss_checkpointed(pool);
		slot_map_commit(&pool->slots, slot_budget_keep(pool));
		leaf_release_captured(&pool->cache);
		waiter_wake_all(&pool->runner, &checkpoint->now, 0);
		admission_retry(pool);
		commit_kick(pool);
	}
	runner_run(&pool->runner);
	pool_close_kick(pool);
}

void checkpoint_abort(struct pool *pool)
{
	struct checkpoint *checkpoint = &pool->checkpoint;

	if (!checkpoint->is_running)
		return;
	checkpoint->is_running = false;
	checkpoint_fini(checkpoint);
	waiter_wake_all(&pool->runner, &checkpoint->now, -EIO);
}

static void checkpoint_io_done(struct block_io *io, int result)
{
	struct pool *pool = container_of(io, struct pool, checkpoint.io);

	if (result != 0 && io->kind == BLOCK_FLUSH)
		loss_happened(pool, "flushing a checkpoint failed", result);
	if (result == 0 && !pool_is_writable(pool))
		result = -EIO;
	if (result != 0)
		checkpoint_end(pool, result,
			       io->kind == BLOCK_FLUSH ? "flushing a checkpoint failed"
						       : "writing a superblock failed");
	else
		pool->checkpoint.step(pool);
}

static void checkpoint_flush(struct pool *pool, void (*step)(struct pool *pool))
{
	pool->checkpoint.step = step;
	pool->checkpoint.io = (struct block_io){.kind = BLOCK_FLUSH, .done = checkpoint_io_done};
	block_submit(pool->disk, &pool->checkpoint.io);
}

static void checkpoint_write_super(struct pool *pool, unsigned copy,
				   void (*step)(struct pool *pool))
{
	struct checkpoint *checkpoint = &pool->checkpoint;
	const struct page *page = &checkpoint->supers.pages[copy];

	checkpoint->step = step;
	checkpoint->iov = (struct iovec){.iov_base = page->data, .iov_len = FORMAT_BLOCK_BYTES};
	checkpoint->io = (struct block_io){
		.kind = BLOCK_WRITE,
		.offset = page->block * FORMAT_BLOCK_BYTES,
		.length = FORMAT_BLOCK_BYTES,
		.iov = &checkpoint->iov,
		.iov_count = 1,
		.done = checkpoint_io_done,
	};
	block_submit(pool->disk, &checkpoint->io);
}

static void step_end(struct pool *pool)
{
	checkpoint_end(pool, 0, NULL);
}

static void step_flush_b(struct pool *pool)
{
	checkpoint_flush(pool, step_end);
}

static void step_super_b(struct pool *pool)
{
	checkpoint_write_super(pool, 1, step_flush_b);
}

static void step_flush_a(struct pool *pool)
{
	checkpoint_flush(pool, step_super_b);
}

static void step_super_a(struct pool *pool)
{
	checkpoint_write_super(pool, 0, step_flush_a);
}

static void checkpoint_pages_written(struct page_transfer *transfer, int result)
{
	struct pool *pool = container_of(transfer, struct pool, checkpoint.transfer);

	if (result == 0 && !pool_is_writable(pool))
		result = -EIO;
	if (result != 0)
		checkpoint_end(pool, result, "writing a checkpoint failed");
	else if (pool->faults.switches_early)
		step_super_a(pool);
	else
		checkpoint_flush(pool, step_super_a);
}

void checkpoint_write(struct pool *pool)
{
	struct checkpoint *checkpoint = &pool->checkpoint;

	assert(checkpoint->is_running);
	page_list_sort(&checkpoint->pages);
	page_transfer_start(&checkpoint->transfer, pool->disk, BLOCK_WRITE, &checkpoint->pages,
			    checkpoint_pages_written);
}
