/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A radix tree with 504 branches. The number of a page within its level, written to the base of
 * 504, is the way to it. Where the functions call themselves it is once a level, of which there are
 * at most four.
 */
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

/* Leaves under one branch of a page of this level. */
static uint64_t branch_leaves(unsigned level)
{
	static const uint64_t leaves[FORMAT_TREE_LEVELS] = {
		1, FORMAT_WORDS, (uint64_t)FORMAT_WORDS * FORMAT_WORDS,
		(uint64_t)FORMAT_WORDS * FORMAT_WORDS * FORMAT_WORDS};

	return leaves[level];
}

static unsigned branch_of(uint64_t leaf, unsigned level)
{
	return (unsigned)(leaf / branch_leaves(level) % FORMAT_WORDS);
}

void tree_dirt_init(struct tree_dirt *dirt)
{
	*dirt = (struct tree_dirt){0};
	list_init(&dirt->trees);
}

int tree_init(struct tree *tree, uint64_t owner, uint64_t leaf_count)
{
	*tree = (struct tree){.owner = owner};
	list_node_init(&tree->dirt_link);
	return tree_grow(tree, leaf_count);
}

static void page_set_dirty(struct tree *tree, struct tree_page *page)
{
	if (page->is_dirty)
		return;
	page->is_dirty = true;
	tree->dirty_pages++;
	if (!tree->dirt)
		return;
	tree->dirt->pages++;
	if (tree->dirty_pages == 1)
		list_append(&tree->dirt->trees, &tree->dirt_link);
}

static void page_set_clean(struct tree *tree, struct tree_page *page)
{
	if (!page->is_dirty)
		return;
	page->is_dirty = false;
	tree->dirty_pages--;
	if (!tree->dirt)
		return;
	tree->dirt->pages--;
	if (tree->dirty_pages == 0)
		list_remove(&tree->dirt_link);
}

static struct tree_page *page_new(unsigned level)
{
	struct tree_page *page = calloc(1, sizeof(*page));

	if (!page || level == 0)
		return page;
	page->below = calloc(FORMAT_WORDS, sizeof(struct tree_page *));
	if (page->below)
		return page;
	free(page);
	return NULL;
}

/* The page and all below it; their slots are dropped if `slots` is not NULL. */
static void page_free(struct tree *tree, struct tree_page *page, struct slot_map *slots)
{
	if (!page)
		return;
	for (unsigned i = 0; page->below && i < FORMAT_WORDS; i++)
		page_free(tree, page->below[i], slots);
	if (slots)
		slot_map_drop_place(slots, page->place);
	page_set_clean(tree, page);
	free(page->below);
	free(page);
}

void tree_fini(struct tree *tree)
{
	page_free(tree, tree->root, NULL);
	*tree = (struct tree){0};
}

void tree_join(struct tree *tree, struct tree_dirt *dirt)
{
	assert(!tree->dirt && tree->dirty_pages == 0);
	tree->dirt = dirt;
}

/* A higher tree has its old root as the first page below the new one. */
static int tree_raise(struct tree *tree)
{
	struct tree_page *root;

	if (tree->root) {
		root = page_new(tree->height);
		if (!root)
			return -ENOMEM;
		assert(root->below); /* only pages just above the leaves have none */
		root->below[0] = tree->root;
		put_le64(&root->image.words[0], tree->root->place);
		tree->root = root;
		page_set_dirty(tree, root);
	}
	tree->height++;
	return 0;
}

int tree_grow(struct tree *tree, uint64_t leaf_count)
{
	unsigned height = height_for(leaf_count);

	assert(height <= FORMAT_TREE_LEVELS && leaf_count >= tree->leaf_count);
	while (tree->height < height) {
		if (tree_raise(tree) != 0)
			return -ENOMEM;
	}
	tree->leaf_count = leaf_count;
	return 0;
}

/* The page of this level on the way to a leaf; NULL: there is none. */
static struct tree_page *tree_page(const struct tree *tree, unsigned level, uint64_t leaf)
{
	struct tree_page *page = tree->root;

	for (unsigned at = tree->height - 1; page && at > level; at--)
		page = page->below[branch_of(leaf, at)];
	return page;
}

uint64_t tree_place(const struct tree *tree, uint64_t leaf)
{
	const struct tree_page *page = tree->root;
	uint64_t place = 0;

	assert(leaf < tree->leaf_count);
	for (unsigned level = tree->height; page && level-- > 0;) {
		place = get_le64(&page->image.words[branch_of(leaf, level)]);
		if (level > 0)
			page = page->below[branch_of(leaf, level)];
		if (level > 0 && !page)
			return place == FORMAT_PLACE_LOST ? place : 0;
	}
	return place;
}

/*
 * As tree_find, below one page whose first leaf is `first`; UINT64_MAX: none. Where an index page
 * is lost, so are all leaves below it: each has a place, which is lost.
 */
static uint64_t page_find(const struct tree_page *page, unsigned level, uint64_t first,
			  uint64_t start)
{
	const uint64_t branch = branch_leaves(level);
	unsigned i = start > first ? (unsigned)((start - first) / branch) : 0;

	for (; i < FORMAT_WORDS; i++) {
		uint64_t leaf = first + i * branch;

		if (level == 0 && page->image.words[i])
			return leaf;
		if (level > 0 && page->below[i]) {
			uint64_t found = page_find(page->below[i], level - 1, leaf, start);

			if (found != UINT64_MAX)
				return found;
		} else if (get_le64(&page->image.words[i]) == FORMAT_PLACE_LOST) {
			return leaf > start ? leaf : start;
		}
	}
	return UINT64_MAX;
}

uint64_t tree_find(const struct tree *tree, uint64_t start)
{
	uint64_t leaf = UINT64_MAX;

	if (tree->root && start < tree->leaf_count)
		leaf = page_find(tree->root, tree->height - 1, 0, start);
	return leaf < tree->leaf_count ? leaf : tree->leaf_count;
}

uint64_t tree_skip(const struct tree *tree, uint64_t start)
{
	const uint64_t page = FORMAT_WORDS;
	uint64_t leaf = start;

	while (leaf < tree->leaf_count && !tree_page(tree, 0, leaf) && !tree_place(tree, leaf)) {
		unsigned level = 1;

		/* The largest branch that is missing. */
		while (level < tree->height && !tree_page(tree, level, leaf))
			level++;
		leaf = (leaf / (branch_leaves(level - 1) * page) + 1) * branch_leaves(level - 1) *
		       page;
	}
	return leaf < tree->leaf_count ? leaf : tree->leaf_count;
}

int tree_touch(struct tree *tree, uint64_t leaf)
{
	struct tree_page **page = &tree->root;

	assert(leaf < tree->leaf_count);
	for (unsigned level = tree->height; level-- > 0;) {
		if (!*page)
			*page = page_new(level);
		if (!*page)
			return -ENOMEM;
		page_set_dirty(tree, *page);
		if (level > 0)
			page = &(*page)->below[branch_of(leaf, level)];
	}
	return 0;
}

void tree_set(struct tree *tree, uint64_t leaf, uint64_t place)
{
	struct tree_page *page = tree_page(tree, 0, leaf);

	assert(page && page->is_dirty);
	put_le64(&page->image.words[branch_of(leaf, 0)], place);
}

/* The page and all changed ones below it. */
static int page_assign(struct tree_page *page, struct slot_map *slots)
{
	if (!page || !page->is_dirty)
		return 0;
	for (unsigned i = 0; page->below && i < FORMAT_WORDS; i++) {
		int ret = page_assign(page->below[i], slots);

		if (ret != 0)
			return ret;
	}
	if (page->has_new_block)
		return 0;
	if (slot_map_take(slots, 0, &page->new_block) != 0)
		return -ENOSPC;
	page->has_new_block = true;
	slot_map_drop_place(slots, page->place);
	return 0;
}

int tree_assign(struct tree *tree, struct slot_map *slots)
{
	return page_assign(tree->root, slots);
}

/* Where encoded pages go. */
struct encoding {
	struct tree *tree;
	const struct uuid *pool;
	uint64_t generation;
	struct page_list *list;
};

/* From the bottom up: a page has the places of those below it. */
static int page_encode(const struct encoding *encoding, struct tree_page *page, unsigned level,
		       uint64_t index)
{
	const struct format_identity identity = {
		.kind = FORMAT_INDEX,
		.level = (uint16_t)(level + 1),
		.block = page->new_block,
		.owner = encoding->tree->owner,
		.index = index,
	};

	for (unsigned i = 0; page->below && i < FORMAT_WORDS; i++) {
		struct tree_page *below = page->below[i];

		if (!below || !below->is_dirty)
			continue;
		if (page_encode(encoding, below, level - 1, index * FORMAT_WORDS + i) != 0)
			return -ENOMEM;
		put_le64(&page->image.words[i], below->place);
	}
	assert(page->has_new_block);
	format_seal(&page->image, &identity, encoding->pool, encoding->generation, 0);
	if (!page_list_add(encoding->list, page->new_block, &page->image))
		return -ENOMEM;
	page->place = format_place_of(&page->image);
	page->has_new_block = false;
	page_set_clean(encoding->tree, page);
	return 0;
}

int tree_encode(struct tree *tree, const struct uuid *pool, uint64_t generation,
		struct page_list *list, uint64_t *out_root)
{
	const struct encoding encoding = {tree, pool, generation, list};
	int ret = 0;

	if (tree_is_dirty(tree))
		ret = page_encode(&encoding, tree->root, tree->height - 1, 0);
	*out_root = tree_root(tree);
	return ret;
}

uint64_t tree_root(const struct tree *tree)
{
	return tree->root ? tree->root->place : 0;
}

void tree_drop(struct tree *tree, struct slot_map *slots)
{
	page_free(tree, tree->root, slots);
	tree->root = NULL;
}

static void page_visit(const struct tree_page *page, void (*visit)(void *owner, uint64_t place),
		       void *owner)
{
	if (page->place)
		visit(owner, page->place);
	for (unsigned i = 0; i < FORMAT_WORDS; i++) {
		if (!page->below && page->image.words[i])
			visit(owner, get_le64(&page->image.words[i]));
		else if (page->below && page->below[i])
			page_visit(page->below[i], visit, owner);
	}
}

void tree_visit(const struct tree *tree, void (*visit)(void *owner, uint64_t place), void *owner)
{
	if (tree->root)
		page_visit(tree->root, visit, owner);
}

int tree_load(struct tree *tree, unsigned level, uint64_t index, const struct format_words *image)
{
	uint64_t first = index * branch_leaves(level) * FORMAT_WORDS;
	struct tree_page **place = &tree->root;
	struct tree_page *page;

	if (level >= tree->height || (first >= tree->leaf_count && first > 0))
		return -ENODATA;
	if (level < tree->height - 1) {
		page = tree_page(tree, level + 1, first);
		if (!page)
			return -ENODATA;
		place = &page->below[branch_of(first, level + 1)];
	}
	page = *place ? NULL : page_new(level);
	if (!page)
		return *place ? -ENODATA : -ENOMEM;
	page->image = *image;
	page->place = format_place_of(image);
	*place = page;
	return 0;
}
