/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/background.h"

#include <assert.h>
#include <errno.h>

#include "store/state.h"

#define REQUESTS_FIRST 16   /* that end between two steps where there are any */
#define LEAVES_ABSENT  4096 /* looked for in a step */

/* What cannot be read, or could not be worked on, is left alone. */
static bool is_sound(const struct layer *layer)
{
	return !layer->is_gone && !layer->is_damaged && !layer->is_stuck;
}

static bool can_free(const struct layer *layer)
{
	return layer_is_hidden(layer) && layer->child_count == 0 && is_sound(layer);
}

/*
 * If the one over it is to be merged too, that comes first: then each word moves only once. If
 * it is to be freed, nothing is to be merged at all.
 */
bool background_can_merge(const struct layer *layer)
{
	const struct layer *into;

	if (!layer_is_hidden(layer) || layer->child_count != 1 || !is_sound(layer))
		return false;
	into = list_entry(layer->children.head.next, struct layer, sibling);
	return is_sound(into) && !(layer_is_hidden(into) && into->child_count <= 1);
}

static bool can_count(const struct layer *layer)
{
	return layer->parent && !layer->is_counted && is_sound(layer) && is_sound(layer->parent);
}

static const struct job {
	bool (*can)(const struct layer *layer);
	void (*start)(struct pool *pool);
} jobs[] = {
	{.can = can_free, .start = background_free_start},
	{.can = background_can_merge, .start = background_merge_start},
	{.can = can_count, .start = background_count_start},
};

/* The most urgent job first; NULL: there is none. */
static const struct job *background_choose(struct pool *pool, struct layer **out_layer)
{
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		for (uint32_t id = 1; id <= pool->catalogue.count; id++) {
			*out_layer = catalogue_layer(&pool->catalogue, id);
			if (*out_layer && jobs[i].can(*out_layer))
				return &jobs[i];
		}
	}
	return NULL;
}

/* Who waits for it to stand still need not any more. */
static void background_wake_pauser(struct pool *pool)
{
	if (pool->background.pauser)
		waiter_wake(&pool->runner, pool->background.pauser, 0);
	pool->background.pauser = NULL;
}

static void background_stop(struct pool *pool)
{
	merge_fini(pool);
	pool->background.layer = NULL;
	background_wake_pauser(pool);
	pool_close_kick(pool);
}

static bool background_may_go_on(const struct pool *pool)
{
	return !pool->background.is_stopping && pool_is_writable(pool);
}

static void background_woken(struct waiter *waiter, int result)
{
	struct pool *pool = container_of(waiter, struct pool, background.waiter);

	if (result != 0)
		background_fail(pool, result);
	else if (background_may_go_on(pool))
		pool->background.step(pool);
	else
		background_stop(pool);
}

static void background_paced(struct waiter *waiter, int result)
{
	struct pool *pool = container_of(waiter, struct pool, background.pacer.waiter);

	if (pool->background.is_paused) {
		pool->background.is_parked = true;
		return;
	}
	pool->background.is_between = false;
	if (background_may_go_on(pool) && pool->background.is_kicked)
		background_next(pool);
	else
		background_woken(&pool->background.waiter, result);
}

static void background_turn(struct block_io *io, int result)
{
	struct pool *pool = container_of(io, struct pool, background.turn);

	(void)result; /* nothing was asked for */
	pool->background.pacer.waiter.run = background_paced;
	pace_wait(pool, &pool->background.pacer, REQUESTS_FIRST);
	runner_run(&pool->runner);
}

void background_yield(struct pool *pool, void (*step)(struct pool *pool))
{
	pool->background.step = step;
	pool->background.is_between = true;
	background_wake_pauser(pool);
	pool->background.turn.done = background_turn;
	block_queue_complete(pool->disk->queue, &pool->background.turn, 0);
}

void background_commit(struct pool *pool, void (*step)(struct pool *pool))
{
	pool->background.step = step;
	pool->background.batch = 0;
	commit_join(pool, &pool->background.waiter);
}

void background_fail(struct pool *pool, int result)
{
	if (result == -EAGAIN)
		return;
	if (!background_may_go_on(pool)) {
		background_stop(pool);
		return;
	}
	merge_put(pool);
	pool->background.layer->is_stuck = true;
	background_next(pool);
}

int background_find_leaf(const struct pool *pool, const struct layer *layer, uint64_t *cursor)
{
	for (unsigned i = 0; i < LEAVES_ABSENT; i++) {
		if (*cursor >= layer->tree.leaf_count ||
		    !leaf_is_absent(&pool->cache, layer, *cursor))
			return 0;
		*cursor = tree_skip(&layer->tree, *cursor + 1);
	}
	return -EAGAIN;
}

static void background_tell(struct pool *pool)
{
	struct background *background = &pool->background;

	if (background->returned_extents > 0)
		event_tell(pool, STORE_RECLAIMED, NULL,
			   background->returned_extents * STORE_EXTENT_BYTES);
	background->returned_extents = 0;
}

void background_next(struct pool *pool)
{
	struct background *background = &pool->background;
	struct layer *layer;
	const struct job *job = background_choose(pool, &layer);

	background->is_kicked = false;
	if (!job) {
		background_tell(pool);
		background_stop(pool);
		return;
	}
	if (background->layer != layer) {
		background->layer = layer;
		background->leaf = 0;
	}
	background_yield(pool, job->start);
}

/* What could not be read or found no room may succeed now. */
static void background_forgive(struct pool *pool)
{
	for (uint32_t id = 1; id <= pool->catalogue.count; id++) {
		struct layer *layer = catalogue_layer(&pool->catalogue, id);

		if (layer)
			layer->is_stuck = false;
	}
}

void background_kick(struct pool *pool)
{
	struct background *background = &pool->background;

	if (!background_may_go_on(pool))
		return;
	background_forgive(pool);
	background->waiter.run = background_woken;
	if (background->layer)
		background->is_kicked = true;
	else
		background_next(pool);
}

void background_pause(struct pool *pool, struct waiter *waiter)
{
	struct background *background = &pool->background;

	assert(!background->is_paused);
	background->is_paused = true;
	if (background->layer && !background->is_between)
		background->pauser = waiter;
	else
		waiter_wake(&pool->runner, waiter, 0);
}

void background_resume(struct pool *pool)
{
	struct background *background = &pool->background;

	background->is_paused = false;
	if (!background->is_parked)
		return;
	background->is_parked = false;
	background_yield(pool, background->step);
}
