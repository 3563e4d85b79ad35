/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page whose place was in a damaged page is not lost with it: its header says whose it is and
 * which, and the bitmap says that its slot is in use, which no old version's is. So a live slot
 * that no tree reaches holds exactly a page that some damaged one pointed to. Two that claim to be
 * the same page prove nothing, and neither of them counts.
 *
 * Where all such slots could be read, a page that is not among them did not exist. Where one could
 * not (or a bitmap page could not, or metadata lies in data extents, whose blocks have no bits),
 * what is missing is lost.
 *
 * Of layers whose records are lost, the tree is found in the same way. What such a layer lies
 * over nobody knows: it gets a parent that is not there, which a repair makes a lost one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "store/array.h"
#include "store/image.h"
#include "store/volume.h"

#define NO_SUCH_LAYER UINT32_MAX

struct orphan {
	uint64_t owner;
	uint64_t index;
	uint64_t place;
	uint16_t kind;
	uint16_t level;
};

struct salvage {
	struct image *image;
	uint64_t *reached; /* slots */
	struct orphan *orphans;
	uint64_t count;
	uint64_t capacity;
	bool is_complete; /* no other page can have been there */
};

static int compare_orphans(const void *a, const void *b)
{
	const struct orphan *left = a;
	const struct orphan *right = b;

	if (left->owner != right->owner)
		return left->owner < right->owner ? -1 : 1;
	if (left->level != right->level)
		return left->level < right->level ? -1 : 1;
	return (left->index > right->index) - (left->index < right->index);
}

static void reach_pages(struct salvage *salvage, const struct image_pages *pages)
{
	for (uint64_t i = 0; i < pages->count; i++) {
		uint64_t block = format_place_block(pages->items[i].place);

		if (geometry_is_slot_block(&salvage->image->geometry, block))
			bitmap_set(salvage->reached, geometry_block_slot(block));
		else if (pages->items[i].place != FORMAT_PLACE_LOST)
			salvage->is_complete = false;
	}
}

static void reach_tree(struct salvage *salvage, const struct image_tree *tree)
{
	reach_pages(salvage, &tree->index);
	reach_pages(salvage, &tree->leaves);
	reach_pages(salvage, &tree->lost);
}

/* A live slot that no tree reaches: its page, if it is one. */
static int take_orphan(struct salvage *salvage, const struct batch_page *page)
{
	const struct format_header *header = page->data;
	struct orphan *orphan;

	if (!page->data || !format_is_intact(page->data) ||
	    get_le64(&header->block) != page->block ||
	    memcmp(header->pool, salvage->image->uuid.bytes, sizeof(header->pool)) != 0) {
		salvage->is_complete = false;
		return 0;
	}
	if (array_reserve(&salvage->orphans, &salvage->capacity, salvage->count + 1,
			  sizeof(*salvage->orphans)) != 0)
		return -ENOMEM;
	orphan = &salvage->orphans[salvage->count++];
	*orphan = (struct orphan){
		.owner = get_le64(&header->owner),
		.index = get_le64(&header->index),
		.place = format_place_of(page->data),
		.kind = get_le16(&header->kind),
		.level = get_le16(&header->level),
	};
	return 0;
}

static int read_orphans(struct salvage *salvage)
{
	struct batch *batch = &salvage->image->batch;
	int ret = batch_read(batch, salvage->image->offline);

	for (uint64_t i = 0; ret == 0 && i < batch->count; i++)
		ret = take_orphan(salvage, &batch->pages[i]);
	batch_clear(batch);
	return ret;
}

static int find_orphans(struct salvage *salvage)
{
	const struct image *image = salvage->image;
	uint64_t end = geometry_slot_end(&image->geometry);
	int ret = 0;

	batch_clear(&salvage->image->batch);
	for (uint64_t slot = 0; ret == 0 && slot < end; slot++) {
		if (bitmap_has(image->bad_regions, slot / FORMAT_REGION_SLOTS))
			salvage->is_complete = false;
		else if (bitmap_has(image->slots, slot) && !bitmap_has(salvage->reached, slot) &&
			 geometry_is_slot(&image->geometry, slot))
			ret = batch_add(&salvage->image->batch, geometry_slot_block(slot), 0);
		if (ret == 0 && salvage->image->batch.count == BATCH_PAGES)
			ret = read_orphans(salvage);
	}
	if (ret == 0)
		ret = read_orphans(salvage);
	if (salvage->count > 1)
		qsort(salvage->orphans, salvage->count, sizeof(*salvage->orphans), compare_orphans);
	return ret;
}

/* The page of that name; NULL: there is none, or more than one. */
static const struct orphan *find_page(const struct salvage *salvage, uint64_t owner, unsigned level,
				      uint64_t index)
{
	const struct orphan key = {.owner = owner, .level = (uint16_t)level, .index = index};
	const struct orphan *found = salvage->count == 0
					     ? NULL
					     : bsearch(&key, salvage->orphans, salvage->count,
						       sizeof(*salvage->orphans), compare_orphans);
	const struct orphan *end = salvage->orphans + salvage->count;

	if (!found || (found > salvage->orphans && compare_orphans(found - 1, &key) == 0) ||
	    (found + 1 < end && compare_orphans(found + 1, &key) == 0))
		return NULL;
	return found;
}

/* True if two pages claim to be this one. */
static bool is_disputed(const struct salvage *salvage, uint64_t owner, unsigned level,
			uint64_t index)
{
	const struct orphan key = {.owner = owner, .level = (uint16_t)level, .index = index};

	return !find_page(salvage, owner, level, index) && salvage->count > 0 &&
	       bsearch(&key, salvage->orphans, salvage->count, sizeof(*salvage->orphans),
		       compare_orphans);
}

/* The children of one lost index page, and all below them. */
static int salvage_index(struct salvage *salvage, struct image_tree *tree,
			 const struct image_page *lost)
{
	unsigned level = lost->level - 1u;
	uint64_t end =
		MIN((lost->index + 1) * FORMAT_WORDS, image_level_count(tree->leaf_count, level));
	struct image_pages found = {0};
	int ret = 0;

	for (uint64_t i = lost->index * FORMAT_WORDS; ret == 0 && i < end; i++) {
		const struct orphan *orphan = find_page(salvage, tree->owner, level, i);

		if (orphan) {
			salvage->image->salvaged++;
			ret = image_add_page(level == 0 ? &tree->leaves : &found, i, orphan->place,
					     level);
		} else if (!salvage->is_complete || is_disputed(salvage, tree->owner, level, i)) {
			ret = image_add_page(&tree->lost, i, FORMAT_PLACE_LOST, level);
		}
	}
	if (ret == 0)
		ret = image_read_below(salvage->image, tree, &found, level);
	free(found.items);
	return ret;
}

static int compare_pages(const void *a, const void *b)
{
	const struct image_page *left = a;
	const struct image_page *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

/* Index pages that are damaged; those that an earlier repair gave up stay given up. */
static int salvage_tree(struct salvage *salvage, struct image_tree *tree)
{
	uint64_t kept = 0;
	int ret = 0;

	for (uint64_t i = 0; ret == 0 && i < tree->lost.count; i++) {
		const struct image_page lost = tree->lost.items[i];

		if (lost.level == 0 || lost.place == FORMAT_PLACE_LOST)
			tree->lost.items[kept++] = lost;
		else
			ret = salvage_index(salvage, tree, &lost);
	}
	tree->lost.count = kept;
	if (tree->leaves.count > 1)
		qsort(tree->leaves.items, tree->leaves.count, sizeof(*tree->leaves.items),
		      compare_pages);
	return ret;
}

static bool is_damaged_itself(const struct image_tree *tree, uint64_t index)
{
	for (uint64_t i = 0; i < tree->lost.count; i++) {
		if (tree->lost.items[i].level == 0 && tree->lost.items[i].index == index)
			return true;
	}
	return false;
}

static int take_catalogue_page(struct salvage *salvage, uint64_t index, const struct orphan *orphan)
{
	_Alignas(FORMAT_BLOCK_BYTES) struct format_catalogue page;
	struct image *image = salvage->image;
	int ret;

	if (offline_read(image->offline, format_place_block(orphan->place), &page) != 0)
		return 0;
	image->salvaged++;
	bitmap_clear(image->bad_pages, index);
	image_take_catalogue(image, index, &page);
	ret = image_add_page(&image->catalogue.leaves, index, orphan->place, 0);
	for (uint32_t i = 0; ret == 0 && i < FORMAT_RECORDS; i++) {
		if (get_le16(&page.records[i].kind) == FORMAT_RECORD_LAYER)
			ret = image_read_layer(image, (uint32_t)index * FORMAT_RECORDS + i + 1);
	}
	return ret;
}

/* Pages of the catalogue whose place is lost; what they say counts as if it had been found. */
static int salvage_catalogue(struct salvage *salvage)
{
	struct image *image = salvage->image;
	int ret = 0;

	for (uint64_t i = 0; ret == 0 && i < image->catalogue.leaf_count; i++) {
		const struct orphan *orphan = find_page(salvage, FORMAT_OWNER_CATALOGUE, 0, i);

		if (!bitmap_has(image->bad_pages, i) || is_damaged_itself(&image->catalogue, i))
			continue;
		if (orphan)
			ret = take_catalogue_page(salvage, i, orphan);
		else if (salvage->is_complete &&
			 !is_disputed(salvage, FORMAT_OWNER_CATALOGUE, 0, i))
			bitmap_clear(image->bad_pages, i); /* never written */
	}
	return ret;
}

/* The topmost page of a layer whose record is lost; NULL: it has none, or it cannot be told. */
static const struct orphan *find_root(const struct salvage *salvage, uint32_t id)
{
	for (unsigned level = FORMAT_TREE_LEVELS; level > 0; level--) {
		if (find_page(salvage, id, level, 0))
			return find_page(salvage, id, level, 0);
		if (is_disputed(salvage, id, level, 0))
			return NULL;
	}
	return NULL;
}

/* A layer of a lost catalogue page, as large as its tree can be. */
static int salvage_layer(struct salvage *salvage, uint32_t id)
{
	const struct orphan *root = find_root(salvage, id);
	struct format_layer *layer = &salvage->image->records[id - 1].layer;
	uint64_t leaf_count = 1;

	if (!root)
		return 0;
	for (unsigned level = 0; level < root->level; level++)
		leaf_count *= FORMAT_WORDS;
	salvage->image->salvaged++;
	put_le16(&layer->kind, FORMAT_RECORD_LAYER);
	put_le16(&layer->flags, FORMAT_LAYER_UNCOUNTED);
	put_le32(&layer->parent, NO_SUCH_LAYER);
	put_le64(&layer->leaf_count, MIN(leaf_count, geometry_leaf_count(VOLUME_SIZE_MAX_BYTES)));
	put_le64(&layer->root, root->place);
	return image_read_layer(salvage->image, id);
}

static int salvage_run(struct salvage *salvage)
{
	struct image *image = salvage->image;
	int ret = find_orphans(salvage);

	if (ret == 0)
		ret = salvage_catalogue(salvage);
	for (uint32_t id = 1; ret == 0 && id <= image->record_count; id++) {
		uint64_t page = (id - 1) / FORMAT_RECORDS;

		if (page < image->catalogue.leaf_count && bitmap_has(image->bad_pages, page))
			ret = salvage_layer(salvage, id);
		if (ret == 0 && image->layers[id] && image->layers[id]->tree.damaged > 0)
			ret = salvage_tree(salvage, &image->layers[id]->tree);
	}
	return ret;
}

int image_salvage(struct image *image)
{
	struct salvage salvage = {.image = image, .is_complete = true};
	bool is_needed = image->catalogue.damaged > 0;
	int ret = -ENOMEM;

	salvage.reached = calloc(geometry_region_count(&image->geometry) * FORMAT_REGION_SLOTS / 64,
				 sizeof(uint64_t));
	if (salvage.reached) {
		reach_tree(&salvage, &image->bitmaps);
		reach_tree(&salvage, &image->catalogue);
		for (uint32_t id = 1; id <= image->record_count; id++) {
			if (!image->layers[id])
				continue;
			reach_tree(&salvage, &image->layers[id]->tree);
			is_needed |= image->layers[id]->tree.damaged > 0;
		}
		ret = is_needed ? salvage_run(&salvage) : 0;
	}
	free(salvage.reached);
	free(salvage.orphans);
	return ret;
}
