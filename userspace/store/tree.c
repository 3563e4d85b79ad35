/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Levels are plain arrays of pages: page n of a level has its place in page n/504 above. */
#include "store/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static uint64_t pages_for(uint64_t children)
{
	return (children + FORMAT_WORDS - 1) / FORMAT_WORDS;
}

static unsigned height_for(uint64_t leaf_count)
{
	unsigned height = 1;

	for (uint64_t pages = pages_for(leaf_count); pages > 1; pages = pages_for(pages))
		height++;
	return height;
}

int tree_init(struct tree *tree, uint64_t owner, uint64_t leaf_count)
{
	int ret;

	*tree = (struct tree){.owner = owner};
	ret = tree_grow(tree, leaf_count);
	if (ret != 0)
		tree_fini(tree);
	return ret;
}

void tree_fini(struct tree *tree)
{
	for (unsigned level = 0; level < FORMAT_TREE_LEVELS; level++) {
		for (uint64_t i = 0; i < tree->levels[level].count; i++)
			free(tree->levels[level].pages[i]);
		free(tree->levels[level].pages);
	}
	*tree = (struct tree){0};
}

static int level_grow(struct tree_level *level, uint64_t count)
{
	struct tree_page **pages;

	if (count <= level->count)
		return 0;
	pages = realloc(level->pages, count * sizeof(struct tree_page *));
	if (!pages)
		return -ENOMEM;
	memset(pages + level->count, 0, (count - level->count) * sizeof(*pages));
	level->pages = pages;
	level->count = count;
	return 0;
}

/* The page, made if it is missing; NULL: no memory. */
static struct tree_page *page_make(struct tree *tree, unsigned level, uint64_t index)
{
	struct tree_page **page = &tree->levels[level].pages[index];

	if (!*page)
		*page = calloc(1, sizeof(**page));
	return *page;
}

/* A higher tree has its old root as the first page below the new one. */
static int tree_raise(struct tree *tree, unsigned height)
{
	for (; tree->height < height; tree->height++) {
		struct tree_page *old = tree->levels[tree->height - 1].pages[0];
		struct tree_page *root;

		if (!old)
			continue;
		root = page_make(tree, tree->height, 0);
		if (!root)
			return -ENOMEM;
		put_le64(&root->image.words[0], old->place);
		root->is_dirty = true;
		tree->is_dirty = true;
	}
	return 0;
}

int tree_grow(struct tree *tree, uint64_t leaf_count)
{
	unsigned height = height_for(leaf_count);
	uint64_t count = leaf_count;

	assert(height <= FORMAT_TREE_LEVELS && leaf_count >= tree->leaf_count);
	for (unsigned level = 0; level < height; level++) {
		count = pages_for(count);
		if (level_grow(&tree->levels[level], count ? count : 1) != 0)
			return -ENOMEM;
	}
	if (tree->height > 0 && tree_raise(tree, height) != 0)
		return -ENOMEM;
	tree->height = height;
	tree->leaf_count = leaf_count;
	return 0;
}

uint64_t tree_place(const struct tree *tree, uint64_t leaf)
{
	const struct tree_page *page;

	assert(leaf < tree->leaf_count);
	page = tree->levels[0].pages[leaf / FORMAT_WORDS];
	return page ? get_le64(&page->image.words[leaf % FORMAT_WORDS]) : 0;
}

uint64_t tree_find(const struct tree *tree, uint64_t start)
{
	for (uint64_t leaf = start; leaf < tree->leaf_count; leaf++) {
		if (!tree->levels[0].pages[leaf / FORMAT_WORDS])
			leaf += FORMAT_WORDS - 1 - leaf % FORMAT_WORDS;
		else if (tree_place(tree, leaf))
			return leaf;
	}
	return tree->leaf_count;
}

int tree_touch(struct tree *tree, uint64_t leaf)
{
	uint64_t index = leaf;

	assert(leaf < tree->leaf_count);
	for (unsigned level = 0; level < tree->height; level++) {
		struct tree_page *page;

		index /= FORMAT_WORDS;
		page = page_make(tree, level, index);
		if (!page)
			return -ENOMEM;
		page->is_dirty = true;
	}
	tree->is_dirty = true;
	return 0;
}

void tree_set(struct tree *tree, uint64_t leaf, uint64_t place)
{
	struct tree_page *page = tree->levels[0].pages[leaf / FORMAT_WORDS];

	assert(page && page->is_dirty);
	put_le64(&page->image.words[leaf % FORMAT_WORDS], place);
}

static int page_assign(struct tree_page *page, struct slot_map *slots)
{
	uint64_t slot;
	int ret = slot_map_take(slots, 0, &slot);

	if (ret != 0)
		return ret;
	page->new_block = geometry_slot_block(slot);
	page->has_new_block = true;
	if (page->place)
		slot_map_drop(slots, geometry_block_slot(format_place_block(page->place)));
	return 0;
}

int tree_assign(struct tree *tree, struct slot_map *slots)
{
	if (!tree->is_dirty)
		return 0;
	for (unsigned level = 0; level < tree->height; level++) {
		for (uint64_t i = 0; i < tree->levels[level].count; i++) {
			struct tree_page *page = tree->levels[level].pages[i];
			int ret;

			if (!page || !page->is_dirty || page->has_new_block)
				continue;
			ret = page_assign(page, slots);
			if (ret != 0)
				return ret;
		}
	}
	return 0;
}

static int page_encode(struct tree *tree, unsigned level, uint64_t index, const struct uuid *pool,
		       uint64_t generation, struct page_list *list)
{
	struct tree_page *page = tree->levels[level].pages[index];
	const struct format_identity identity = {
		.kind = FORMAT_INDEX,
		.level = (uint16_t)(level + 1),
		.block = page->new_block,
		.owner = tree->owner,
		.index = index,
	};

	assert(page->has_new_block);
	format_seal(&page->image, &identity, pool, generation, 0);
	if (!page_list_add(list, page->new_block, &page->image))
		return -ENOMEM;
	page->place = format_place_of(&page->image);
	page->has_new_block = false;
	page->is_dirty = false;
	if (level + 1 < tree->height) {
		struct tree_page *above = tree->levels[level + 1].pages[index / FORMAT_WORDS];

		assert(above && above->is_dirty);
		put_le64(&above->image.words[index % FORMAT_WORDS], page->place);
	}
	return 0;
}

int tree_encode(struct tree *tree, const struct uuid *pool, uint64_t generation,
		struct page_list *list, uint64_t *out_root)
{
	for (unsigned level = 0; tree->is_dirty && level < tree->height; level++) {
		for (uint64_t i = 0; i < tree->levels[level].count; i++) {
			struct tree_page *page = tree->levels[level].pages[i];
			int ret;

			if (!page || !page->is_dirty)
				continue;
			ret = page_encode(tree, level, i, pool, generation, list);
			if (ret != 0)
				return ret;
		}
	}
	tree->is_dirty = false;
	*out_root = tree_root(tree);
	return 0;
}

uint64_t tree_root(const struct tree *tree)
{
	const struct tree_page *root = tree->levels[tree->height - 1].pages[0];

	return root ? root->place : 0;
}

void tree_drop(struct tree *tree, struct slot_map *slots)
{
	for (unsigned level = 0; level < tree->height; level++) {
		for (uint64_t i = 0; i < tree->levels[level].count; i++) {
			struct tree_page *page = tree->levels[level].pages[i];

			if (page && page->place)
				slot_map_drop(slots,
					      geometry_block_slot(format_place_block(page->place)));
			free(page);
			tree->levels[level].pages[i] = NULL;
		}
	}
	tree->is_dirty = false;
}

struct tree_page *tree_load(struct tree *tree, unsigned level, uint64_t index, uint64_t place)
{
	struct tree_page *page;

	if (level >= tree->height || index >= tree->levels[level].count)
		return NULL;
	page = page_make(tree, level, index);
	if (page)
		page->place = place;
	return page;
}
