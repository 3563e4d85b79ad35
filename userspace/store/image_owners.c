/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The claim is told from a word that only stayed as it was by comparing with the checkpoint's. */
#include "store/image_owners.h"

#include <stdlib.h>

#include "base/compiler.h"
#include "store/array.h"
#include "store/image_walk.h"
#include "store/word.h"

struct search {
	struct image_walk walk;
	const uint32_t *places;
	uint64_t count;
	struct image_owners *owners;
};

static int compare_places(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a;
	uint32_t right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

static int compare_owners(const void *a, const void *b)
{
	const struct image_owner *left = a;
	const struct image_owner *right = b;

	if (left->place != right->place)
		return left->place < right->place ? -1 : 1;
	return (left->claimed_at < right->claimed_at) - (left->claimed_at > right->claimed_at);
}

/* When the journal gave the word its present place; 0: it did not. */
static uint64_t find_claim(const struct search *search, const struct walk_leaf *leaf,
			   unsigned index, uint32_t place)
{
	const struct image *image = search->walk.image;
	uint32_t before = leaf->layer->since ? 0 : word_place(walk_word(leaf->base, index));
	uint64_t claimed_at = 0;

	for (uint64_t i = 0; i < leaf->change_count; i++) {
		const struct image_change *change = &image->changes[leaf->first_change + i];
		bool is_drop = change->kind == IMAGE_DROP;

		if (change->order < leaf->layer->since || (!is_drop && change->index != index))
			continue;
		if (!is_drop && word_place(change->word) == place && before != place)
			claimed_at = (uint64_t)change->order + 1;
		before = is_drop ? 0 : word_place(change->word);
	}
	return claimed_at;
}

static int search_leaf(struct search *search, const struct walk_leaf *leaf)
{
	struct image_owners *owners = search->owners;

	for (unsigned i = 0; leaf->final && i < FORMAT_WORDS; i++) {
		uint32_t place = word_place(walk_word(leaf->final, i));
		int ret;

		if (!place ||
		    !bsearch(&place, search->places, search->count, sizeof(place), compare_places))
			continue;
		ret = array_reserve(&owners->items, &owners->capacity, owners->count + 1,
				    sizeof(*owners->items));
		if (ret != 0)
			return ret;
		owners->items[owners->count++] = (struct image_owner){
			.place = place,
			.layer = leaf->layer->id,
			.leaf = search->walk.number,
			.index = i,
			.claimed_at = find_claim(search, leaf, i, place),
		};
	}
	return 0;
}

static int search_group(struct image_walk *walk)
{
	struct search *search = container_of(walk, struct search, walk);
	int ret = 0;

	for (uint64_t i = 0; ret == 0 && i < walk->count; i++)
		ret = search_leaf(search, &walk->leaves[i]);
	return ret;
}

int image_owners_find(struct image *image, uint32_t *places, uint64_t count,
		      struct image_owners *out_owners)
{
	struct search search = {
		.walk = {.image = image, .on_group = search_group, .is_silent = true},
		.places = places,
		.count = count,
		.owners = out_owners,
	};
	int ret;

	qsort(places, count, sizeof(*places), compare_places);
	ret = image_walk(&search.walk);
	if (ret == 0 && out_owners->count > 1)
		qsort(out_owners->items, out_owners->count, sizeof(*out_owners->items),
		      compare_owners);
	return ret;
}

void image_owners_fini(struct image_owners *owners)
{
	free(owners->items);
	*owners = (struct image_owners){0};
}
