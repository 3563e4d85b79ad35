/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UNMAP and WRITE ZEROES: whole blocks lose their bits, and an extent without bits is freed.
 * Blocks that are covered only in part are written with zeros, if they are there at all, by
 * the same steps as any write; they come first. The rest goes leaf by leaf; ranges that were
 * never written cost nothing.
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
	unsigned block = (unsigned)(task->start % STORE_EXTENT_BYTES / STORE_BLOCK_BYTES);
	uint64_t word;
	int ret = task->result;

	task->step = unmap_edge;
	if (ret == 0)
		ret = task_take_leaves(task, false);
	if (ret == -EAGAIN)
		return;
	if (ret != 0) {
		task_end(task, ret);
		return;
	}
	word = task_word(task, task->start / STORE_EXTENT_BYTES);
	task_put_leaves(task);
	if (!(word_written(word) >> block & 1)) {
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

static void unmap_word(struct task *task, struct hold *hold, uint64_t extent, uint16_t mask)
{
	uint64_t word = task_word(task, extent);
	uint64_t cleared = word_clear(word, mask, task->layer->parent != NULL);

	if (word_place(word) && !word_place(cleared)) {
		hold->place = word_place(word);
		hold->is_unmapped = true;
	}
	task_set_word(task, extent, cleared);
}

/* The blocks of one extent from the cursor on. False: a write has one of them; step again. */
static bool unmap_extent(struct task *task, uint64_t end)
{
	uint64_t extent = task->cursor / STORE_EXTENT_BYTES;
	uint64_t extent_end = MIN(end, (extent + 1) * STORE_EXTENT_BYTES);
	uint16_t mask = task_mask(extent, task->cursor, extent_end);
	struct hold *hold;
	uint32_t place;
	bool is_unmapped;

	if (word_written(task_word(task, extent)) & mask) {
		hold = hold_take(&task->pool->holds, task->layer, extent, mask, &task->waiter);
		if (!hold)
			return false;
		unmap_word(task, hold, extent, mask);
		if (hold_put(&task->pool->holds, hold, mask, &task->pool->runner, &place,
			     &is_unmapped))
			task_release_place(task->pool, place, is_unmapped);
	}
	task->cursor = extent_end;
	return true;
}

/* All of one leaf, which is pinned. */
static void unmap_leaf(struct task *task)
{
	task->step = unmap_leaf;
	while (task->cursor < task->end) {
		if (!unmap_extent(task, task->end))
			return;
	}
	task_put_leaves(task);
	admission_leave(task->pool, task->words, task->leaf_quota);
	task->words = 0;
	task->leaf_quota = 0;
	unmap_blocks(task);
}

/* Admission for one leaf, and the leaf. -EAGAIN: step again. */
static int unmap_take_leaf(struct task *task)
{
	int ret = 0;

	if (task->words == 0) {
		ret = admission_enter(task->pool, FORMAT_WORDS, 1, &task->waiter);
		if (ret != 0)
			return ret;
		task->words = FORMAT_WORDS;
		task->leaf_quota = 1;
	}
	return task_take_leaves(task, false);
}

static void unmap_blocks(struct task *task)
{
	const uint64_t leaf_bytes = (uint64_t)FORMAT_WORDS * STORE_EXTENT_BYTES;
	uint64_t end = blocks_end(task);
	int ret = task->result;

	task->step = unmap_blocks;
	while (ret == 0 && task->cursor < end) {
		uint64_t leaf = task->cursor / leaf_bytes;

		task->start = task->cursor;
		task->end = MIN(end, (leaf + 1) * leaf_bytes);
		if (leaf_is_absent(&task->pool->cache, task->layer, leaf)) {
			task->cursor = task->end;
			continue;
		}
		ret = unmap_take_leaf(task);
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
