/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filling goes down the chain with one leaf at a time, none of them pinned across turns: a word
 * decides the blocks that no layer above has decided. It is over where nothing is undecided, at
 * the end of the chain, or at a layer whose own view is at hand, which has the rest.
 *
 * A view whose filling is overtaken by view_forget is not filled on: its waiters are woken when
 * the leaf it waits for is there, and ask again.
 */
#include "store/view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/state.h"

/* While filling VIEW_HOLE means undecided, and this one zeros; at the end both are holes. */
#define VIEW_ZERO 2u

#define VIEW_PLACES (FORMAT_WORDS * WORD_BLOCKS)

_Static_assert(VIEW_PLACES * sizeof(uint32_t) <= VIEW_BYTES, "the places of a leaf fit a frame");

static void view_woken(struct waiter *waiter, int result);

int view_cache_init(struct view_cache *cache, struct pool *pool, uint32_t count)
{
	uint32_t buckets = 64;

	while (buckets < count)
		buckets *= 2;
	cache->count = count;
	cache->bucket_mask = buckets - 1;
	cache->views = calloc(count, sizeof(*cache->views));
	cache->memory = aligned_alloc(FORMAT_BLOCK_BYTES, (size_t)count * VIEW_BYTES);
	cache->buckets = calloc(buckets, sizeof(*cache->buckets));
	if (!cache->views || !cache->memory || !cache->buckets)
		return -ENOMEM;
	list_init(&cache->free);
	list_init(&cache->idle);
	for (uint32_t i = 0; i < buckets; i++)
		list_init(&cache->buckets[i]);
	for (uint32_t i = 0; i < count; i++) {
		struct view *view = &cache->views[i];

		view->pool = pool;
		view->places =
			(uint32_t(*)[WORD_BLOCKS])(void *)(cache->memory + (size_t)i * VIEW_BYTES);
		view->waiter.run = view_woken;
		list_init(&view->waiters);
		list_node_init(&view->hash_link);
		list_append(&cache->free, &view->idle_link);
	}
	return 0;
}

void view_cache_fini(struct view_cache *cache)
{
	free(cache->views);
	free(cache->memory);
	free(cache->buckets);
	*cache = (struct view_cache){0};
}

static struct list *view_bucket(const struct view_cache *cache, uint64_t number)
{
	uint64_t key = number * UINT64_C(0x9e3779b97f4a7c15);

	return &cache->buckets[(key >> 32) & cache->bucket_mask];
}

static struct view *view_find(const struct view_cache *cache, const struct layer *layer,
			      uint64_t number)
{
	list_for_each (view_bucket(cache, number), view, struct view, hash_link) {
		if (view->layer == layer && view->number == number)
			return view;
	}
	return NULL;
}

static void view_vacate(struct view *view)
{
	list_remove(&view->hash_link);
	list_remove(&view->idle_link);
	view->layer = NULL;
	view->is_stale = false;
	view->is_filling = false;
	list_prepend(&view->pool->views.free, &view->idle_link);
}

static struct view *view_occupy(struct view_cache *cache, struct layer *layer, uint64_t number)
{
	struct view *view;

	if (list_is_empty(&cache->free)) {
		assert(!list_is_empty(&cache->idle));
		view_vacate(list_entry(cache->idle.head.next, struct view, idle_link));
	}
	view = list_entry(list_take_first(&cache->free), struct view, idle_link);
	view->layer = layer;
	view->number = number;
	view->is_filling = true;
	view->next = layer;
	view->unknown = VIEW_PLACES;
	view->has_zeros = false;
	memset(view->places, 0, VIEW_PLACES * sizeof(uint32_t));
	list_append(view_bucket(cache, number), &view->hash_link);
	return view;
}

static void view_add_word(struct view *view, uint32_t *places, uint64_t word)
{
	unsigned written = word_written(word);
	unsigned decided = written | word_zero(word);

	for (; decided; decided &= decided - 1) {
		unsigned block = (unsigned)__builtin_ctz(decided);

		if (places[block] != VIEW_HOLE)
			continue;
		view->unknown--;
		if (written >> block & 1) {
			places[block] = word_place(word);
		} else {
			places[block] = VIEW_ZERO;
			view->has_zeros = true;
		}
	}
}

static void view_add_leaf(struct view *view, const struct leaf *leaf)
{
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		uint64_t word = leaf_word(leaf, i);

		if (word)
			view_add_word(view, view->places[i], word);
	}
}

/* All that is undecided is as in the view of the next layer. */
static void view_add_view(struct view *view, const struct view *below)
{
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		for (unsigned block = 0; block < WORD_BLOCKS; block++) {
			if (view->places[i][block] == VIEW_HOLE)
				view->places[i][block] = below->places[i][block];
		}
	}
	view->unknown = 0;
}

/* What is undecided was said by a leaf that cannot be read. */
static void view_add_loss(struct view *view)
{
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		for (unsigned block = 0; block < WORD_BLOCKS; block++) {
			if (view->places[i][block] == VIEW_HOLE)
				view->places[i][block] = VIEW_LOST;
		}
	}
	view->unknown = 0;
}

static bool layer_has_no_leaf(const struct pool *pool, const struct layer *layer, uint64_t number)
{
	return number >= layer->tree.leaf_count || leaf_is_absent(&pool->cache, layer, number);
}

/* The next layer. -EAGAIN: its leaf is being read. */
static int view_add_layer(struct view *view)
{
	struct pool *pool = view->pool;
	struct layer *layer = view->next;
	struct view *below = view_find(&pool->views, layer, view->number);
	struct leaf *leaf;
	int ret;

	if (below && !below->is_filling) {
		view_add_view(view, below);
		return 0;
	}
	if (layer->is_lost) {
		view_add_loss(view);
		return 0;
	}
	if (layer_has_no_leaf(pool, layer, view->number))
		return 0;
	ret = leaf_get(&pool->cache, layer, view->number, LEAF_IF_THERE, &view->waiter, &leaf);
	if (ret == -ENODATA)
		view_add_loss(view);
	if (ret != 0)
		return ret == -ENODATA ? 0 : ret;
	view_add_leaf(view, leaf);
	leaf_put(&pool->cache, leaf);
	return 0;
}

static void view_finish(struct view *view)
{
	uint32_t *places = view->places[0];

	for (unsigned i = 0; view->has_zeros && i < VIEW_PLACES; i++) {
		if (places[i] == VIEW_ZERO)
			places[i] = VIEW_HOLE;
	}
	view->is_filling = false;
	list_append(&view->pool->views.idle, &view->idle_link);
}

/* Go on as far as it goes. -EAGAIN: view_woken will. Else it is filled, or vacated. */
static int view_fill(struct view *view)
{
	int ret = 0;

	while (ret == 0 && view->next && view->unknown > 0) {
		ret = view_add_layer(view);
		if (ret == 0)
			view->next = view->next->parent;
	}
	if (ret == -EAGAIN)
		layer_use(view->next);
	else if (ret == 0)
		view_finish(view);
	else
		view_vacate(view);
	return ret;
}

static void view_woken(struct waiter *waiter, int result)
{
	struct view *view = container_of(waiter, struct view, waiter);
	struct runner *runner = &view->pool->runner;

	layer_unuse(view->next, runner);
	if (view->is_stale) {
		view_vacate(view);
		waiter_wake_all(runner, &view->waiters, 0);
		return;
	}
	if (result == -ENODATA) {
		view_add_loss(view);
		result = 0;
	}
	if (result == 0)
		result = view_fill(view);
	else
		view_vacate(view);
	if (result != -EAGAIN)
		waiter_wake_all(runner, &view->waiters, result);
}

bool view_is_absent(const struct pool *pool, const struct layer *layer, uint64_t number)
{
	for (; layer; layer = layer->parent) {
		if (layer->is_lost || !layer_has_no_leaf(pool, layer, number))
			return false;
	}
	return true;
}

int view_get(struct pool *pool, struct layer *layer, uint64_t number, struct waiter *waiter,
	     struct view **out_view)
{
	struct view *view = view_find(&pool->views, layer, number);

	if (!view) {
		int ret;

		if (view_is_absent(pool, layer, number)) {
			*out_view = NULL;
			return 0;
		}
		view = view_occupy(&pool->views, layer, number);
		ret = view_fill(view);
		if (ret != 0 && ret != -EAGAIN)
			return ret;
	}
	if (view->is_filling) {
		list_append(&view->waiters, &waiter->link);
		return -EAGAIN;
	}
	view->pins++;
	list_remove(&view->idle_link);
	*out_view = view;
	return 0;
}

void view_put(struct view *view)
{
	assert(view->pins > 0);
	if (--view->pins > 0)
		return;
	if (view->is_stale)
		view_vacate(view);
	else
		list_append(&view->pool->views.idle, &view->idle_link);
}

/* It is in no bucket any more. Who pins or fills it lets the frame go. */
static void view_spoil(struct view *view)
{
	if (view->pins == 0 && !view->is_filling) {
		view_vacate(view);
		return;
	}
	list_remove(&view->hash_link);
	view->is_stale = true;
}

void view_forget(struct pool *pool, uint64_t number)
{
	struct list *bucket = view_bucket(&pool->views, number);

	list_for_each_safe (bucket, view, struct view, hash_link) {
		if (view->number == number && !pool->faults.keeps_views)
			view_spoil(view);
	}
}

void view_forget_layer(struct pool *pool, const struct layer *layer)
{
	for (uint32_t i = 0; i < pool->views.count; i++) {
		struct view *view = &pool->views.views[i];

		if (view->layer && !view->is_stale && (view->layer == layer || view->is_filling))
			view_spoil(view);
	}
}
