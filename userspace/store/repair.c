/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First the check; if that finds anything: what the catalogue says is made possible, who keeps an
 * extent that two have is decided, and one walk makes the new leaves and counts them. Then all
 * else is written, the superblocks last.
 *
 * Who keeps an extent: a claim in the journal is later than all that the checkpoint has, and
 * than any claim before it in the journal; the later owner wrote the data that is there. Two
 * owners in the checkpoint are not told apart: a leaf's generation says when any of its words
 * changed, not when this one did. Then both lose their leaf.
 */
#include "store/repair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "store/array.h"
#include "store/repair_state.h"
#include "store/word.h"

void repair_say(struct repair *repair, const char *format, ...)
{
	char sentence[300];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	if (repair->settings->did)
		repair->settings->did(repair->settings->owner, sentence);
}

static void on_found(void *owner, const struct finding *finding)
{
	struct repair *repair = owner;

	repair->report->findings++;
	if (repair->settings->found)
		repair->settings->found(repair->settings->owner, finding);
}

static int compare_lost(const void *a, const void *b)
{
	const struct lost_leaf *left = a;
	const struct lost_leaf *right = b;

	if (left->layer != right->layer)
		return left->layer < right->layer ? -1 : 1;
	return (left->leaf > right->leaf) - (left->leaf < right->leaf);
}

static int lose(struct repair *repair, const struct image_owner *owner)
{
	int ret = array_reserve(&repair->lost, &repair->lost_capacity, repair->lost_count + 1,
				sizeof(*repair->lost));

	if (ret == 0)
		repair->lost[repair->lost_count++] =
			(struct lost_leaf){.leaf = owner->leaf, .layer = owner->layer};
	return ret;
}

/* Owners come by place, the latest claim first. */
static int decide_owners(struct repair *repair, const struct image_owners *owners)
{
	uint64_t end;
	int ret = 0;

	for (uint64_t at = 0; ret == 0 && at < owners->count; at = end) {
		const struct image_owner *first = &owners->items[at];
		bool is_proven;

		for (end = at + 1; end < owners->count && owners->items[end].place == first->place;)
			end++;
		is_proven = end == at + 1 || first->claimed_at > first[1].claimed_at;
		if (is_proven && end > at + 1)
			repair_say(repair,
				   "extent %u stays with layer %u, which the journal proves to be "
				   "its later owner",
				   first->place, first->layer);
		else if (!is_proven)
			repair_say(repair, "extent %u is given up by all who had it", first->place);
		for (uint64_t i = at + is_proven; ret == 0 && i < end; i++)
			ret = lose(repair, &owners->items[i]);
	}
	if (repair->lost_count > 1)
		qsort(repair->lost, repair->lost_count, sizeof(*repair->lost), compare_lost);
	return ret;
}

static bool is_lost(const struct repair *repair, const struct walk_leaf *leaf)
{
	const struct lost_leaf key = {.leaf = repair->walk.number, .layer = leaf->layer->id};

	return leaf->is_damaged ||
	       (repair->lost_count > 0 && bsearch(&key, repair->lost, repair->lost_count,
						  sizeof(*repair->lost), compare_lost));
}

/*
 * Only the journal has the layer's record, the page of the catalogue is lost: what the checkpoint
 * had of it cannot be known, unless it had nothing (a record of the journal has the last root).
 */
static bool is_unknown(const struct repair *repair, uint32_t id)
{
	const struct image *image = &repair->image;
	const struct image_layer *layer = image_find_layer(image, id);
	uint64_t page = (id - 1) / FORMAT_RECORDS;

	return layer && !layer->is_base && page < image->catalogue.leaf_count &&
	       bitmap_has(image->bad_pages, page) && get_le64(&layer->record.root) != 0;
}

static int give_up_leaf(struct repair *repair, struct repair_layer *layer, uint32_t id)
{
	uint64_t first = repair->walk.number * FORMAT_WORDS * STORE_EXTENT_BYTES;

	layer->is_changed = true;
	repair->report->lost_leaves++;
	repair_say(repair, "layer %u: bytes %" PRIu64 " to %" PRIu64 " answer an error from now on",
		   id, first, first + (uint64_t)FORMAT_WORDS * STORE_EXTENT_BYTES - 1);
	return image_add_page(&layer->leaves, repair->walk.number, FORMAT_PLACE_LOST, 0);
}

/* Count its words, and what it shadows of its parent's. */
static void count_leaf(struct repair *repair, struct repair_layer *layer,
		       const struct walk_leaf *leaf)
{
	uint32_t id = leaf->layer->id;
	uint32_t parent_id = get_le32(&repair->image.records[id - 1].layer.parent);
	const struct walk_leaf *parent = parent_id && parent_id < repair->layer_end
						 ? repair->walk.by_layer[parent_id]
						 : NULL;

	if (parent && (is_lost(repair, parent) || is_unknown(repair, parent_id)))
		layer->is_shadow_unknown = true;
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		uint64_t word = walk_word(leaf->final, i);

		if (parent && parent->final)
			layer->shadowed += tally_is_shadowed(word, walk_word(parent->final, i));
		if (!word_place(word))
			continue;
		layer->mapped++;
		(void)tally_extent(&repair->new, word_place(word)); /* doubles were given up */
	}
}

static int take_leaf(struct repair *repair, const struct walk_leaf *leaf)
{
	uint32_t id = leaf->layer->id;
	struct repair_layer *layer = &repair->layers[id];
	const struct format_identity identity = {
		.kind = FORMAT_LEAF, .owner = id, .index = repair->walk.number};
	static const uint64_t nothing[FORMAT_WORDS];
	struct format_words page = {0};
	uint64_t place = leaf->place;
	int ret = 0;

	if (get_le16(&repair->image.records[id - 1].kind) != FORMAT_RECORD_LAYER ||
	    !leaf->layer->is_final || is_unknown(repair, id))
		return 0;
	if (is_lost(repair, leaf))
		return give_up_leaf(repair, layer, id);
	count_leaf(repair, layer, leaf);
	if (leaf->base && memcmp(leaf->base, leaf->final, sizeof(page.words)) == 0)
		return image_add_page(&layer->leaves, repair->walk.number, place, 0);
	layer->is_changed = true;
	if (memcmp(leaf->final, nothing, sizeof(nothing)) == 0)
		return 0;
	memcpy(page.words, leaf->final, sizeof(page.words));
	ret = repair_put_page(repair, &page, &identity, &place);
	return ret == 0 ? image_add_page(&layer->leaves, repair->walk.number, place, 0) : ret;
}

static int take_group(struct image_walk *walk)
{
	struct repair *repair = container_of(walk, struct repair, walk);
	int ret = 0;

	for (uint64_t i = 0; ret == 0 && i < walk->count; i++)
		ret = take_leaf(repair, &walk->leaves[i]);
	return ret;
}

static int compare_pages(const void *a, const void *b)
{
	const struct image_page *left = a;
	const struct image_page *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

/* What lies below an index page that cannot be read, leaf by leaf. */
static int give_up_range(struct repair *repair, struct repair_layer *layer,
			 const struct image_tree *tree, const struct image_page *lost)
{
	bool is_news = tree->damaged > 0;
	uint64_t width = 1;
	uint64_t end;
	int ret = 0;

	for (unsigned level = 0; level < lost->level; level++)
		width *= FORMAT_WORDS;
	end = MIN((lost->index + 1) * width, tree->leaf_count);
	for (uint64_t leaf = lost->index * width; ret == 0 && leaf < end; leaf++)
		ret = image_add_page(&layer->leaves, leaf, FORMAT_PLACE_LOST, 0);
	if (is_news)
		layer->is_changed = true;
	if (lost->level > 0) {
		repair->report->lost_leaves += end - lost->index * width;
		repair_say(repair,
			   "layer %" PRIu64 ": %" PRIu64 " leaves from %" PRIu64
			   " on answer an error from now on",
			   tree->owner, end - lost->index * width, lost->index * width);
	}
	return ret;
}

/* The leaves of a layer in order, each once. */
static int finish_leaves(struct repair *repair, uint32_t id)
{
	const struct image_tree *tree = &repair->image.layers[id]->tree;
	struct repair_layer *layer = &repair->layers[id];
	struct image_pages *leaves = &layer->leaves;
	uint64_t count = 0;
	int ret = 0;

	for (uint64_t i = 0; ret == 0 && i < tree->lost.count; i++) {
		const struct image_page *lost = &tree->lost.items[i];

		if (lost->level < image_height(tree->leaf_count))
			ret = give_up_range(repair, layer, tree, lost);
		else
			layer->is_lost = true;
	}
	if (leaves->count > 1)
		qsort(leaves->items, leaves->count, sizeof(*leaves->items), compare_pages);
	for (uint64_t i = 0; i < leaves->count; i++) {
		if (count == 0 || leaves->items[count - 1].index != leaves->items[i].index)
			leaves->items[count++] = leaves->items[i];
	}
	leaves->count = count;
	return ret;
}

/* Root and counters of a layer's new record. */
static int put_layer(struct repair *repair, uint32_t id)
{
	const struct image_layer *old = image_find_layer(&repair->image, id);
	struct format_layer *record = &repair->image.records[id - 1].layer;
	struct repair_layer *layer = &repair->layers[id];
	uint32_t parent = get_le32(&record->parent);
	uint64_t root = 0;
	int ret = 0;

	if (id >= repair->first_new_id)
		return 0; /* made here, whole */
	if (is_unknown(repair, id))
		layer->is_lost = true;
	else if (old->since == 0)
		ret = finish_leaves(repair, id);
	if (layer->is_lost) {
		repair->report->lost_layers++;
		repair_say(repair, "layer %u answers nothing but errors from now on", id);
		root = FORMAT_PLACE_LOST;
	} else if (ret == 0 &&
		   (layer->is_changed || old->since > 0 || !old->is_base || old->tree.damaged > 0 ||
		    get_le64(&record->leaf_count) != old->tree.leaf_count)) {
		ret = repair_put_tree(repair, id, &layer->leaves, get_le64(&record->leaf_count),
				      &root);
	} else {
		root = old->tree.root;
		repair_keep_tree(repair, &old->tree);
	}
	put_le64(&record->root, root);
	put_le64(&record->mapped_extents, layer->is_lost ? 0 : layer->mapped);
	if (parent && (layer->is_lost || layer->is_shadow_unknown || old->tree.lost.count > 0 ||
		       parent >= repair->first_new_id || is_unknown(repair, parent) ||
		       image_find_layer(&repair->image, parent)->tree.lost.count > 0)) {
		put_le16(&record->flags, FORMAT_LAYER_UNCOUNTED);
		put_le64(&record->shadowed_extents, 0);
	} else {
		put_le16(&record->flags, 0);
		put_le64(&record->shadowed_extents, layer->shadowed);
	}
	return ret;
}

static int put_all(struct repair *repair)
{
	uint64_t catalogue_root;
	uint64_t bitmap_root;
	int ret = 0;

	for (uint32_t id = 1; ret == 0 && id < repair->layer_end; id++) {
		if (get_le16(&repair->image.records[id - 1].kind) == FORMAT_RECORD_LAYER)
			ret = put_layer(repair, id);
	}
	if (ret == 0)
		ret = repair_put_catalogue(repair, &catalogue_root);
	if (ret == 0)
		ret = repair_put_bitmaps(repair, &bitmap_root);
	if (ret == 0)
		ret = repair_put_supers(repair, catalogue_root, bitmap_root);
	return ret;
}

static void note_old_tree(struct repair *repair, const struct image_tree *tree)
{
	bool is_possible;

	for (uint64_t i = 0; i < tree->index.count; i++)
		(void)tally_page(&repair->old, format_place_block(tree->index.items[i].place),
				 &is_possible); /* only its slot matters */
	for (uint64_t i = 0; i < tree->leaves.count; i++)
		(void)tally_page(&repair->old, format_place_block(tree->leaves.items[i].place),
				 &is_possible); /* likewise */
}

static int prepare(struct repair *repair)
{
	struct image *image = &repair->image;
	int ret = tally_init(&repair->old, &image->geometry);

	if (ret == 0)
		ret = tally_init(&repair->new, &image->geometry);
	if (ret != 0)
		return ret;
	note_old_tree(repair, &image->bitmaps);
	note_old_tree(repair, &image->catalogue);
	repair->trees_are_whole = image->catalogue.damaged == 0;
	for (uint32_t i = 0; i < image->layer_count; i++) {
		note_old_tree(repair, &image->layers[image->layer_ids[i]]->tree);
		repair->trees_are_whole &= image->layers[image->layer_ids[i]]->tree.damaged == 0;
	}
	repair->generation = get_le64(&image->super->header.generation) + 1;
	repair->first_new_id = image->record_count + 1;
	ret = repair_catalogue(repair);
	repair->layer_end = image->record_count + 1;
	repair->layers = calloc(repair->layer_end, sizeof(*repair->layers));
	return ret == 0 && !repair->layers ? -ENOMEM : ret;
}

static int repair_run(struct repair *repair)
{
	struct image_report counted;
	int ret = check_image(&repair->image, &counted, &repair->claims);

	if (ret == 0 && repair->report->findings == 0)
		return 0;
	repair->image.settings.found = NULL; /* all was told */
	repair->report->found_again = repair->image.salvaged;
	if (ret == 0)
		ret = decide_owners(repair, &repair->claims.doubled);
	if (ret == 0)
		ret = prepare(repair);
	repair->walk = (struct image_walk){
		.image = &repair->image, .on_group = take_group, .is_silent = true};
	if (ret == 0)
		ret = image_walk(&repair->walk);
	if (ret == 0)
		ret = put_all(repair);
	return ret == 0 ? 1 : ret;
}

int repair_pool(struct offline *offline, const struct repair_settings *settings,
		struct repair_report *out_report, struct error *err)
{
	struct repair repair = {.settings = settings, .report = out_report, .err = err};
	const struct image_settings image_settings = {
		.boot_id = settings->boot_id,
		.is_for_repair = true,
		.found = on_found,
		.owner = &repair,
	};
	int ret;

	*out_report = (struct repair_report){0};
	*err = (struct error){0};
	ret = image_open(&repair.image, offline, &image_settings, err);
	if (ret != 0)
		return ret;
	if (get_le64(&repair.image.super->features) & FORMAT_FEATURE_REPAIRED)
		ret = error_set(err, -EALREADY,
				"the pool was repaired before: accept that with --keep, or go back "
				"with --undo");
	if (ret == 0)
		ret = repair_run(&repair);
	if (ret < 0 && err->code == 0)
		(void)error_set(err, ret, "%s",
				ret == -ENOMEM ? "not enough memory for a repair"
					       : strerror(-ret)); /* returns the code */
	for (uint32_t id = 0; repair.layers && id < repair.layer_end; id++)
		free(repair.layers[id].leaves.items);
	free(repair.layers);
	free(repair.lost);
	image_claims_fini(&repair.claims);
	tally_fini(&repair.old);
	tally_fini(&repair.new);
	image_close(&repair.image);
	return ret;
}
