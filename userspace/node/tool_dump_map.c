/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a volume lies. Neighbouring extents of one layer that lie beside each other on the disk and
 * have the same bits are one run; of each layer one run is open at a time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "node/tool_dump.h"
#include "store/image_walk.h"
#include "store/word.h"

struct map_run {
	uint64_t logical; /* extent of the layer */
	uint64_t count;
	uint64_t word; /* of the first */
	bool is_lost;
};

struct map {
	struct image_walk walk;
	json_t *list;
	bool *is_below;	      /* [layer id]: it is in the volume's chain */
	struct map_run *runs; /* [layer id] */
};

static json_t *bits_json(uint16_t bits)
{
	char text[8];

	(void)snprintf(text, sizeof(text), "%04x", bits);
	return json_string(text);
}

static void run_end(struct map *map, uint32_t layer)
{
	struct map_run *run = &map->runs[layer];
	json_t *item;

	if (run->count == 0)
		return;
	item = json_pack("{s:i, s:I, s:I}", "layer", (int)layer, "extent", (json_int_t)run->logical,
			 "count", (json_int_t)run->count);
	if (run->is_lost) {
		(void)json_object_set_new(item, "is_lost", json_true());
	} else {
		(void)json_object_set_new(item, "place", json_integer(word_place(run->word)));
		(void)json_object_set_new(item, "written", bits_json(word_written(run->word)));
		(void)json_object_set_new(item, "zero", bits_json(word_zero(run->word)));
	}
	(void)json_array_append_new(map->list, item);
	run->count = 0;
}

static bool run_goes_on(const struct map_run *run, uint64_t logical, uint64_t word, bool is_lost)
{
	uint32_t step = word_place(run->word) ? (uint32_t)run->count : 0;

	if (run->count == 0 || run->logical + run->count != logical || run->is_lost != is_lost)
		return false;
	return is_lost || (word_place(word) == word_place(run->word) + step &&
			   (uint32_t)word == (uint32_t)run->word);
}

static void run_add(struct map *map, uint32_t layer, uint64_t logical, uint64_t word, bool is_lost)
{
	struct map_run *run = &map->runs[layer];

	if (!is_lost && word == 0)
		return;
	if (!run_goes_on(run, logical, word, is_lost)) {
		run_end(map, layer);
		*run = (struct map_run){.logical = logical, .word = word, .is_lost = is_lost};
	}
	run->count++;
}

static int map_group(struct image_walk *walk)
{
	struct map *map = container_of(walk, struct map, walk);

	for (uint64_t i = 0; i < walk->count; i++) {
		const struct walk_leaf *leaf = &walk->leaves[i];

		for (unsigned w = 0; map->is_below[leaf->layer->id] && w < FORMAT_WORDS; w++)
			run_add(map, leaf->layer->id, walk->number * FORMAT_WORDS + w,
				walk_word(leaf->final, w), leaf->is_damaged);
	}
	return 0;
}

/* Marks the head layer of this name and all below; false: no such name. */
static bool mark_chain(const struct image *image, const char *name, bool *is_below)
{
	const struct image_layer *layer = NULL;

	for (uint32_t id = 1; id <= image->record_count; id++) {
		const struct format_volume *volume = &image->records[id - 1].volume;
		uint16_t kind = get_le16(&volume->kind);

		if ((kind == FORMAT_RECORD_VOLUME || kind == FORMAT_RECORD_SNAPSHOT) &&
		    strncmp(volume->name, name, sizeof(volume->name)) == 0)
			layer = image_find_layer(image, get_le32(&volume->head));
	}
	if (!layer)
		return false;
	for (; layer && !is_below[layer->id];
	     layer = image_find_layer(image, get_le32(&layer->record.parent)))
		is_below[layer->id] = true;
	return true;
}

/* What an earlier repair gave up is in no leaf. */
static void add_lost(struct map *map, const struct image_layer *layer)
{
	for (uint64_t i = 0; i < layer->tree.lost.count; i++) {
		const struct image_page *lost = &layer->tree.lost.items[i];
		uint64_t count = FORMAT_WORDS;

		for (unsigned level = 0; level < lost->level; level++)
			count *= FORMAT_WORDS;
		(void)json_array_append_new(
			map->list, json_pack("{s:i, s:I, s:I, s:b}", "layer", (int)layer->id,
					     "extent", (json_int_t)lost->index * (json_int_t)count,
					     "count", (json_int_t)count, "is_lost", 1));
	}
}

json_t *dump_map(struct image *image, const char *name)
{
	struct map map = {
		.walk = {.image = image, .on_group = map_group},
		.list = json_array(),
		.is_below = calloc((size_t)image->record_count + 1, sizeof(bool)),
		.runs = calloc((size_t)image->record_count + 1, sizeof(struct map_run)),
	};
	bool is_done = map.is_below && map.runs && mark_chain(image, name, map.is_below) &&
		       image_walk(&map.walk) == 0;

	for (uint32_t id = 1; is_done && id <= image->record_count; id++) {
		run_end(&map, id);
		if (map.is_below[id])
			add_lost(&map, image->layers[id]);
	}
	if (!is_done) {
		json_decref(map.list);
		map.list = NULL;
	}
	free(map.is_below);
	free(map.runs);
	return map.list;
}

json_t *dump_journal(const struct image *image)
{
	json_t *list = json_array();

	for (uint64_t i = 0; i < image->change_count; i++) {
		const struct image_change *change = &image->changes[i];
		json_t *item = json_pack("{s:i, s:i, s:I}", "order", (int)change->order, "layer",
					 (int)change->layer, "extent",
					 (json_int_t)change->leaf * FORMAT_WORDS + change->index);

		if (change->kind == IMAGE_DROP) {
			(void)json_object_set_new(item, "drops_leaf",
						  json_integer((json_int_t)change->leaf));
		} else {
			(void)json_object_set_new(item, "place",
						  json_integer(word_place(change->word)));
			(void)json_object_set_new(item, "written",
						  bits_json(word_written(change->word)));
			(void)json_object_set_new(item, "zero", bits_json(word_zero(change->word)));
		}
		(void)json_array_append_new(list, item);
	}
	return list;
}
