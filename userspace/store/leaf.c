/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames move between lists: free, idle (evictable), or neither (pinned, loading, dirty or
 * captured). leaf_settle is the one place that decides.
 */
#include "store/leaf.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "block/queue.h"
#include "store/state.h"
#include "store/word.h"

int leaf_cache_init(struct leaf_cache *cache, uint32_t frames)
{
	uint32_t buckets = 64;

	assert(frames >= LEAF_FRAMES_MIN);
	while (buckets < frames)
		buckets *= 2;
	cache->count = frames;
	cache->dirty_limit = frames / 8;
	cache->bucket_mask = buckets - 1;
	cache->leaves = calloc(frames, sizeof(*cache->leaves));
	cache->memory = aligned_alloc(FORMAT_BLOCK_BYTES, (size_t)frames * FORMAT_BLOCK_BYTES);
	cache->buckets = calloc(buckets, sizeof(*cache->buckets));
	if (!cache->leaves || !cache->memory || !cache->buckets)
		return -ENOMEM;
	list_init(&cache->free);
	list_init(&cache->idle);
	list_init(&cache->changed);
	list_init(&cache->dirty);
	for (uint32_t i = 0; i < buckets; i++)
		list_init(&cache->buckets[i]);
	for (uint32_t i = 0; i < frames; i++) {
		struct leaf *leaf = &cache->leaves[i];

		leaf->page =
			(struct format_words *)(cache->memory + (size_t)i * FORMAT_BLOCK_BYTES);
		leaf->cache = cache;
		list_init(&leaf->waiters);
		list_node_init(&leaf->hash_link);
		list_node_init(&leaf->changed_link);
		list_node_init(&leaf->dirty_link);
		list_append(&cache->free, &leaf->idle_link);
	}
	return 0;
}

void leaf_cache_fini(struct leaf_cache *cache)
{
	free(cache->leaves);
	free(cache->memory);
	free(cache->buckets);
	*cache = (struct leaf_cache){0};
}

static struct list *leaf_bucket(const struct leaf_cache *cache, const struct layer *layer,
				uint64_t number)
{
	uint64_t key = (number + ((uint64_t)layer->id << 32)) * UINT64_C(0x9e3779b97f4a7c15);

	return &cache->buckets[(key >> 32) & cache->bucket_mask];
}

static struct leaf *leaf_find(const struct leaf_cache *cache, const struct layer *layer,
			      uint64_t number)
{
	struct list *bucket = leaf_bucket(cache, layer, number);

	list_for_each (bucket, leaf, struct leaf, hash_link) {
		if (leaf->layer == layer && leaf->number == number)
			return leaf;
	}
	return NULL;
}

/* Put the frame on the list where it belongs now. */
static void leaf_settle(struct leaf_cache *cache, struct leaf *leaf)
{
	bool is_idle = leaf->pins == 0 && !leaf->is_loading && !leaf->is_dirty &&
		       !leaf->is_captured && leaf->changed_count == 0;

	list_remove(&leaf->idle_link);
	if (is_idle)
		list_append(&cache->idle, &leaf->idle_link);
}

static void leaf_vacate(struct leaf_cache *cache, struct leaf *leaf)
{
	list_remove(&leaf->hash_link);
	list_remove(&leaf->idle_link);
	leaf->layer = NULL;
	list_append(&cache->free, &leaf->idle_link);
}

/* An empty frame for this leaf, in the hash, on no list. */
static struct leaf *leaf_occupy(struct leaf_cache *cache, struct layer *layer, uint64_t number)
{
	struct leaf *leaf;

	if (list_is_empty(&cache->free)) {
		assert(!list_is_empty(&cache->idle));
		leaf_vacate(cache, list_entry(cache->idle.head.next, struct leaf, idle_link));
	}
	leaf = list_entry(list_take_first(&cache->free), struct leaf, idle_link);
	leaf->layer = layer;
	leaf->number = number;
	list_append(leaf_bucket(cache, layer, number), &leaf->hash_link);
	return leaf;
}

/* The words of a page from the disk must agree with the bitmaps. */
static int leaf_check_words(const struct leaf_cache *cache, const struct leaf *leaf,
			    struct error *err)
{
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		uint64_t word = get_le64(&leaf->page->words[i]);
		uint32_t place = word_place(word);

		if (word == 0)
			continue;
		if (!word_is_sound(word) ||
		    (place && (!geometry_is_data(&cache->space->geometry, place) ||
			       !bitmap_has(cache->space->mapped, place) ||
			       slot_map_has_extent(cache->slots, place))))
			return error_set(err, -ENODATA,
					 "leaf %" PRIu64 " of layer %u at byte %" PRIu64
					 " of the disk is damaged: word %u is impossible",
					 leaf->number, leaf->layer->id,
					 format_place_block(leaf->place) * FORMAT_BLOCK_BYTES, i);
	}
	return 0;
}

static void leaf_loaded(struct block_io *io, int result)
{
	struct leaf *leaf = container_of(io, struct leaf, io);
	struct leaf_cache *cache = leaf->cache;
	const struct format_identity identity = {
		.kind = FORMAT_LEAF,
		.block = format_place_block(leaf->place),
		.owner = leaf->layer->id,
		.index = leaf->number,
	};

	leaf->is_loading = false;
	if (result == 0)
		result = format_check_place(leaf->page, leaf->place, &identity, &cache->pool,
					    &cache->last_error);
	if (result == 0)
		result = leaf_check_words(cache, leaf, &cache->last_error);
	if (result == -ENODATA)
		leaf->layer->is_damaged = true;
	waiter_wake_all(cache->runner, &leaf->waiters, result);
	if (result == 0)
		leaf_settle(cache, leaf);
	else
		leaf_vacate(cache, leaf);
	runner_run(cache->runner);
}

static void leaf_load(struct leaf_cache *cache, struct leaf *leaf, uint64_t place)
{
	leaf->is_loading = true;
	leaf->place = place;
	leaf->iov = (struct iovec){.iov_base = leaf->page, .iov_len = FORMAT_BLOCK_BYTES};
	leaf->io = (struct block_io){
		.kind = BLOCK_READ,
		.offset = format_place_block(place) * FORMAT_BLOCK_BYTES,
		.length = FORMAT_BLOCK_BYTES,
		.iov = &leaf->iov,
		.iov_count = 1,
		.done = leaf_loaded,
	};
	if (place == FORMAT_PLACE_LOST) {
		(void)error_set(&cache->last_error, -ENODATA,
				"leaf %" PRIu64 " of layer %u was found lost by a repair",
				leaf->number, leaf->layer->id); /* returns the code */
		block_queue_complete(cache->disk->queue, &leaf->io, -ENODATA);
		return;
	}
	block_submit(cache->disk, &leaf->io);
}

/*
 * May there be one more? Then also the index pages above it. The waiter waits where extents are on
 * their way to be free.
 */
static int leaf_admit(struct leaf_cache *cache, struct layer *layer, uint64_t number,
		      enum leaf_use use, struct waiter *waiter)
{
	struct pool *pool = container_of(cache, struct pool, cache);
	int ret = 0;

	if (use == LEAF_FOR_WRITE)
		ret = slot_budget_create(pool, 0, SLOT_USE_GROWTH);
	else if (use == LEAF_FOR_RECLAIM)
		ret = slot_budget_create(pool, 0, SLOT_USE_RECLAIM);
	if (ret == -ENOSPC)
		return admission_wait_space(pool, waiter);
	return ret == 0 ? tree_touch(&layer->tree, number) : ret;
}

/* Begin to have it: read it, or make it. 0: *out_leaf is in the hash, or NULL. */
static int leaf_fetch(struct leaf_cache *cache, struct layer *layer, uint64_t number,
		      enum leaf_use use, struct waiter *waiter, struct leaf **out_leaf)
{
	uint64_t place = tree_place(&layer->tree, number);
	int ret = 0;

	*out_leaf = NULL;
	if (!place && use == LEAF_IF_THERE)
		return 0;
	if (!place)
		ret = leaf_admit(cache, layer, number, use, waiter);
	if (ret != 0)
		return ret;
	*out_leaf = leaf_occupy(cache, layer, number);
	if (place)
		leaf_load(cache, *out_leaf, place);
	else
		memset((*out_leaf)->page, 0, sizeof(*(*out_leaf)->page));
	return 0;
}

int leaf_get(struct leaf_cache *cache, struct layer *layer, uint64_t number, enum leaf_use use,
	     struct waiter *waiter, struct leaf **out_leaf)
{
	struct leaf *leaf = leaf_find(cache, layer, number);

	if (!leaf) {
		int ret = leaf_fetch(cache, layer, number, use, waiter, &leaf);

		if (ret != 0)
			return ret;
		if (!leaf) {
			*out_leaf = NULL;
			return 0;
		}
	}
	if (leaf->is_loading) {
		list_append(&leaf->waiters, &waiter->link);
		return -EAGAIN;
	}
	leaf->pins++;
	list_remove(&leaf->idle_link);
	*out_leaf = leaf;
	return 0;
}

void leaf_put(struct leaf_cache *cache, struct leaf *leaf)
{
	assert(leaf->pins > 0);
	leaf->pins--;
	leaf_settle(cache, leaf);
}

bool leaf_is_absent(const struct leaf_cache *cache, const struct layer *layer, uint64_t number)
{
	return !tree_place(&layer->tree, number) && !leaf_find(cache, layer, number);
}

uint64_t leaf_word(const struct leaf *leaf, unsigned index)
{
	return get_le64(&leaf->page->words[index]);
}

void leaf_replay(struct leaf_cache *cache, struct leaf *leaf, unsigned index, uint64_t word)
{
	int ret;

	assert(leaf->pins > 0 && word_is_sound(word));
	put_le64(&leaf->page->words[index], word);
	if (leaf->is_dirty)
		return;
	ret = tree_touch(&leaf->layer->tree, leaf->number);
	assert(ret == 0); /* the pages are there since the leaf was fetched */
	leaf->is_dirty = true;
	cache->dirty_count++;
	list_append(&cache->dirty, &leaf->dirty_link);
}

void leaf_change(struct leaf_cache *cache, struct leaf *leaf, unsigned index, uint64_t word)
{
	leaf_replay(cache, leaf, index, word);
	if (bitmap_has(leaf->changed, index))
		return;
	if (leaf->changed_count++ == 0)
		list_append(&cache->changed, &leaf->changed_link);
	bitmap_set(leaf->changed, index);
	cache->changed_words++;
}

bool leaf_is_kept(const struct leaf_cache *cache, const struct leaf *leaf, unsigned index)
{
	return !bitmap_has(leaf->changed, index) &&
	       !(cache->is_committing && leaf->commit == cache->commit &&
		 bitmap_has(leaf->committed, index));
}

void leaf_commit_begin(struct leaf_cache *cache)
{
	cache->commit++;
	cache->is_committing = true;
}

void leaf_commit_end(struct leaf_cache *cache)
{
	cache->is_committing = false;
}

void leaf_commit(struct leaf_cache *cache, struct leaf *leaf)
{
	memcpy(leaf->committed, leaf->changed, sizeof(leaf->committed));
	leaf->commit = cache->commit;
	cache->changed_words -= leaf->changed_count;
	leaf->changed_count = 0;
	memset(leaf->changed, 0, sizeof(leaf->changed));
	list_remove(&leaf->changed_link);
	leaf_settle(cache, leaf);
}

static void leaf_clean(struct leaf_cache *cache, struct leaf *leaf)
{
	if (!leaf->is_dirty)
		return;
	leaf->is_dirty = false;
	cache->dirty_count--;
	list_remove(&leaf->dirty_link);
}

void leaf_capture(struct leaf_cache *cache, struct leaf *leaf)
{
	leaf_clean(cache, leaf);
	leaf->is_captured = true;
}

void leaf_release_captured(struct leaf_cache *cache)
{
	for (uint32_t i = 0; i < cache->count; i++) {
		struct leaf *leaf = &cache->leaves[i];

		if (!leaf->is_captured)
			continue;
		leaf->is_captured = false;
		if (leaf->layer)
			leaf_settle(cache, leaf);
	}
}

bool leaf_is_empty(const struct leaf *leaf)
{
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		if (leaf->page->words[i])
			return false;
	}
	return true;
}

void leaf_discard(struct leaf_cache *cache, struct leaf *leaf)
{
	assert(leaf->pins == 1);
	leaf->pins = 0;
	if (leaf->changed_count > 0)
		leaf_commit(cache, leaf);
	leaf_clean(cache, leaf);
	leaf->is_captured = false;
	leaf_vacate(cache, leaf);
}

void leaf_forget_layer(struct leaf_cache *cache, const struct layer *layer)
{
	for (uint32_t i = 0; i < cache->count; i++) {
		struct leaf *leaf = &cache->leaves[i];

		if (leaf->layer != layer)
			continue;
		leaf->pins++;
		list_remove(&leaf->idle_link);
		leaf_discard(cache, leaf);
	}
}
