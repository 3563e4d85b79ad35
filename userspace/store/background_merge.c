/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Merges a layer without a name into the only one over it, word by word. Each word of the lower
 * layer and the one above it change in the same turn, so they come back together after a crash;
 * meanwhile the extent is held in the upper layer, so no write is on its way there. An extent that
 * only the lower one has moves without being copied.
 *
 * A step takes, in the order that all tasks keep: admission, both leaves, holds in ascending order.
 * At the end the upper layer lies over what the lower one lay over. The lower one, empty and
 * with nothing over it, is freed like any other.
 *
 * What the upper layer still shadows of the lower one is kept. What those over it shadow, and at
 * the end what it shadows of its new parent, is not known until it is counted anew.
 */
#include "store/background_merge.h"

#include <errno.h>
#include <stdlib.h>

#include "store/background.h"
#include "store/state.h"
#include "store/volume_state.h"
#include "store/word.h"

#define WORDS_PER_STEP 64

static void merge_leaves(struct pool *pool);

static struct merge *merge_of(struct pool *pool)
{
	return &pool->background.merge;
}

void merge_put(struct pool *pool)
{
	struct merge *merge = merge_of(pool);
	uint32_t place;
	bool is_unmapped;

	for (unsigned i = 0; i < merge->copy_count; i++)
		(void)hold_put(&pool->holds, merge->copies[i].hold, WORD_ALL, &pool->runner, &place,
			       &is_unmapped); /* held alone, it keeps no place */
	merge->copy_count = 0;
	if (merge->above)
		leaf_put(&pool->cache, merge->above);
	if (merge->below)
		leaf_put(&pool->cache, merge->below);
	merge->above = NULL;
	merge->below = NULL;
	if (merge->is_admitted)
		admission_leave(pool, 2 * WORDS_PER_STEP, 2);
	merge->is_admitted = false;
}

void merge_fini(struct pool *pool)
{
	struct merge *merge = merge_of(pool);

	merge_put(pool);
	free(merge->memory);
	*merge = (struct merge){0};
}

static void merge_spliced(struct pool *pool)
{
	merge_fini(pool);
	background_next(pool);
}

/* All words are merged: the layer leaves the chain. */
static void merge_splice(struct pool *pool)
{
	struct layer *layer = pool->background.layer;
	struct layer *into = merge_of(pool)->into;
	uint64_t estimate = layer->shadowed_extents;

	layer_set_parent(into, layer->parent);
	layer_set_parent(layer, NULL);
	layer_uncount(into);
	if (into->parent)
		into->shadowed_extents = estimate;
	view_forget_layer(pool, layer);
	commit_add_record(pool, into->id);
	commit_add_record(pool, layer->id);
	background_commit(pool, merge_spliced);
}

/* One word of each leaf changes. What is freed may still be read by who looked before. */
static void merge_apply(struct pool *pool, unsigned index, const struct merge_word *plan)
{
	struct merge *merge = merge_of(pool);
	struct layer *layer = merge->below->layer;
	struct layer *into = merge->above->layer;
	uint64_t below = leaf_word(merge->below, index);
	uint64_t above = leaf_word(merge->above, index);
	bool is_more = !word_place(above) && word_place(plan->word);

	if (plan->freed_place && space_unmap(&pool->space, plan->freed_place)) {
		space_release(&pool->space, plan->freed_place);
		pool->background.returned_extents++;
	}
	if (word_place(below))
		layer->mapped_extents--;
	if (into->shadowed_extents > 0)
		into->shadowed_extents -= layer_shadows(above, below);
	into->mapped_extents += is_more;
	quota_charge(pool, into->owner, is_more);
	leaf_change(&pool->cache, merge->below, index, 0);
	if (plan->word != above)
		leaf_change(&pool->cache, merge->above, index, plan->word);
	view_forget(pool, merge->below->number);
}

static void merge_step_end(struct pool *pool)
{
	struct merge *merge = merge_of(pool);

	if (merge->index == FORMAT_WORDS) {
		pool->background.layer->merge_cursor++;
		merge->index = 0;
	}
	merge_put(pool);
	background_yield(pool, merge_leaves);
}

static void merge_copied(struct pool *pool)
{
	struct merge *merge = merge_of(pool);

	if (merge->result != 0 || !pool_is_writable(pool)) {
		background_fail(pool, merge->result);
		return;
	}
	for (unsigned i = 0; i < merge->copy_count; i++)
		merge_apply(pool, merge->copies[i].index, &merge->copies[i].plan);
	merge_step_end(pool);
}

/* The word may change now, or is to be copied first. */
static void merge_held_word(struct pool *pool, struct hold *hold)
{
	struct merge *merge = merge_of(pool);
	const struct layer *layer = pool->background.layer;
	struct merge_word plan =
		merge_word(leaf_word(merge->below, merge->index),
			   leaf_word(merge->above, merge->index), layer->parent != NULL);
	uint32_t place;
	bool is_unmapped;

	if (plan.copied) {
		struct merge_copy *copy = &merge->copies[merge->copy_count];

		*copy = (struct merge_copy){
			.pool = pool,
			.hold = hold,
			.index = merge->index,
			.plan = plan,
			.memory = merge->memory + (size_t)merge->copy_count * STORE_EXTENT_BYTES,
		};
		merge->copy_count++;
		return;
	}
	merge_apply(pool, merge->index, &plan);
	(void)hold_put(&pool->holds, hold, WORD_ALL, &pool->runner, &place,
		       &is_unmapped); /* held alone, it keeps no place */
}

/* The next words of the leaf, as many as fit a step. */
static void merge_words(struct pool *pool)
{
	struct merge *merge = merge_of(pool);

	pool->background.step = merge_words;
	for (; merge->index < FORMAT_WORDS; merge->index++) {
		uint64_t extent = merge->below->number * FORMAT_WORDS + merge->index;
		struct hold *hold;

		if (leaf_word(merge->below, merge->index) == 0)
			continue;
		if (merge->words == WORDS_PER_STEP || merge->copy_count == MERGE_COPIES)
			break;
		hold = hold_take(&pool->holds, merge->into, extent, WORD_ALL,
				 &pool->background.waiter);
		if (!hold)
			return;
		merge_held_word(pool, hold);
		merge->words++;
	}
	if (merge->copy_count > 0)
		merge_copy_start(pool, merge_copied);
	else
		merge_step_end(pool);
}

/* Admission and both leaves. -EAGAIN: with what it has it waits for the next. */
static int merge_take(struct pool *pool)
{
	struct merge *merge = merge_of(pool);
	struct waiter *waiter = &pool->background.waiter;
	struct layer *layer = pool->background.layer;
	int ret = 0;

	if (!merge->is_admitted) {
		ret = admission_enter(pool, 2 * WORDS_PER_STEP, 2, waiter);
		merge->is_admitted = ret == 0;
	}
	if (ret == 0 && !merge->below)
		ret = leaf_get(&pool->cache, layer, layer->merge_cursor, LEAF_IF_THERE, waiter,
			       &merge->below);
	if (ret == 0 && !merge->above)
		ret = leaf_get(&pool->cache, merge->into, layer->merge_cursor, LEAF_FOR_RECLAIM,
			       waiter, &merge->above);
	return ret;
}

/* One step. */
static void merge_leaves(struct pool *pool)
{
	struct layer *layer = pool->background.layer;
	struct merge *merge = merge_of(pool);
	int ret;

	pool->background.step = merge_leaves;
	if (!background_can_merge(layer)) {
		merge_put(pool);
		background_next(pool);
		return;
	}
	if (background_find_leaf(pool, layer, &layer->merge_cursor) != 0) {
		background_yield(pool, merge_leaves);
		return;
	}
	if (layer->merge_cursor == layer->tree.leaf_count) {
		merge_splice(pool);
		return;
	}
	ret = merge_take(pool);
	if (ret != 0) {
		background_fail(pool, ret);
		return;
	}
	merge->words = 0;
	merge_words(pool);
}

/* Whatever moved into the layer is in the journal; from now on its words go before all others. */
static void merge_begin(struct pool *pool)
{
	struct layer *layer = pool->background.layer;
	struct layer *into = merge_of(pool)->into;
	uint64_t estimate = layer->shadowed_extents;

	layer->is_merging = true;
	layer_uncount(layer);
	layer->shadowed_extents = estimate;
	if (into->count_cursor > 0 && !into->is_counted)
		layer_uncount(into); /* half a count is none */
	list_for_each (&into->children, child, struct layer, sibling)
		layer_uncount(child);
	merge_leaves(pool);
}

void background_merge_start(struct pool *pool)
{
	struct merge *merge = merge_of(pool);
	struct layer *layer = pool->background.layer;

	merge->into = list_entry(layer->children.head.next, struct layer, sibling);
	merge->index = 0;
	if (!merge->memory)
		merge->memory =
			aligned_alloc(FORMAT_BLOCK_BYTES, MERGE_COPIES * STORE_EXTENT_BYTES);
	if (!merge->memory)
		background_fail(pool, -ENOMEM);
	else if (layer->is_merging)
		merge_begin(pool); /* again: what lies over it may have been counted since */
	else
		background_commit(pool, merge_begin);
}
