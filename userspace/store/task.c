/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/task.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "block/request.h"
#include "store/state.h"
#include "store/word.h"

static void task_woken(struct waiter *waiter, int result)
{
	struct task *task = container_of(waiter, struct task, waiter);

	if (result != 0 && task->result == 0)
		task->result = result;
	task->step(task);
}

static void task_flushed(struct task *task)
{
	task_end(task, task->result);
}

static void task_flush_start(struct task *task)
{
	task->step = task_flushed;
	commit_join(task->pool, &task->waiter);
}

static void task_run(struct task *task)
{
	static void (*const starts[])(struct task * task) = {
		[BLOCK_READ] = task_read_start,		 [BLOCK_WRITE] = task_write_start,
		[BLOCK_FLUSH] = task_flush_start,	 [BLOCK_UNMAP] = task_unmap_start,
		[BLOCK_WRITE_ZEROES] = task_unmap_start, [BLOCK_MAP] = task_map_start,
	};

	if (task->layer->is_lost && task->io->kind != BLOCK_FLUSH)
		task_end(task, -ENODATA);
	else
		starts[task->io->kind](task);
}

void task_begin(struct volume *volume, struct block_io *io)
{
	struct task *task = slots_get(&volume->pool->tasks);

	memset(task, 0, offsetof(struct task, parts));
	task->waiter.run = task_woken;
	task->pool = volume->pool;
	task->volume = volume;
	task->layer = volume->head;
	task->io = io;
	task->start = io->offset;
	task->end = io->offset + io->length;
	task->iov = io->iov;
	task->step = task_run;
	task->is_changing = volume_io_changes(io);
	volume->changing += task->is_changing;
	layer_use(task->layer);
	waiter_wake(&volume->pool->runner, &task->waiter, 0);
}

static void task_put_bounce(struct task *task)
{
	struct slots *bounces = &task->pool->bounces;
	struct list_node *node;

	if (task->bounce)
		slots_put(bounces, task->bounce);
	task->bounce = NULL;
	/* Also the task that was woken for one, but ended without taking it, passes it on. */
	if (slots_used(bounces) == bounces->count)
		return;
	node = list_take_first(&task->pool->waiting_bounces);
	if (node)
		waiter_wake(&task->pool->runner, list_entry(node, struct waiter, link), 0);
}

void task_begin_reading(struct task *task)
{
	assert(!task->is_reader);
	task->is_reader = true;
	task->turn = space_enter(&task->pool->space);
}

void task_end_reading(struct task *task)
{
	if (task->is_reader)
		space_leave(&task->pool->space, task->turn);
	task->is_reader = false;
}

/* It will change no more words: a snapshot need not wait for it. */
static void task_leave_gate(struct task *task)
{
	if (task->is_changing)
		volume_leave(task->volume);
	task->is_changing = false;
}

void task_end(struct task *task, int result)
{
	struct pool *pool = task->pool;
	struct volume *volume = task->volume;
	struct block_io *io = task->io;

	task_end_reading(task);
	task_put_holds(task);
	task_put_leaves(task);
	admission_leave(pool, task->words, task->leaf_quota);
	task_put_bounce(task);
	task_leave_gate(task);
	layer_unuse(task->layer, &pool->runner);
	slots_put(&pool->tasks, task);
	pace_ended(pool);
	punch_kick(pool);
	if (!list_is_empty(&pool->admission.waiting_space))
		admission_retry(pool);
	volume_begin_waiting(pool);
	volume->in_flight--;
	if (pool->is_submitting)
		block_queue_complete(pool->disk->queue, io, result);
	else
		io->done(io, result);
	volume_close_kick(volume);
}

static void task_committed(struct task *task)
{
	task_end(task, task->result);
}

void task_end_durable(struct task *task, int result)
{
	bool must_be_kept = task->needs_commit && !task->pool->faults.answers_early;

	if (result != 0 || (!task->io->fua && !must_be_kept)) {
		task_end(task, result);
		return;
	}
	task_leave_gate(task);
	task->step = task_committed;
	if (task->io->fua)
		commit_join(task->pool, &task->waiter);
	else
		commit_join_kept(task->pool, &task->waiter);
}

bool task_take_bounce(struct task *task)
{
	struct pool *pool = task->pool;

	task->bounce = slots_get(&pool->bounces);
	if (!task->bounce) {
		list_append(&pool->waiting_bounces, &task->waiter.link);
		return false;
	}
	task->base = task->start / STORE_BLOCK_BYTES * STORE_BLOCK_BYTES;
	task->bounce_bytes = pool->bounce_memory +
			     (size_t)slots_index(&pool->bounces, task->bounce) * TASK_BOUNCE_BYTES;
	task->own_iov =
		(struct iovec){.iov_base = task->bounce_bytes, .iov_len = TASK_BOUNCE_BYTES};
	task->iov = &task->own_iov;
	return true;
}

static void task_part_done(struct block_io *io, int result)
{
	struct task_part *part = container_of(io, struct task_part, io);
	struct task *task = part->task;
	struct pool *pool = task->pool;

	part->task = NULL;
	if (result == -ENXIO)
		pool_degrade(pool, POOL_READ_ONLY, "the disk ends before an extent", result);
	if (result != 0 && task->result == 0)
		task->result = result;
	task->in_flight--;
	task->parts_done(task);
	runner_run(&pool->runner);
}

static struct task_part *task_free_part(struct task *task)
{
	if (task->in_flight == 0) {
		for (int i = 0; i < TASK_PARTS; i++)
			task->parts[i].task = NULL;
		return &task->parts[0];
	}
	for (int i = 0; i < TASK_PARTS; i++) {
		if (!task->parts[i].task)
			return &task->parts[i];
	}
	assert(false); /* callers look at in_flight first */
	return NULL;
}

uint64_t task_submit_part(struct task *task, enum block_kind kind, uint64_t at, uint64_t len,
			  uint64_t disk_offset)
{
	struct task_part *part = task_free_part(task);
	uint64_t covered;
	int count = block_iov_slice(task->iov, at - task->base, len, part->iov, TASK_PART_IOVS,
				    &covered);

	part->task = task;
	part->io = (struct block_io){
		.kind = kind,
		.offset = disk_offset,
		.length = covered,
		.iov = part->iov,
		.iov_count = count,
		.done = task_part_done,
	};
	task->in_flight++;
	block_submit(task->pool->disk, &part->io);
	return covered;
}

uint16_t task_mask(uint64_t extent, uint64_t start, uint64_t end)
{
	uint64_t extent_start = extent * STORE_EXTENT_BYTES;
	uint64_t from = MAX(start, extent_start) - extent_start;
	uint64_t to = MIN(end, extent_start + STORE_EXTENT_BYTES) - extent_start;
	unsigned first = (unsigned)(from / STORE_BLOCK_BYTES);
	unsigned last_end = (unsigned)((to + STORE_BLOCK_BYTES - 1) / STORE_BLOCK_BYTES);

	return (uint16_t)((1u << last_end) - (1u << first));
}

void task_release_place(struct pool *pool, uint32_t place, bool is_unmapped)
{
	if (!place)
		return;
	if (is_unmapped && !pool->faults.reuses_extents_early)
		space_release(&pool->space, place);
	else
		space_untake(&pool->space, place);
}

void task_put_holds(struct task *task)
{
	for (uint32_t i = 0; i < task->hold_count; i++) {
		uint16_t mask = task_mask(task->first_extent + i, task->start, task->end);
		uint32_t place;
		bool is_unmapped;

		if (hold_put(&task->pool->holds, task->holds[i], mask, &task->pool->runner, &place,
			     &is_unmapped))
			task_release_place(task->pool, place, is_unmapped);
	}
	task->hold_count = 0;
}
