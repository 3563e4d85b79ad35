/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree is read from its root down, one level at a time, many pages at a time. What is damaged
 * is noted by level and index, so that exactly what lies below it is lost.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "store/array.h"
#include "store/image.h"

unsigned image_height(uint64_t leaf_count)
{
	unsigned height = 1;

	for (uint64_t pages = (leaf_count + FORMAT_WORDS - 1) / FORMAT_WORDS; pages > 1;
	     pages = (pages + FORMAT_WORDS - 1) / FORMAT_WORDS)
		height++;
	return height;
}

uint64_t image_level_count(uint64_t leaf_count, unsigned level)
{
	while (level-- > 0)
		leaf_count = (leaf_count + FORMAT_WORDS - 1) / FORMAT_WORDS;
	return leaf_count;
}

int image_add_page(struct image_pages *pages, uint64_t index, uint64_t place, unsigned level)
{
	int ret = array_reserve(&pages->items, &pages->capacity, pages->count + 1,
				sizeof(*pages->items));

	if (ret == 0)
		pages->items[pages->count++] = (struct image_page){
			.index = index, .place = place, .level = (uint16_t)level};
	return ret;
}

void image_tree_fini(struct image_tree *tree)
{
	free(tree->leaves.items);
	free(tree->index.items);
	free(tree->lost.items);
	*tree = (struct image_tree){0};
}

static enum finding_kind tree_finding(const struct image_tree *tree, unsigned level)
{
	if (tree->leaf_kind == FORMAT_BITMAP)
		return FINDING_BITMAP;
	if (tree->leaf_kind == FORMAT_CATALOGUE)
		return FINDING_CATALOGUE;
	return level == 0 ? FINDING_LEAF : FINDING_INDEX;
}

static int tree_lose(struct image *image, struct image_tree *tree, const struct image_page *page,
		     const char *why)
{
	tree->damaged++;
	image_note(image, tree_finding(tree, page->level),
		   format_place_block(page->place) * FORMAT_BLOCK_BYTES, "%s", why);
	return image_add_page(&tree->lost, page->index, page->place, page->level);
}

/* A place in an index page, or the root. A page found lost before is no news. */
static int tree_add(struct image *image, struct image_tree *tree, struct image_pages *pages,
		    const struct image_page *page)
{
	uint64_t block = format_place_block(page->place);
	struct error error;

	if (page->place == FORMAT_PLACE_LOST)
		return image_add_page(&tree->lost, page->index, page->place, page->level);
	if (geometry_is_slot_block(&image->geometry, block) ||
	    geometry_is_data(&image->geometry, block / EXTENT_BLOCKS))
		return image_add_page(pages, page->index, page->place, page->level);
	(void)error_set(&error, -ENODATA,
			"page %" PRIu64 " of level %u of %s %" PRIu64
			" should be at this byte, where no metadata can be",
			page->index, page->level, tree->leaf_kind == FORMAT_LEAF ? "layer" : "tree",
			tree->owner); /* returns the code */
	return tree_lose(image, tree, page, error.text);
}

/* The pages that an index page points to. */
static int tree_take_index(struct image *image, struct image_tree *tree,
			   const struct image_page *page, const struct format_words *data,
			   struct image_pages *below)
{
	uint64_t count = image_level_count(tree->leaf_count, page->level - 1u);
	int ret = image_add_page(&tree->index, page->index, page->place, page->level);

	for (uint64_t i = 0; ret == 0 && i < FORMAT_WORDS; i++) {
		const struct image_page child = {
			.index = page->index * FORMAT_WORDS + i,
			.place = get_le64(&data->words[i]),
			.level = (uint16_t)(page->level - 1),
		};

		if (child.place && child.index < count)
			ret = tree_add(image, tree, below, &child);
		else if (child.place)
			image_note(image, tree_finding(tree, page->level),
				   format_place_block(page->place) * FORMAT_BLOCK_BYTES,
				   "index page %" PRIu64 " of layer %" PRIu64
				   " has a page past the end of its tree",
				   page->index, tree->owner);
	}
	return ret;
}

static int tree_check_page(const struct image *image, const struct image_tree *tree,
			   const struct image_page *page, const void *data, struct error *err)
{
	const struct format_identity identity = {
		.kind = page->level == 0 ? tree->leaf_kind : FORMAT_INDEX,
		.level = page->level,
		.block = format_place_block(page->place),
		.owner = tree->owner,
		.index = page->index,
	};

	if (!data)
		return error_set(err, -EIO, "the disk cannot read page %" PRIu64 " of level %u",
				 page->index, page->level);
	return format_check_place(data, page->place, &identity, &image->uuid, err);
}

/* Pages of one level; those below them (or the leaves' content) go where they belong. */
static int tree_read_level(struct image *image, struct image_tree *tree,
			   const struct image_pages *pages, struct image_pages *below,
			   int (*on_leaf)(struct image *image, uint64_t index, const void *data))
{
	struct batch *batch = &image->batch;
	int ret = 0;

	for (uint64_t at = 0; ret == 0 && at < pages->count; at += BATCH_PAGES) {
		uint64_t count = MIN(pages->count - at, (uint64_t)BATCH_PAGES);

		batch_clear(batch);
		for (uint64_t i = 0; ret == 0 && i < count; i++)
			ret = batch_add(batch, format_place_block(pages->items[at + i].place), i);
		if (ret == 0)
			ret = batch_read(batch, image->offline);
		for (uint64_t i = 0; ret == 0 && i < count; i++) {
			const struct image_page *page = &pages->items[at + i];
			const void *data = batch->pages[i].data;
			struct error error;

			if (tree_check_page(image, tree, page, data, &error) != 0)
				ret = tree_lose(image, tree, page, error.text);
			else if (below)
				ret = tree_take_index(image, tree, page, data, below);
			else if (on_leaf)
				ret = on_leaf(image, page->index, data);
		}
	}
	return ret;
}

int image_read_below(struct image *image, struct image_tree *tree, struct image_pages *pages,
		     unsigned level)
{
	int ret = 0;

	for (; ret == 0 && level > 0; level--) {
		struct image_pages below = {0};

		ret = tree_read_level(image, tree, pages, level == 1 ? &tree->leaves : &below,
				      NULL);
		free(pages->items);
		*pages = below;
	}
	free(pages->items);
	*pages = (struct image_pages){0};
	return ret;
}

/* `on_leaf` NULL: the leaves are only listed. */
int image_read_tree(struct image *image, struct image_tree *tree,
		    int (*on_leaf)(struct image *image, uint64_t index, const void *data))
{
	struct image_pages pages = {0};
	const struct image_page root = {
		.place = tree->root,
		.level = (uint16_t)image_height(tree->leaf_count),
	};
	int ret = tree->root ? tree_add(image, tree, &pages, &root) : 0;

	if (ret == 0)
		ret = image_read_below(image, tree, &pages, root.level);
	free(pages.items);
	if (ret == 0 && on_leaf)
		ret = tree_read_level(image, tree, &tree->leaves, NULL, on_leaf);
	return ret;
}
