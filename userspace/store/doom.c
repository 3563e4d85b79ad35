/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/doom.h"

#include <errno.h>

#include "store/state.h"
#include "store/word.h"

#define LEAVES_PER_COMMIT 32

static void step_next(struct pool *pool);

static void doom_stop(struct pool *pool)
{
	pool->doom.is_running = false;
	pool_close_kick(pool);
}

static void doom_run(struct waiter *waiter, int result)
{
	struct pool *pool = container_of(waiter, struct pool, doom.waiter);

	/* A damaged leaf ends it: what it had mapped is not known and stays taken. */
	if (result != 0 || pool->doom.is_stopping || !pool_is_writable(pool))
		doom_stop(pool);
	else
		pool->doom.step(pool);
}

static void doom_commit(struct pool *pool, void (*step)(struct pool *pool))
{
	pool->doom.step = step;
	pool->doom.batch = 0;
	commit_join(pool, &pool->doom.waiter);
}

static void step_gone(struct pool *pool)
{
	struct layer *layer = pool->doom.layer;

	catalogue_remove(&pool->catalogue, layer->id);
	layer_free(layer);
	doom_stop(pool);
	doom_kick(pool);
}

static void step_finish(struct pool *pool)
{
	struct layer *layer = pool->doom.layer;

	leaf_forget_layer(&pool->cache, layer);
	tree_drop(&layer->tree, &pool->slots);
	layer->is_gone = true;
	commit_add_record(pool, layer->id);
	doom_commit(pool, step_gone);
}

/* The next leaf that there is, cached or not; false at the end. */
static bool doom_find(struct pool *pool, uint64_t *out_number)
{
	struct doom *doom = &pool->doom;

	for (; doom->frame < pool->cache.count; doom->frame++) {
		if (pool->cache.leaves[doom->frame].layer == doom->layer) {
			*out_number = pool->cache.leaves[doom->frame].number;
			return true;
		}
	}
	doom->leaf = tree_find(&doom->layer->tree, doom->leaf);
	*out_number = doom->leaf;
	return doom->leaf < doom->layer->tree.leaf_count;
}

/* The leaf's extents become free with the next commit, its slot with the next checkpoint. */
static int doom_drop(struct pool *pool, struct leaf *leaf)
{
	struct layer *layer = leaf->layer;
	uint64_t number = leaf->number;
	uint64_t place = tree_place(&layer->tree, number);

	if (place && tree_touch(&layer->tree, number) != 0)
		return -ENOMEM;
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		uint32_t extent = word_place(leaf_word(leaf, i));

		if (extent && space_unmap(&pool->space, extent)) {
			space_release(&pool->space, extent);
			layer->mapped_extents--;
		}
	}
	leaf_discard(&pool->cache, leaf);
	if (place) {
		slot_map_drop(&pool->slots, geometry_block_slot(format_place_block(place)));
		tree_set(&layer->tree, number, 0);
	}
	commit_add_drop(pool, layer->id, number);
	return 0;
}

/* One leaf. -EAGAIN: the waiter is queued somewhere. */
static int doom_leaf(struct pool *pool, uint64_t number)
{
	struct doom *doom = &pool->doom;
	struct leaf *leaf;
	int ret = admission_enter(pool, FORMAT_WORDS, 0, &doom->waiter);

	if (ret != 0)
		return ret;
	ret = leaf_get(&pool->cache, doom->layer, number, false, &doom->waiter, &leaf);
	if (ret == 0)
		ret = doom_drop(pool, leaf);
	admission_leave(pool, FORMAT_WORDS, 0);
	return ret;
}

static void step_next(struct pool *pool)
{
	struct doom *doom = &pool->doom;
	uint64_t number;

	while (doom_find(pool, &number)) {
		int ret;

		if (doom->batch == LEAVES_PER_COMMIT) {
			doom_commit(pool, step_next);
			return;
		}
		ret = doom_leaf(pool, number);
		if (ret == -EAGAIN)
			return;
		if (ret != 0) {
			doom_stop(pool);
			return;
		}
		doom->batch++;
	}
	doom_commit(pool, step_finish);
}

void doom_kick(struct pool *pool)
{
	struct doom *doom = &pool->doom;

	if (doom->is_running || doom->is_stopping || !pool_is_writable(pool))
		return;
	for (uint32_t id = 1; id <= pool->catalogue.count; id++) {
		struct layer *layer = catalogue_layer(&pool->catalogue, id);

		if (!layer || !layer_is_hidden(layer) || layer->child_count > 0 ||
		    layer->is_damaged)
			continue;
		*doom = (struct doom){.layer = layer, .is_running = true, .step = step_next};
		doom->waiter.run = doom_run;
		waiter_wake(&pool->runner, &doom->waiter, 0);
		return;
	}
}
