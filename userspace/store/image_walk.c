/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two sorted lists are merged: the leaves that the index pages know, and the changes of the
 * journal. A batch is cut only between two numbers.
 */
#include "store/image_walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "store/array.h"
#include "store/word.h"

struct walk_entry {
	uint64_t number;
	uint64_t place;
	uint32_t layer;
};

struct walk_list {
	struct walk_entry *entries;
	uint64_t count;
	uint64_t capacity;
	uint64_t change; /* next one to look at */
};

bool image_is_lost(const struct image_tree *tree, uint64_t leaf)
{
	for (uint64_t i = 0; i < tree->lost.count; i++) {
		uint64_t index = leaf;

		for (unsigned level = 0; level < tree->lost.items[i].level; level++)
			index /= FORMAT_WORDS;
		if (index == tree->lost.items[i].index)
			return true;
	}
	return false;
}

static int compare_entries(const void *a, const void *b)
{
	const struct walk_entry *left = a;
	const struct walk_entry *right = b;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return (left->layer > right->layer) - (left->layer < right->layer);
}

static int list_add(struct walk_list *list, uint32_t layer, uint64_t number, uint64_t place)
{
	int ret = array_reserve(&list->entries, &list->capacity, list->count + 1,
				sizeof(*list->entries));

	if (ret == 0)
		list->entries[list->count++] =
			(struct walk_entry){.number = number, .place = place, .layer = layer};
	return ret;
}

/* Leaves on the disk, and those that only the journal has. */
static int list_fill(struct walk_list *list, const struct image *image)
{
	int ret = 0;

	for (uint32_t i = 0; ret == 0 && i < image->layer_count; i++) {
		const struct image_layer *layer = image->layers[image->layer_ids[i]];
		const struct image_pages *leaves = &layer->tree.leaves;

		for (uint64_t at = 0; ret == 0 && at < leaves->count; at++)
			ret = list_add(list, layer->id, leaves->items[at].index,
				       leaves->items[at].place);
	}
	if (ret == 0 && list->count > 1)
		qsort(list->entries, list->count, sizeof(*list->entries), compare_entries);
	return ret;
}

/* Add what only the journal has; both are in the same order. */
static int list_merge(struct walk_list *list, const struct image *image)
{
	uint64_t known = list->count;
	uint64_t at = 0;
	int ret = 0;

	for (uint64_t i = 0; ret == 0 && i < image->change_count; i++) {
		const struct image_change *change = &image->changes[i];
		const struct walk_entry entry = {.number = change->leaf, .layer = change->layer};

		if (i > 0 && change[-1].leaf == change->leaf && change[-1].layer == change->layer)
			continue;
		while (at < known && compare_entries(&list->entries[at], &entry) < 0)
			at++;
		if (at == known || compare_entries(&list->entries[at], &entry) != 0)
			ret = list_add(list, change->layer, change->leaf, 0);
	}
	if (ret == 0 && list->count > known)
		qsort(list->entries, list->count, sizeof(*list->entries), compare_entries);
	return ret;
}

static bool words_are_possible(struct image_walk *walk, const struct walk_entry *entry,
			       const uint64_t *words)
{
	struct image *image = walk->image;

	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		uint64_t word = walk_word(words, i);
		uint32_t place = word_place(word);

		if (word_is_sound(word) && (!place || geometry_is_data(&image->geometry, place)))
			continue;
		if (!walk->is_silent)
			image_note(image, FINDING_WORD,
				   format_place_block(entry->place) * FORMAT_BLOCK_BYTES,
				   "leaf %" PRIu64 " of layer %u: word %u is impossible (%#" PRIx64
				   ")",
				   entry->number, entry->layer, i, word);
		return false;
	}
	return true;
}

/* The words of a leaf as read; NULL if it is damaged, which is told. */
static const uint64_t *check_leaf(struct image_walk *walk, const struct walk_entry *entry,
				  const void *data)
{
	const struct format_identity identity = {
		.kind = FORMAT_LEAF,
		.block = format_place_block(entry->place),
		.owner = entry->layer,
		.index = entry->number,
	};
	struct error error;
	const uint64_t *words;
	int ret;

	if (!data)
		ret = error_set(&error, -EIO, "the disk cannot read it");
	else
		ret = format_check_place(data, entry->place, &identity, &walk->image->uuid, &error);
	if (ret == 0) {
		words = ((const struct format_words *)data)->words;
		return words_are_possible(walk, entry, words) ? words : NULL;
	}
	if (!walk->is_silent)
		image_note(walk->image, FINDING_LEAF, identity.block * FORMAT_BLOCK_BYTES,
			   "leaf %" PRIu64 " of layer %u: %s", entry->number, entry->layer,
			   error.text);
	return NULL;
}

static void apply_changes(const struct image *image, const struct walk_leaf *leaf, uint64_t *words)
{
	for (uint64_t i = 0; i < leaf->change_count; i++) {
		const struct image_change *change = &image->changes[leaf->first_change + i];

		if (change->order < leaf->layer->since)
			continue;
		if (change->kind == IMAGE_DROP)
			memset(words, 0, FORMAT_WORDS * sizeof(*words));
		else
			words[change->index] = htole64(change->word);
	}
}

/* The final words, in `scratch` if the journal has a say. */
static void finish_leaf(const struct image *image, struct walk_leaf *leaf, uint64_t *scratch)
{
	leaf->final = NULL;
	if (leaf->is_damaged || !leaf->layer->is_final)
		return;
	if (leaf->change_count == 0 && leaf->layer->since == 0) {
		leaf->final = leaf->base;
		return;
	}
	memset(scratch, 0, FORMAT_WORDS * sizeof(*scratch));
	if (leaf->base && leaf->layer->since == 0)
		memcpy(scratch, leaf->base, FORMAT_WORDS * sizeof(*scratch));
	apply_changes(image, leaf, scratch);
	leaf->final = scratch;
}

static int take_leaf(struct image_walk *walk, struct walk_list *list,
		     const struct walk_entry *entry, const void *data)
{
	const struct image *image = walk->image;
	struct walk_leaf leaf = {
		.layer = image->layers[entry->layer],
		.place = entry->place,
		.first_change = list->change,
	};
	int ret = array_reserve(&walk->leaves, &walk->capacity, walk->count + 1,
				sizeof(*walk->leaves));

	if (ret != 0)
		return ret;
	while (list->change < image->change_count &&
	       image->changes[list->change].leaf == entry->number &&
	       image->changes[list->change].layer == entry->layer)
		list->change++;
	leaf.change_count = list->change - leaf.first_change;
	if (entry->place)
		leaf.base = check_leaf(walk, entry, data);
	leaf.is_damaged =
		(entry->place && !leaf.base) ||
		(leaf.layer->since == 0 && image_is_lost(&leaf.layer->tree, entry->number));
	walk->leaves[walk->count++] = leaf;
	return 0;
}

static int run_group(struct image_walk *walk)
{
	int ret = array_reserve(&walk->scratch, &walk->scratch_capacity, walk->count * FORMAT_WORDS,
				sizeof(*walk->scratch));

	for (uint64_t i = 0; ret == 0 && i < walk->count; i++) {
		finish_leaf(walk->image, &walk->leaves[i], walk->scratch + i * FORMAT_WORDS);
		walk->by_layer[walk->leaves[i].layer->id] = &walk->leaves[i];
	}
	if (ret == 0)
		ret = walk->on_group(walk);
	for (uint64_t i = 0; i < walk->count; i++)
		walk->by_layer[walk->leaves[i].layer->id] = NULL;
	walk->count = 0;
	return ret;
}

/* One past the last entry of the batch that begins at `start`: whole numbers only. */
static uint64_t batch_end(const struct walk_list *list, uint64_t start)
{
	uint64_t end = start;
	uint64_t next = start;

	while (next < list->count && (end == start || next - start <= BATCH_PAGES)) {
		end = next;
		while (next < list->count &&
		       list->entries[next].number == list->entries[end].number)
			next++;
		if (next - start > BATCH_PAGES && end > start)
			return end;
		end = next;
	}
	return end;
}

static int run_batch(struct image_walk *walk, struct walk_list *list, uint64_t start, uint64_t end)
{
	struct batch *batch = &walk->image->batch;
	int ret = 0;

	batch_clear(batch);
	for (uint64_t i = start; ret == 0 && i < end; i++) {
		if (list->entries[i].place)
			ret = batch_add(batch, format_place_block(list->entries[i].place), i);
	}
	if (ret == 0)
		ret = batch_read(batch, walk->image->offline);
	for (uint64_t i = start, page = 0; ret == 0 && i < end; i++) {
		const struct walk_entry *entry = &list->entries[i];
		const void *data = entry->place ? batch->pages[page++].data : NULL;

		walk->number = entry->number;
		ret = take_leaf(walk, list, entry, data);
		if (ret == 0 && (i + 1 == end || entry[1].number != entry->number))
			ret = run_group(walk);
	}
	return ret;
}

int image_walk(struct image_walk *walk)
{
	struct walk_list list = {0};
	int ret = list_fill(&list, walk->image);
	uint64_t end;

	if (ret == 0)
		ret = list_merge(&list, walk->image);
	walk->by_layer = calloc((size_t)walk->image->record_count + 1, sizeof(struct walk_leaf *));
	if (!walk->by_layer)
		ret = -ENOMEM;
	for (uint64_t at = 0; ret == 0 && at < list.count; at = end) {
		end = batch_end(&list, at);
		ret = run_batch(walk, &list, at, end);
	}
	free(list.entries);
	free(walk->leaves);
	free(walk->by_layer);
	free(walk->scratch);
	return ret;
}
