/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WRITE: admission, leaves, holds, an extent wherever there is none, then the data, and only
 * when all of it is on the disk the words. New extents are asked for side by side, and what
 * lies side by side is one request to the disk.
 *
 * A block that is only partly written goes through a bounce buffer. Where the layer has it
 * already, only the written sectors go to the disk, or, if the disk's own blocks are larger
 * than that, the whole block is read before. Where it is inherited, it is read from where the
 * view says and written whole to the layer's own extent; where nobody has it, the rest becomes
 * zeros.
 */
#include <errno.h>
#include <string.h>

#include "block/request.h"
#include "store/state.h"
#include "store/task.h"
#include "store/word.h"

static void write_issue(struct task *task);

static void write_end(struct task *task, int result)
{
	struct pool *pool = task->pool;

	task_put_holds(task);
	quota_settle(task);
	task_put_leaves(task);
	admission_leave(pool, task->words, task->leaf_quota);
	task->words = 0;
	task->leaf_quota = 0;
	task->write_done(task, result);
}

/* What the parent has matters to the count where an extent comes to be. */
static int write_take_parent(struct task *task)
{
	int ret;

	if (task->result == -ENODATA) {
		task->is_parent_damaged = true;
		task->result = 0;
	}
	ret = task->result;
	for (uint32_t i = 0; ret == 0 && i < task->hold_count; i++) {
		if (!word_place(task_word(task, task->first_extent + i)))
			ret = task_take_parent(task, task->first_extent + i);
	}
	return ret;
}

/* The data is on the disk: now the words may say so. */
static void write_map(struct task *task)
{
	int ret = write_take_parent(task);

	task->step = write_map;
	if (ret == -EAGAIN)
		return;
	for (uint32_t i = 0; ret == 0 && i < task->hold_count; i++) {
		uint64_t extent = task->first_extent + i;
		struct hold *hold = task->holds[i];
		uint64_t word = task_word(task, extent);

		if (!word_place(word)) {
			hold->place = 0;
			hold->is_unmapped = false;
		}
		task_set_word(task, extent,
			      word_write(word, task->places[i],
					 task_mask(extent, task->start, task->end)));
	}
	write_end(task, ret);
}

static void write_finish(struct task *task)
{
	task->pool->commit.writes_done++;
	if (task->result == 0)
		write_map(task);
	else
		write_end(task, task->result);
}

static uint64_t write_address(const struct task *task, uint64_t at)
{
	uint64_t extent = at / STORE_EXTENT_BYTES;

	return (uint64_t)task->places[extent - task->first_extent] * STORE_EXTENT_BYTES +
	       at % STORE_EXTENT_BYTES;
}

static uint64_t write_run_end(const struct task *task, uint64_t at)
{
	uint64_t address = write_address(task, at);
	uint64_t end = (at / STORE_EXTENT_BYTES + 1) * STORE_EXTENT_BYTES;

	while (end < task->io_end && write_address(task, end) == address + (end - at))
		end += STORE_EXTENT_BYTES;
	return MIN(end, task->io_end);
}

static void write_issue(struct task *task)
{
	while (task->cursor < task->io_end && task->result == 0) {
		uint64_t len = write_run_end(task, task->cursor) - task->cursor;

		if (task->in_flight == TASK_PARTS)
			return;
		task->cursor += task_submit_part(task, BLOCK_WRITE, task->cursor, len,
						 write_address(task, task->cursor));
	}
	if (task->in_flight == 0)
		write_finish(task);
}

/* The bounce buffer has what the edges had before; now the new data over it. */
static void write_filled(struct task *task)
{
	if (task->in_flight > 0)
		return;
	task_end_reading(task);
	if (task->result != 0) {
		write_end(task, task->result);
		return;
	}
	if (task->bounce)
		block_iov_read(task->write_from, 0, task->bounce_bytes + (task->start - task->base),
			       task->end - task->start);
	task->cursor = task->io_start;
	task->parts_done = write_issue;
	write_issue(task);
}

static bool write_has_block(const struct task *task, uint64_t at)
{
	uint64_t word = task_word(task, at / STORE_EXTENT_BYTES);

	return word_written(word) >> (at % STORE_EXTENT_BYTES / STORE_BLOCK_BYTES) & 1;
}

/* The blocks where the range begins and ends. */
static uint64_t write_head(const struct task *task)
{
	return task->start / STORE_BLOCK_BYTES * STORE_BLOCK_BYTES;
}

static uint64_t write_tail(const struct task *task)
{
	return task->end / STORE_BLOCK_BYTES * STORE_BLOCK_BYTES;
}

/* Whether they are written only in part; a block that is both counts as the head. */
static bool write_has_head(const struct task *task)
{
	return task->start != write_head(task);
}

static bool write_has_tail(const struct task *task)
{
	return task->end != write_tail(task) &&
	       (write_tail(task) != write_head(task) || !write_has_head(task));
}

/* Only whole sectors of the disk are written. */
static bool write_cuts(const struct task *task)
{
	uint64_t unit = task->pool->disk_limits.logical_block_bytes;

	return task->start % unit == 0 && task->end % unit == 0;
}

/* What a block, partly written, held before comes into the bounce buffer, where that matters. */
static void write_fill_block(struct task *task, uint64_t at)
{
	uint64_t source = task_source(task, at);

	if (source == VIEW_HOLE)
		memset(task->bounce_bytes + (at - task->base), 0, STORE_BLOCK_BYTES);
	else if (!write_has_block(task, at) || !write_cuts(task))
		(void)task_submit_part(task, BLOCK_READ, at, STORE_BLOCK_BYTES,
				       source * STORE_EXTENT_BYTES +
					       at % STORE_EXTENT_BYTES); /* one piece: all */
}

/* Reading what is inherited: no extent seen just now is reused before write_filled. */
static void write_fill(struct task *task)
{
	uint64_t head = write_head(task);
	uint64_t tail = write_tail(task);

	task->io_start = head;
	task->io_end = task->end == tail ? tail : tail + STORE_BLOCK_BYTES;
	if (write_cuts(task) && task->start != head && write_has_block(task, head))
		task->io_start = task->start;
	if (write_cuts(task) && task->end != tail && write_has_block(task, tail))
		task->io_end = task->end;
	task->parts_done = write_filled;
	task_begin_reading(task);
	if (write_has_head(task))
		write_fill_block(task, head);
	if (write_has_tail(task))
		write_fill_block(task, tail);
	write_filled(task);
}

static int write_look(struct task *task, uint64_t at)
{
	int ret = task_look_under(task, at, at + STORE_BLOCK_BYTES);

	return ret == 0 && task_source(task, at) == VIEW_LOST ? -ENODATA : ret;
}

static void write_look_at_edges(struct task *task)
{
	int ret = task->result;

	task->step = write_look_at_edges;
	if (ret == 0 && write_has_head(task))
		ret = write_look(task, write_head(task));
	if (ret == 0 && write_has_tail(task))
		ret = write_look(task, write_tail(task));
	if (ret == 0)
		write_fill(task);
	else if (ret != -EAGAIN)
		write_end(task, ret);
}

/* Every extent gets a place on the disk. -EAGAIN: waiting for some to become free. */
static int write_place_extent(struct task *task, uint32_t i)
{
	struct hold *hold = task->holds[i];
	uint32_t place = word_place(task_word(task, task->first_extent + i));
	uint32_t before = i > 0 ? task->places[i - 1] : 0;
	int ret;

	if (!place)
		place = hold->place;
	if (!place) {
		if (!before && task->first_extent % FORMAT_WORDS > 0)
			before = word_place(task_word(task, task->first_extent - 1));
		ret = quota_take(task, before ? (uint64_t)before + 1 : 0, &place);
		if (ret != 0)
			return ret;
		hold->place = place;
		hold->is_unmapped = false;
	}
	task->places[i] = place;
	return 0;
}

static void write_place(struct task *task)
{
	task->step = write_place;
	for (uint32_t i = 0; i < task->hold_count; i++) {
		int ret = task->result;

		if (ret == 0)
			ret = pool_is_writable(task->pool) ? write_place_extent(task, i) : -EROFS;
		if (ret == -EAGAIN)
			return;
		if (ret != 0) {
			write_end(task, ret);
			return;
		}
	}
	write_look_at_edges(task);
}

static void write_hold(struct task *task)
{
	uint64_t last = (task->end - 1) / STORE_EXTENT_BYTES;

	task->step = write_hold;
	while (task->first_extent + task->hold_count <= last) {
		uint64_t extent = task->first_extent + task->hold_count;
		struct hold *hold =
			hold_take(&task->pool->holds, task->layer, extent,
				  task_mask(extent, task->start, task->end), &task->waiter);

		if (!hold)
			return;
		task->holds[task->hold_count++] = hold;
	}
	write_place(task);
}

static void write_leaves(struct task *task)
{
	int ret = task->result;

	task->step = write_leaves;
	if (ret == 0)
		ret = task_take_leaves(task, LEAF_FOR_WRITE);
	if (ret == 0)
		write_hold(task);
	else if (ret != -EAGAIN)
		write_end(task, ret);
}

static void write_admit(struct task *task)
{
	uint64_t last = (task->end - 1) / STORE_EXTENT_BYTES;
	uint32_t words;
	uint32_t leaves;
	int ret;

	task->step = write_admit;
	task->first_extent = task->start / STORE_EXTENT_BYTES;
	words = (uint32_t)(last - task->first_extent + 1);
	leaves = (uint32_t)(last / FORMAT_WORDS - task->first_extent / FORMAT_WORDS + 1);
	ret = admission_enter(task->pool, words, leaves, &task->waiter);
	if (ret == -EAGAIN)
		return;
	if (ret != 0) {
		write_end(task, ret);
		return;
	}
	task->words = words;
	task->leaf_quota = leaves;
	write_leaves(task);
}

void task_write_run(struct task *task)
{
	const struct block_limits *disk = &task->pool->disk_limits;

	task->step = task_write_run;
	if (task->start % STORE_BLOCK_BYTES != 0 || task->end % STORE_BLOCK_BYTES != 0 ||
	    !block_io_is_aligned(task->io, disk->memory_align_bytes, disk->logical_block_bytes)) {
		if (!task->bounce && !task_take_bounce(task))
			return;
	} else {
		task->base = task->start;
	}
	write_admit(task);
}

void task_write_start(struct task *task)
{
	if (task->start == task->end) {
		task_end_durable(task, 0);
		return;
	}
	task->write_from = task->io->iov;
	task->write_done = task_end_durable;
	task_write_run(task);
}
