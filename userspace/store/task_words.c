/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a task knows of the layers: words of its own layer, views of what lies under it, and
 * words of the parent, for the count of what is shadowed.
 *
 * Between two turns anything may have changed under a task that holds no extent: the volume may
 * have got a new head, words may have moved up from the parent, the parent may be another layer.
 * So whoever acts on what it sees asks first (task_look, task_look_under, task_take_parent), and
 * acts in the turn in which the answer is 0.
 */
#include <errno.h>

#include "store/state.h"
#include "store/task.h"
#include "store/word.h"

int task_take_leaves(struct task *task, enum leaf_use use)
{
	const uint64_t leaf_bytes = (uint64_t)FORMAT_WORDS * STORE_EXTENT_BYTES;
	uint64_t last = (task->end - 1) / leaf_bytes;

	task->first_leaf = task->start / leaf_bytes;
	while (task->first_leaf + task->leaf_count <= last) {
		struct leaf **leaf = &task->leaves[task->leaf_count];
		int ret = leaf_get(&task->pool->cache, task->layer,
				   task->first_leaf + task->leaf_count, use, &task->waiter, leaf);

		if (ret != 0)
			return ret;
		task->leaf_count++;
	}
	return 0;
}

static void task_put_parent(struct task *task)
{
	if (!task->parent)
		return;
	for (uint32_t i = 0; i < TASK_LEAVES; i++) {
		if (task->parent_leaves[i])
			leaf_put(&task->pool->cache, task->parent_leaves[i]);
		task->parent_leaves[i] = NULL;
	}
	layer_unuse(task->parent, &task->pool->runner);
	task->parent = NULL;
}

void task_put_leaves(struct task *task)
{
	for (uint32_t i = 0; i < task->leaf_count; i++) {
		if (task->leaves[i])
			leaf_put(&task->pool->cache, task->leaves[i]);
	}
	task->leaf_count = 0;
	for (uint32_t i = 0; i < TASK_LEAVES; i++) {
		if (task->views[i])
			view_put(task->views[i]);
		task->views[i] = NULL;
	}
	task_put_parent(task);
}

static uint32_t leaf_index(const struct task *task, uint64_t extent)
{
	return (uint32_t)(extent / FORMAT_WORDS - task->first_leaf);
}

uint64_t task_word(const struct task *task, uint64_t extent)
{
	const struct leaf *leaf = task->leaves[leaf_index(task, extent)];

	return leaf ? leaf_word(leaf, (unsigned)(extent % FORMAT_WORDS)) : 0;
}

/* A snapshot was taken since the task began: all that was written is under the new head. */
static void task_follow_head(struct task *task)
{
	if (task->layer == task->volume->head)
		return;
	task_put_leaves(task);
	layer_unuse(task->layer, &task->pool->runner);
	task->layer = task->volume->head;
	layer_use(task->layer);
}

/* True if the layer's own word decides all blocks of the extent that lie in [start, end). */
static bool word_decides(const struct task *task, uint64_t extent, uint64_t start, uint64_t end)
{
	uint64_t word = task_word(task, extent);

	return (task_mask(extent, start, end) & ~(word_written(word) | word_zero(word))) == 0;
}

/* The view under one of the task's leaves, as it is now; none if the layer lies over nothing. */
static int task_take_view(struct task *task, uint32_t i)
{
	struct layer *parent = task->layer->parent;
	struct view **view = &task->views[i];

	if (*view && ((*view)->is_stale || (*view)->layer != parent)) {
		view_put(*view);
		*view = NULL;
	}
	if (*view || !parent)
		return 0;
	return view_get(task->pool, parent, task->first_leaf + i, &task->waiter, view);
}

int task_look_under(struct task *task, uint64_t start, uint64_t end)
{
	uint64_t extent = start / STORE_EXTENT_BYTES;
	int ret = 0;

	if (!task->layer->parent)
		return 0;
	while (ret == 0 && extent * STORE_EXTENT_BYTES < end) {
		if (word_decides(task, extent, start, end)) {
			extent++;
		} else {
			ret = task_take_view(task, leaf_index(task, extent));
			extent = (extent / FORMAT_WORDS + 1) * FORMAT_WORDS;
		}
	}
	return ret;
}

int task_look(struct task *task)
{
	int ret;

	task_follow_head(task);
	ret = task_take_leaves(task, LEAF_IF_THERE);
	return ret == 0 ? task_look_under(task, task->start, task->end) : ret;
}

uint32_t task_source(const struct task *task, uint64_t at)
{
	uint64_t extent = at / STORE_EXTENT_BYTES;
	unsigned block = (unsigned)(at % STORE_EXTENT_BYTES / STORE_BLOCK_BYTES);
	uint64_t word = task_word(task, extent);
	const struct view *view;

	if (word_written(word) >> block & 1)
		return word_place(word);
	if (word_zero(word) >> block & 1 || !task->layer->parent)
		return VIEW_HOLE;
	view = task->views[leaf_index(task, extent)];
	return view ? view_place(view, (unsigned)(extent % FORMAT_WORDS), block) : VIEW_HOLE;
}

int task_take_parent(struct task *task, uint64_t extent)
{
	struct layer *parent = task->layer->parent;
	uint64_t number = extent / FORMAT_WORDS;
	struct leaf **leaf = &task->parent_leaves[number - task->first_leaf];
	int ret;

	if (task->parent && task->parent != parent)
		task_put_parent(task);
	if (*leaf || !layer_counts(task->layer, number) || parent->is_lost ||
	    number >= parent->tree.leaf_count || task->is_parent_damaged)
		return 0;
	if (!task->parent) {
		task->parent = parent;
		layer_use(parent);
	}
	ret = leaf_get(&task->pool->cache, parent, number, LEAF_IF_THERE, &task->waiter, leaf);
	return ret == -ENODATA ? 0 : ret;
}

/* Keep what a layer above its parent shadows counted. */
static void task_count(struct task *task, uint64_t extent, uint64_t old, uint64_t word)
{
	const struct leaf *leaf = task->parent_leaves[leaf_index(task, extent)];
	uint64_t below;

	if (!leaf || !layer_counts(task->layer, extent / FORMAT_WORDS))
		return;
	below = leaf_word(leaf, (unsigned)(extent % FORMAT_WORDS));
	task->layer->shadowed_extents += layer_shadows(word, below);
	task->layer->shadowed_extents -= layer_shadows(old, below);
}

static void task_charge(struct task *task, bool is_more)
{
	task->layer->mapped_extents += is_more ? 1 : UINT64_MAX;
	quota_charge(task->pool, task->layer->owner, is_more ? 1 : -1);
}

void task_rely(struct task *task, uint64_t extent)
{
	const struct leaf *leaf = task->leaves[leaf_index(task, extent)];

	if (leaf && !leaf_is_kept(&task->pool->cache, leaf, (unsigned)(extent % FORMAT_WORDS)))
		task->needs_commit = true;
}

void task_set_word(struct task *task, uint64_t extent, uint64_t word)
{
	uint64_t old = task_word(task, extent);

	if (word == old) {
		task_rely(task, extent);
		return;
	}
	task->needs_commit = true;
	if (!word_place(old) && word_place(word)) {
		space_map(&task->pool->space, word_place(word));
		task_charge(task, true);
	} else if (word_place(old) && !word_place(word)) {
		(void)space_unmap(&task->pool->space, word_place(old)); /* mapped: the leaf
									   was checked */
		task_charge(task, false);
	}
	task_count(task, extent, old, word);
	leaf_change(&task->pool->cache, task->leaves[leaf_index(task, extent)],
		    (unsigned)(extent % FORMAT_WORDS), word);
}
