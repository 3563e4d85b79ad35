/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UNMAP and WRITE ZEROES: whole blocks lose their bits, and an extent without bits is freed;
 * where a layer below has that leaf, they get zero bits, also if the head had no word there.
 * Blocks that are covered only in part are written with zeros, if they are there at all, by
 * the same steps as any write; they come first. The rest goes leaf by leaf; ranges that were
 * never written, in any layer, cost nothing.
 */
#include <errno.h>

#include "store/state.h"
#include "store/task.h"
#include "store/word.h"

static const uint8_t zeros[STORE_BLOCK_BYTES];
static const struct iovec zeros_iov = {.iov_base = (void *)(uintptr_t)zeros,
				       .iov_len = sizeof(zeros)};

static void unmap_edges(struct task *task);
static void unmap_blocks(struct task *task);

static uint64_t blocks_start(const struct task *task)
{
	return (task->io->offset + STORE_BLOCK_BYTES - 1) / STORE_BLOCK_BYTES * STORE_BLOCK_BYTES;
}

static uint64_t blocks_end(const struct task *task)
{
	return (task->io->offset + task->io->length) / STORE_BLOCK_BYTES * STORE_BLOCK_BYTES;
}

static void unmap_edge_written(struct task *task, int result)
{
	if (result != 0)
		task_end(task, result);
	else
		unmap_edges(task);
}

/* The edge is [start, end) of the task: write zeros there unless it reads as such. */
static void unmap_edge(struct task *task)
{
	uint32_t source;
	int ret = task->result;

	task->step = unmap_edge;
	if (ret == 0)
		ret = task_look(task);
	if (ret == -EAGAIN)
		return;
	if (ret != 0) {
		task_end(task, ret);
		return;
	}
	source = task_source(task, task->start);
	task_put_leaves(task);
	if (source == VIEW_HOLE) {
		unmap_edges(task);
		return;
	}
	task->write_from = &zeros_iov;
	task->write_done = unmap_edge_written;
	task_write_run(task);
}

/* `cursor` says how far it is: the head, the tail, then the blocks between. */
static void unmap_edges(struct task *task)
{
	uint64_t start = task->io->offset;
	uint64_t end = start + task->io->length;

	if (task->cursor <= start && start % STORE_BLOCK_BYTES != 0) {
		task->start = start;
		task->end = MIN(end, blocks_start(task));
		task->cursor = task->end;
		unmap_edge(task);
	} else if (task->cursor < end && end % STORE_BLOCK_BYTES != 0 &&
		   blocks_end(task) >= blocks_start(task)) {
		task->start = blocks_end(task);
		task->end = end;
		task->cursor = end;
		unmap_edge(task);
	} else {
		task->cursor = blocks_start(task);
		unmap_blocks(task);
	}
}

static void unmap_word(struct task *task, struct hold *hold, uint64_t extent, uint64_t cleared)
{
	uint64_t word = task_word(task, extent);

	if (word_place(word) && !word_place(cleared)) {
		hold->place = word_place(word);
		hold->is_unmapped = true;
	}
	task_set_word(task, extent, cleared);
}

/*
 * The blocks of one extent from the cursor on. -EAGAIN: a write has one of them, or the parent's
 * leaf is being read; step again.
 */
static int unmap_extent(struct task *task, bool has_below)
{
	uint64_t extent = task->cursor / STORE_EXTENT_BYTES;
	uint64_t extent_end = MIN(task->end, (extent + 1) * STORE_EXTENT_BYTES);
	uint16_t mask = task_mask(extent, task->cursor, extent_end);
	uint64_t word = task_word(task, extent);
	uint64_t cleared = word_clear(word, mask, has_below);
	struct hold *hold;
	uint32_t place;
	bool is_unmapped;
	int ret;

	if (cleared != word) {
		ret = task_take_parent(task, extent);
		if (ret != 0)
			return ret;
		hold = hold_take(&task->pool->holds, task->layer, extent, mask, &task->waiter);
		if (!hold)
			return -EAGAIN;
		unmap_word(task, hold, extent, cleared);
		if (hold_put(&task->pool->holds, hold, mask, &task->pool->runner, &place,
			     &is_unmapped))
			task_release_place(task->pool, place, is_unmapped);
	} else {
		task_rely(task, extent);
	}
	task->cursor = extent_end;
	return 0;
}

/* Nothing in that leaf of any layer below: no zero bit is needed there. */
static bool has_below(const struct task *task, uint64_t leaf)
{
	const struct layer *parent = task->layer->parent;

	return parent && !view_is_absent(task->pool, parent, leaf);
}

/* All of one leaf, which is pinned. */
static void unmap_leaf(struct task *task)
{
	bool is_over = has_below(task, task->first_leaf);
	int ret = task->result;

	task->step = unmap_leaf;
	if (ret == -ENODATA) {
		task->is_parent_damaged = true;
		ret = task->result = 0;
	}
	while (ret == 0 && task->cursor < task->end)
		ret = unmap_extent(task, is_over);
	if (ret == -EAGAIN)
		return;
	if (ret != 0) {
		task_end(task, ret);
		return;
	}
	task_put_leaves(task);
	task->is_parent_damaged = false;
	admission_leave(task->pool, task->words, task->leaf_quota);
	task->words = 0;
	task->leaf_quota = 0;
	unmap_blocks(task);
}

/* Admission for one leaf, and the leaf. -EAGAIN: step again. */
static int unmap_take_leaf(struct task *task, bool create)
{
	int ret = 0;

	if (task->words == 0) {
		ret = admission_enter(task->pool, FORMAT_WORDS, 1, &task->waiter);
		if (ret != 0)
			return ret;
		task->words = FORMAT_WORDS;
		task->leaf_quota = 1;
	}
	return task_take_leaves(task, create ? LEAF_FOR_RECLAIM : LEAF_IF_THERE);
}

static void unmap_blocks(struct task *task)
{
	const uint64_t leaf_bytes = (uint64_t)FORMAT_WORDS * STORE_EXTENT_BYTES;
	uint64_t end = blocks_end(task);
	int ret = task->result;

	task->step = unmap_blocks;
	while (ret == 0 && task->cursor < end) {
		uint64_t leaf = task->cursor / leaf_bytes;
		bool is_over = has_below(task, leaf);

		task->start = task->cursor;
		task->end = MIN(end, (leaf + 1) * leaf_bytes);
		if (!is_over && leaf_is_absent(&task->pool->cache, task->layer, leaf)) {
			task->cursor = task->end;
			continue;
		}
		ret = unmap_take_leaf(task, is_over);
		if (ret == 0) {
			unmap_leaf(task);
			return;
		}
	}
	if (ret != -EAGAIN)
		task_end_durable(task, ret);
}

void task_unmap_start(struct task *task)
{
	if (!pool_is_writable(task->pool)) {
		task_end(task, -EROFS);
		return;
	}
	unmap_edges(task);
}
