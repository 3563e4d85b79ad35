/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frees the extents of a layer that nobody needs, leaf by leaf, a few leaves a commit, and at last
 * the layer's record.
 */
#include <errno.h>

#include "store/background.h"
#include "store/state.h"
#include "store/word.h"

#define LEAVES_PER_STEP	  8
#define LEAVES_PER_COMMIT 32

static void free_leaves(struct pool *pool);

static void free_gone(struct pool *pool)
{
	struct layer *layer = pool->background.layer;

	pool->background.layer = NULL;
	catalogue_remove(&pool->catalogue, layer->id);
	layer_free(layer);
	background_next(pool);
}

static void free_finish(struct pool *pool)
{
	struct layer *layer = pool->background.layer;

	view_forget_layer(pool, layer);
	leaf_forget_layer(&pool->cache, layer);
	tree_drop(&layer->tree, &pool->slots);
	layer->is_gone = true;
	commit_add_record(pool, layer->id);
	background_commit(pool, free_gone);
}

/* The leaf's extents become free with the next commit, its slot with the next checkpoint. */
static int free_words(struct pool *pool, struct leaf *leaf)
{
	struct layer *layer = leaf->layer;
	uint64_t number = leaf->number;
	uint64_t place = tree_place(&layer->tree, number);

	if (place && tree_touch(&layer->tree, number) != 0) {
		leaf_put(&pool->cache, leaf);
		return -ENOMEM;
	}
	if (!leaf_is_empty(leaf) || leaf->changed_count > 0) {
		commit_add_drop(pool, layer->id, number);
		pool->background.batch++;
	}
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		uint32_t extent = word_place(leaf_word(leaf, i));

		if (extent && space_unmap(&pool->space, extent)) {
			space_release(&pool->space, extent);
			layer->mapped_extents--;
			pool->background.returned_extents++;
		}
	}
	leaf_discard(&pool->cache, leaf);
	if (place) {
		slot_map_drop_place(&pool->slots, place);
		tree_set(&layer->tree, number, 0);
	}
	return 0;
}

static int free_leaf(struct pool *pool)
{
	struct background *background = &pool->background;
	struct leaf *leaf;
	int ret = admission_enter(pool, FORMAT_WORDS, 1, &background->waiter);

	if (ret != 0)
		return ret;
	ret = leaf_get(&pool->cache, background->layer, background->leaf, LEAF_IF_THERE,
		       &background->waiter, &leaf);
	if (ret == 0)
		ret = free_words(pool, leaf);
	admission_leave(pool, FORMAT_WORDS, 1);
	return ret;
}

static void free_leaves(struct pool *pool)
{
	struct background *background = &pool->background;

	background->step = free_leaves;
	for (unsigned i = 0; i < LEAVES_PER_STEP; i++) {
		int ret;

		if (background_find_leaf(pool, background->layer, &background->leaf) != 0)
			break;
		if (background->leaf >= background->layer->tree.leaf_count) {
			background_commit(pool, free_finish);
			return;
		}
		if (background->batch == LEAVES_PER_COMMIT) {
			background_commit(pool, free_leaves);
			return;
		}
		ret = free_leaf(pool);
		if (ret != 0) {
			background_fail(pool, ret);
			return;
		}
		background->leaf++;
	}
	background_yield(pool, free_leaves);
}

/* Requests that began when it was below their layer may still look at it. */
void background_free_start(struct pool *pool)
{
	pool->background.step = free_leaves;
	layer_uncount(pool->background.layer); /* its words go, and nobody keeps the count */
	layer_wait_unused(pool->background.layer, &pool->runner, &pool->background.waiter);
}
