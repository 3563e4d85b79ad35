/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dry run of deletions. The tree of layers is looked at in two worlds: as it is, and without the
 * names in question. In each, every layer that stays takes over the layers below it that do not,
 * so it ends up as a group of layers, one over the other, counted as one. What is the same in both
 * worlds is not looked at; what is one layer alone is known from its counter; of the others all
 * words are read, from the top down.
 *
 * The background stands still meanwhile. Requests do not: while a volume is being written the
 * answer is as exact as the moment it is about.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/state.h"
#include "store/volume_operation.h"

#define LEAVES_PER_TURN 64

enum {
	AS_IT_IS,
	WITHOUT,
	WORLDS
};

/* Of one layer, in each world. */
struct preview_layer {
	bool is_deleted;	     /* its name is among those in question */
	bool is_needed[WORLDS];	     /* it has a name, or a layer over it does */
	uint32_t children[WORLDS];   /* that are needed */
	uint32_t group_size[WORLDS]; /* of the one it is the top of; 0: of none */
};

struct preview {
	struct pool *pool;
	struct operation *operation;
	uint64_t *out_bytes;
	struct preview_layer *layers; /* [id - 1] */
	uint32_t layer_count;
	uint64_t extents[WORLDS]; /* that stay, of the groups that differ */

	/* The walk over all groups that differ. */
	uint32_t id;
	unsigned world;
	uint64_t leaf;
	struct layer *layer; /* of the group, whose leaf is next */
	uint32_t depth;
	uint16_t decided[FORMAT_WORDS]; /* blocks that a layer further up says something of */
	bool has_place[FORMAT_WORDS];
	struct waiter waiter;
	struct block_io turn;
};

static void preview_run(struct preview *preview);

static void preview_end(struct preview *preview, int result)
{
	struct operation *operation = preview->operation;

	if (result == 0)
		*preview->out_bytes = (preview->extents[AS_IT_IS] - preview->extents[WITHOUT]) *
				      STORE_EXTENT_BYTES;
	if (result == -ENODATA)
		operation->request->error = preview->pool->cache.last_error;
	background_resume(preview->pool);
	free(preview->layers);
	free(preview);
	operation_end(operation, result);
}

static struct preview_layer *preview_at(const struct preview *preview, const struct layer *layer)
{
	return &preview->layers[layer->id - 1];
}

/* Nothing is moved out of it or into it. */
static bool is_fixed(const struct layer *layer)
{
	return layer->is_damaged || layer->is_stuck;
}

static bool has_name(const struct preview *preview, const struct layer *layer, unsigned world)
{
	return layer->named && !(world == WITHOUT && preview_at(preview, layer)->is_deleted);
}

/* A layer with a name is needed, and so is everything below it. */
static void preview_mark(struct preview *preview, const struct layer *layer, unsigned world)
{
	if (!has_name(preview, layer, world) && !is_fixed(layer))
		return;
	for (; !preview_at(preview, layer)->is_needed[world]; layer = layer->parent) {
		preview_at(preview, layer)->is_needed[world] = true;
		if (!layer->parent)
			return;
		preview_at(preview, layer->parent)->children[world]++;
	}
}

/* True if `layer` will be merged into `over`, one of those over it. */
static bool is_merged(const struct preview *preview, const struct layer *layer,
		      const struct layer *over, unsigned world)
{
	return !has_name(preview, layer, world) && !is_fixed(layer) && !is_fixed(over) &&
	       preview_at(preview, layer)->children[world] == 1;
}

/* Layers from this one down that become one; 0 if it goes, or becomes part of one above it. */
static uint32_t preview_group(const struct preview *preview, const struct layer *layer,
			      unsigned world)
{
	uint32_t size = 1;

	if (!preview_at(preview, layer)->is_needed[world])
		return 0;
	list_for_each (&layer->children, child, struct layer, sibling) {
		if (preview_at(preview, child)->is_needed[world] &&
		    is_merged(preview, layer, child, world))
			return 0;
	}
	for (; layer->parent && is_merged(preview, layer->parent, layer, world);
	     layer = layer->parent)
		size++;
	return size;
}

static void preview_plan(struct preview *preview)
{
	const struct catalogue *catalogue = &preview->pool->catalogue;

	for (unsigned world = 0; world < WORLDS; world++) {
		for (uint32_t id = 1; id <= preview->layer_count; id++) {
			const struct layer *layer = catalogue_layer(catalogue, id);

			if (layer)
				preview_mark(preview, layer, world);
		}
		for (uint32_t id = 1; id <= preview->layer_count; id++) {
			const struct layer *layer = catalogue_layer(catalogue, id);

			if (layer)
				preview->layers[id - 1].group_size[world] =
					preview_group(preview, layer, world);
		}
	}
}

static void preview_turn(struct block_io *io, int result)
{
	struct preview *preview = container_of(io, struct preview, turn);
	struct pool *pool = preview->pool;

	(void)result; /* nothing was asked for */
	preview_run(preview);
	runner_run(&pool->runner);
}

static void preview_add_leaf(struct preview *preview, const struct leaf *leaf)
{
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		uint64_t word = leaf_word(leaf, i);

		if (word_written(word) & ~preview->decided[i])
			preview->has_place[i] = true;
		preview->decided[i] |= word_written(word) | word_zero(word);
	}
}

/* One leaf number of all layers of the group. -EAGAIN: it goes on when the waiter is woken. */
static int preview_leaf(struct preview *preview)
{
	struct leaf_cache *cache = &preview->pool->cache;

	while (preview->depth > 0) {
		struct layer *layer = preview->layer;
		struct leaf *leaf = NULL;
		int ret = 0;

		if (preview->leaf < layer->tree.leaf_count)
			ret = leaf_get(cache, layer, preview->leaf, LEAF_IF_THERE, &preview->waiter,
				       &leaf);
		if (ret != 0)
			return ret;
		if (leaf) {
			preview_add_leaf(preview, leaf);
			leaf_put(cache, leaf);
		}
		preview->layer = layer->parent;
		preview->depth--;
	}
	for (unsigned i = 0; i < FORMAT_WORDS; i++)
		preview->extents[preview->world] += preview->has_place[i];
	return 0;
}

/* The next leaf number of the group at hand; false: it is done. */
static bool preview_next_leaf(struct preview *preview, const struct layer *top)
{
	const struct preview_layer *plan = preview_at(preview, top);

	if (++preview->leaf >= top->tree.leaf_count)
		return false;
	preview->layer = catalogue_layer(&preview->pool->catalogue, top->id);
	preview->depth = plan->group_size[preview->world];
	memset(preview->decided, 0, sizeof(preview->decided));
	memset(preview->has_place, 0, sizeof(preview->has_place));
	return true;
}

/* The next group that has to be read; those that need not be are added up. False: the end. */
static bool preview_next_group(struct preview *preview)
{
	for (;;) {
		const struct preview_layer *plan;
		const struct layer *layer;

		if (++preview->world >= WORLDS) {
			preview->world = 0;
			preview->id++;
		}
		if (preview->id > preview->layer_count)
			return false;
		layer = catalogue_layer(&preview->pool->catalogue, preview->id);
		plan = &preview->layers[preview->id - 1];
		if (!layer || plan->group_size[AS_IT_IS] == plan->group_size[WITHOUT])
			continue;
		if (plan->group_size[preview->world] == 1)
			preview->extents[preview->world] += layer->mapped_extents;
		if (plan->group_size[preview->world] <= 1)
			continue;
		preview->leaf = UINT64_MAX; /* before the first */
		return preview_next_leaf(preview, layer);
	}
}

static void preview_run(struct preview *preview)
{
	for (unsigned i = 0; i < LEAVES_PER_TURN; i++) {
		int ret = preview_leaf(preview);

		if (ret == -EAGAIN)
			return;
		if (ret != 0) {
			preview_end(preview, ret);
			return;
		}
		if (!preview_next_leaf(preview,
				       catalogue_layer(&preview->pool->catalogue, preview->id)) &&
		    !preview_next_group(preview)) {
			preview_end(preview, 0);
			return;
		}
	}
	preview->turn.done = preview_turn;
	block_queue_complete(preview->pool->disk->queue, &preview->turn, 0);
}

static void preview_resume(struct waiter *waiter, int result)
{
	struct preview *preview = container_of(waiter, struct preview, waiter);

	if (result != 0)
		preview_end(preview, result);
	else
		preview_run(preview);
}

/* The background stands still: from now on no layer comes or goes. */
static void preview_begin(struct waiter *waiter, int result)
{
	struct preview *preview = container_of(waiter, struct preview, waiter);
	struct operation *operation = preview->operation;

	(void)result; /* standing still does not fail */
	preview->layer_count = preview->pool->catalogue.count;
	preview->layers = calloc(preview->layer_count, sizeof(*preview->layers));
	if (!preview->layers) {
		preview_end(preview, -ENOMEM);
		return;
	}
	for (uint32_t i = 0; i < operation->name_count; i++) {
		const struct volume *volume =
			volume_find(preview->pool, operation->names + (size_t)i * NAME_SIZE);

		preview_at(preview, volume->head)->is_deleted = true;
	}
	preview_plan(preview);
	preview->world = WORLDS;
	preview->waiter.run = preview_resume;
	if (preview_next_group(preview))
		preview_run(preview);
	else
		preview_end(preview, 0);
}

static void preview_start(struct operation *operation)
{
	struct preview *preview = NULL;
	int ret = 0;

	for (uint32_t i = 0; ret == 0 && i < operation->name_count; i++) {
		const char *name = operation->names + (size_t)i * NAME_SIZE;

		if (!volume_find(operation->pool, name))
			ret = error_set(&operation->request->error, -ENOENT,
					"pool '%s' has no volume or snapshot '%s'",
					operation->pool->name, name);
	}
	if (ret == 0) {
		preview = calloc(1, sizeof(*preview));
		ret = preview ? 0 : -ENOMEM;
	}
	if (ret != 0) {
		operation_end(operation, ret);
		return;
	}
	preview->pool = operation->pool;
	preview->operation = operation;
	preview->out_bytes = operation->out_bytes;
	preview->waiter.run = preview_begin;
	background_pause(preview->pool, &preview->waiter);
	runner_run(&preview->pool->runner);
}

void pool_preview(struct pool *pool, const char *const *names, unsigned count, uint64_t *out_bytes,
		  struct store_request *request)
{
	struct operation *operation = operation_new(pool, request, preview_start);

	if (!operation)
		return;
	operation->out_bytes = out_bytes;
	operation->names = calloc(count ? count : 1, NAME_SIZE);
	assert(operation->names); /* not on the data path, and as large as the request was */
	for (unsigned i = 0; i < count; i++)
		(void)strncpy(operation->names + (size_t)i * NAME_SIZE, names[i],
			      NAME_LEN_MAX); /* a longer one is not found */
	operation->name_count = count;
}
