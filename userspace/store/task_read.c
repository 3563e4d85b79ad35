/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * READ: where each block lies is looked up once, in one turn, through all layers; from that
 * turn to the last byte the task counts as a reader, so no extent that it saw can become
 * another volume's meanwhile, and no leaf or view stays pinned. Blocks that lie side by side on
 * the disk are one request, also across extents; holes are cleared in the caller's memory.
 */
#include <errno.h>

#include "block/request.h"
#include "store/state.h"
#include "store/task.h"

/* Where a byte lies on the disk; 0: nowhere, it is a hole. */
static uint64_t read_address(const struct task *task, uint64_t at)
{
	uint64_t first = task->io_start / STORE_BLOCK_BYTES;
	uint64_t place = task->sources[at / STORE_BLOCK_BYTES - first];

	return place == VIEW_HOLE ? 0 : place * STORE_EXTENT_BYTES + at % STORE_EXTENT_BYTES;
}

static uint64_t block_end(uint64_t at)
{
	return (at / STORE_BLOCK_BYTES + 1) * STORE_BLOCK_BYTES;
}

/* The end of the run that begins at `at`: all holes, or all side by side on the disk. */
static uint64_t read_run_end(const struct task *task, uint64_t at, uint64_t address)
{
	uint64_t end = block_end(at);

	while (end < task->io_end &&
	       read_address(task, end) == (address ? address + (end - at) : 0))
		end = block_end(end);
	return MIN(end, task->io_end);
}

static void read_finish(struct task *task)
{
	if (task->pool->state == POOL_FAILED)
		task->result = -EIO;
	if (task->bounce && task->result == 0)
		block_iov_write(task->io->iov, 0, task->bounce_bytes + (task->start - task->base),
				task->end - task->start);
	task_end(task, task->result);
}

/* Hand the disk as much as there are parts for; again whenever one is done. */
static void read_issue(struct task *task)
{
	while (task->cursor < task->io_end && task->result == 0) {
		uint64_t address = read_address(task, task->cursor);
		uint64_t len = read_run_end(task, task->cursor, address) - task->cursor;

		if (!address) {
			block_iov_clear(task->iov, task->cursor - task->base, len);
			task->cursor += len;
		} else if (task->in_flight == TASK_PARTS) {
			return;
		} else {
			task->cursor +=
				task_submit_part(task, BLOCK_READ, task->cursor, len, address);
		}
	}
	if (task->in_flight == 0)
		read_finish(task);
}

/* -ENODATA: a layer does not know any more. */
static int read_resolve(struct task *task)
{
	uint64_t first = task->io_start / STORE_BLOCK_BYTES;
	uint64_t end = (task->io_end + STORE_BLOCK_BYTES - 1) / STORE_BLOCK_BYTES;

	for (uint64_t block = first; block < end; block++) {
		uint32_t place = task_source(task, block * STORE_BLOCK_BYTES);

		if (place == VIEW_LOST)
			return -ENODATA;
		task->sources[block - first] = place;
	}
	return 0;
}

static void read_look(struct task *task)
{
	int ret = task->result;

	if (ret == 0)
		ret = task_look(task);
	if (ret == -EAGAIN)
		return;
	if (ret == 0)
		ret = read_resolve(task);
	if (ret != 0) {
		task_end(task, ret);
		return;
	}
	task_begin_reading(task);
	task_put_leaves(task);
	task->cursor = task->io_start;
	task->parts_done = read_issue;
	read_issue(task);
}

static bool read_is_direct(const struct task *task)
{
	const struct block_limits *disk = &task->pool->disk_limits;

	return task->start % disk->logical_block_bytes == 0 &&
	       task->end % disk->logical_block_bytes == 0 &&
	       block_io_is_aligned(task->io, disk->memory_align_bytes, disk->logical_block_bytes);
}

void task_read_start(struct task *task)
{
	task->step = task_read_start;
	if (task->pool->state == POOL_FAILED) {
		task_end(task, -EIO);
		return;
	}
	if (task->start == task->end) {
		task_end(task, 0);
		return;
	}
	task->io_start = task->base = task->start;
	task->io_end = task->end;
	if (!read_is_direct(task)) {
		if (!task_take_bounce(task))
			return;
		task->io_start = task->base;
		task->io_end =
			(task->end + STORE_BLOCK_BYTES - 1) / STORE_BLOCK_BYTES * STORE_BLOCK_BYTES;
	}
	task->step = read_look;
	read_look(task);
}
