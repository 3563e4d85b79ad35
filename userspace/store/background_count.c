/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts what a layer shadows of its parent, leaf by leaf. Requests that change words go on
 * meanwhile: of the leaves that were looked at they keep the count themselves (layer_counts).
 */
#include <errno.h>

#include "base/compiler.h"
#include "store/background.h"
#include "store/state.h"

#define LEAVES_PER_STEP 8

static void count_leaves(struct pool *pool);

static void count_words(struct layer *layer, const struct leaf *leaf, const struct leaf *below)
{
	for (unsigned i = 0; i < FORMAT_WORDS; i++)
		layer->shadowed_extents += layer_shadows(leaf_word(leaf, i), leaf_word(below, i));
}

/* The leaf at the cursor; nothing is pinned between two turns. */
static int count_leaf(struct pool *pool, struct layer *layer)
{
	struct waiter *waiter = &pool->background.waiter;
	uint64_t number = layer->count_cursor;
	struct leaf *below;
	struct leaf *leaf;
	int ret = leaf_get(&pool->cache, layer->parent, number, LEAF_IF_THERE, waiter, &below);

	if (ret != 0 || !below)
		return ret;
	ret = leaf_get(&pool->cache, layer, number, LEAF_IF_THERE, waiter, &leaf);
	if (ret == 0 && leaf) {
		count_words(layer, leaf, below);
		leaf_put(&pool->cache, leaf);
	}
	leaf_put(&pool->cache, below);
	return ret;
}

static void count_leaves(struct pool *pool)
{
	struct layer *layer = pool->background.layer;

	pool->background.step = count_leaves;
	for (unsigned i = 0; i < LEAVES_PER_STEP; i++) {
		int ret;

		if (background_find_leaf(pool, layer, &layer->count_cursor) != 0)
			break;
		if (layer->count_cursor >= layer->parent->tree.leaf_count) {
			layer->is_counted = true;
			background_next(pool);
			return;
		}
		ret = count_leaf(pool, layer);
		if (ret != 0) {
			background_fail(pool, ret);
			return;
		}
		layer->count_cursor++;
	}
	background_yield(pool, count_leaves);
}

void background_count_start(struct pool *pool)
{
	struct layer *layer = pool->background.layer;

	if (layer->count_cursor == 0)
		layer->shadowed_extents = 0;
	count_leaves(pool);
}
