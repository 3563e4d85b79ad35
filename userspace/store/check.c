/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layer by layer, leaf by leaf, each with its parent's beside it, all through the leaf cache; then
 * what was seen is compared with the pool's own bitmaps and counters.
 */
#include "store/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "store/state.h"
#include "store/tally.h"
#include "store/volume_state.h"
#include "store/word.h"

struct check {
	struct pool *pool;
	struct operation *operation;
	struct check_report *report;
	struct tally tally;
	uint32_t layer_id;
	uint32_t frame;	 /* cached leaves that are on no disk yet come first */
	uint64_t leaf;	 /* then those of the tree */
	uint64_t mapped; /* by this layer */
	uint64_t shadowed;
	bool waits_for_parent;	/* for its leaf */
	bool skips_parent;	/* that leaf is damaged */
	bool is_shadow_unknown; /* of this layer */
	struct waiter waiter;
};

static void check_run(struct check *check);

static void check_end(struct check *check, int result)
{
	struct operation *operation = check->operation;

	tally_fini(&check->tally);
	free(check);
	operation_end(operation, result);
}

static void check_note(struct check *check, uint64_t *counter, const char *what, uint64_t number)
{
	(*counter)++;
	if (check->report->first.code == 0)
		(void)error_set(&check->report->first, -ENODATA, "%s %" PRIu64 " (layer %u)", what,
				number, check->layer_id); /* returns the code */
}

static void check_place(void *owner, uint64_t place)
{
	struct check *check = owner;
	uint64_t block = format_place_block(place);
	bool is_possible;

	if (place == FORMAT_PLACE_LOST)
		return;
	check->report->slots++;
	if (!tally_page(&check->tally, block, &is_possible))
		check_note(check, &check->report->slots_doubled, "two pages in block", block);
	else if (!slot_map_has_page(&check->pool->slots, block))
		check_note(check, &check->report->slots_doubled, "a page in a free block", block);
}

static void check_leaf(struct check *check, const struct leaf *leaf, const struct leaf *parent)
{
	check->report->leaves++;
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		uint64_t word = leaf_word(leaf, i);
		uint32_t place = word_place(word);

		if (parent)
			check->shadowed += tally_is_shadowed(word, leaf_word(parent, i));
		if (!place)
			continue;
		check->mapped++;
		check->report->extents++;
		if (!tally_extent(&check->tally, place))
			check_note(check, &check->report->extents_doubled, "two words have extent",
				   place);
	}
}

/* What a volume is charged for is kept in memory alone. */
static void check_charges(struct check *check)
{
	const struct catalogue *catalogue = &check->pool->catalogue;

	list_for_each (&catalogue->volumes, volume, struct volume, link) {
		uint64_t charged = 0;

		for (uint32_t id = 1; id <= catalogue->count; id++) {
			const struct layer *layer = catalogue_layer(catalogue, id);

			if (layer && !layer->is_gone && layer->owner == volume)
				charged += layer->mapped_extents;
		}
		if (charged != volume->charged_extents)
			check_note(check, &check->report->charges_wrong,
				   "wrong charge of volume with record", volume->id);
	}
}

/* Whatever is left over in the pool's own bitmaps is lost to everybody. */
static void check_compare(struct check *check)
{
	const struct pool *pool = check->pool;
	struct check_report *report = check->report;

	check->layer_id = 0;
	check_charges(check);
	for (uint64_t i = 0; i < pool->space.bits && report->layers_damaged == 0; i++) {
		bool is_taken =
			geometry_is_data(&pool->geometry, i) && bitmap_has(pool->space.taken, i);

		/* Some are kept for metadata to come. */
		if (is_taken && !bitmap_has(check->tally.extents, i) &&
		    !slot_map_has_extent(&pool->slots, i))
			check_note(check, &report->extents_leaked, "no word has extent", i);
	}
	for (uint64_t i = 0; i < pool->slots.end && report->layers_damaged == 0; i++) {
		if (bitmap_has(pool->slots.live, i) && !bitmap_has(check->tally.slots, i))
			check_note(check, &report->slots_leaked, "no page is in slot", i);
	}
	check_end(check, 0);
}

static void check_layer_begin(struct check *check, const struct layer *layer)
{
	check->frame = 0;
	check->leaf = 0;
	check->mapped = 0;
	check->shadowed = 0;
	check->is_shadow_unknown = layer->parent && layer->parent->is_lost;
	if (layer->is_lost)
		check_note(check, &check->report->layers_damaged, "no index of layer", layer->id);
	else
		tree_visit(&layer->tree, check_place, check);
}

/* The next leaf of the layer, cached or not; false at the end. */
static bool check_find(struct check *check, const struct layer *layer, uint64_t *out_number)
{
	const struct leaf_cache *cache = &check->pool->cache;

	for (; check->frame < cache->count; check->frame++) {
		const struct leaf *leaf = &cache->leaves[check->frame];

		if (leaf->layer == layer && !tree_place(&layer->tree, leaf->number)) {
			*out_number = leaf->number;
			return true;
		}
	}
	check->leaf = tree_find(&layer->tree, check->leaf);
	*out_number = check->leaf;
	return check->leaf < layer->tree.leaf_count;
}

static void check_leaf_done(struct check *check)
{
	if (check->frame < check->pool->cache.count)
		check->frame++;
	else
		check->leaf++;
}

/* One leaf and the parent's beside it, if there is one. -EAGAIN: waiting for either. */
static int check_pair(struct check *check, struct layer *layer, uint64_t number)
{
	struct leaf_cache *cache = &check->pool->cache;
	struct layer *parent = layer->parent;
	struct leaf *below = NULL;
	struct leaf *leaf;

	check->waits_for_parent = false;
	if (leaf_get(cache, layer, number, LEAF_IF_THERE, &check->waiter, &leaf) != 0)
		return -EAGAIN;
	if (parent && !parent->is_lost && !check->skips_parent &&
	    number < parent->tree.leaf_count &&
	    leaf_get(cache, parent, number, LEAF_IF_THERE, &check->waiter, &below) != 0) {
		check->waits_for_parent = true;
		leaf_put(cache, leaf);
		return -EAGAIN;
	}
	check->skips_parent = false;
	check_leaf(check, leaf, below);
	leaf_put(cache, leaf);
	if (below)
		leaf_put(cache, below);
	return 0;
}

/* All leaves of a layer. -EAGAIN: waiting for one. */
static int check_layer(struct check *check, struct layer *layer)
{
	uint64_t number;

	while (!layer->is_lost && check_find(check, layer, &number)) {
		if (check_pair(check, layer, number) != 0)
			return -EAGAIN;
		check_leaf_done(check);
	}
	if (!layer->is_damaged && check->mapped != layer->mapped_extents)
		check_note(check, &check->report->counts_wrong, "wrong count of extents of layer",
			   layer->id);
	if (!layer->is_damaged && layer->is_counted && !check->is_shadow_unknown &&
	    check->shadowed != layer->shadowed_extents)
		check_note(check, &check->report->shadows_wrong,
			   "wrong count of shadowed extents of layer", layer->id);
	return 0;
}

static void check_run(struct check *check)
{
	struct catalogue *catalogue = &check->pool->catalogue;

	while (check->layer_id <= catalogue->count) {
		struct layer *layer = catalogue_layer(catalogue, check->layer_id);

		if (layer && check_layer(check, layer) != 0)
			return;
		check->layer_id++;
		layer = catalogue_layer(catalogue, check->layer_id);
		if (layer)
			check_layer_begin(check, layer);
	}
	check_compare(check);
}

static void check_resume(struct waiter *waiter, int result)
{
	struct check *check = container_of(waiter, struct check, waiter);

	if (result == -ENODATA && check->waits_for_parent) {
		check->skips_parent = true;
		check->is_shadow_unknown = true;
	} else if (result == -ENODATA) {
		check_note(check, &check->report->leaves_damaged, "damaged leaf", check->leaf);
		check_leaf_done(check);
	} else if (result != 0) {
		check_end(check, result);
		return;
	}
	check_run(check);
}

static void check_start(struct operation *operation)
{
	struct pool *pool = operation->pool;
	struct check *check = calloc(1, sizeof(*check));

	if (!check) {
		operation_end(operation, -ENOMEM);
		return;
	}
	check->pool = pool;
	check->operation = operation;
	check->report = operation->report;
	*check->report = (struct check_report){0};
	check->waiter.run = check_resume;
	if (tally_init(&check->tally, &pool->geometry) != 0) {
		check_end(check, -ENOMEM);
		return;
	}
	tree_visit(&pool->bitmaps, check_place, check);
	tree_visit(&pool->catalogue.tree, check_place, check);
	check_run(check);
	runner_run(&pool->runner);
}

void pool_check(struct pool *pool, struct check_report *report, struct store_request *request)
{
	struct operation *operation = operation_new(pool, request, check_start);

	if (operation)
		operation->report = report;
}

bool check_is_clean(const struct check_report *report)
{
	return report->first.code == 0;
}
