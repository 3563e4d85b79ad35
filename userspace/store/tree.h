/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the pages of something lie: numbered leaves (of a layer, of the catalogue, of the
 * bitmaps) under index pages of 504 places each, up to one root. All index pages that there are
 * are in memory (one for 504 leaves: 15.5 GiB of a layer), and nothing else: a layer without a
 * leaf takes none. The leaves are not its business.
 *
 * A checkpoint gives each changed page a new slot and writes it there; the place of the root
 * goes into the layer's record or the superblock.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "store/format.h"
#include "store/page_list.h"
#include "store/slot_map.h"

struct tree_page {
	uint64_t place;	    /* where its last version lies; 0: nowhere yet */
	uint64_t new_block; /* given by tree_assign, used up by tree_encode */
	bool has_new_block;
	bool is_dirty;		   /* so are all pages above it */
	struct tree_page **below;  /* [FORMAT_WORDS], NULL where there is none; not in level 0 */
	struct format_words image; /* the places, as on the disk */
};

/* The trees that have changed since the last checkpoint captured them, and by how many pages. */
struct tree_dirt {
	struct list trees;
	uint64_t pages;
};

struct tree {
	uint64_t owner;
	uint64_t leaf_count;
	unsigned height; /* levels of index pages; level 0 is just above the leaves */
	struct tree_page *root;
	bool is_broken; /* a page of it could not be read */
	uint64_t dirty_pages;
	struct tree_dirt *dirt; /* where it is counted; NULL: nowhere */
	struct list_node dirt_link;
};

void tree_dirt_init(struct tree_dirt *dirt);

/* An empty tree, counted nowhere. At most 504^4 leaves. -ENOMEM. */
int tree_init(struct tree *tree, uint64_t owner, uint64_t leaf_count);

/* Accepts zeroed memory. */
void tree_fini(struct tree *tree);

/* From now on it is counted there; it must not have changed yet. */
void tree_join(struct tree *tree, struct tree_dirt *dirt);

/* Room for more leaves; adds levels. -ENOMEM changes nothing. */
int tree_grow(struct tree *tree, uint64_t leaf_count);

/* Place of a leaf; 0: there is none. */
uint64_t tree_place(const struct tree *tree, uint64_t leaf);

/* First leaf in [start, leaf_count) that has a place, or leaf_count. */
uint64_t tree_find(const struct tree *tree, uint64_t start);

/*
 * First leaf in [start, leaf_count) below whose index page there may be something: one that has a
 * place, or one that was made and has none yet. Skips in one step what no page is above.
 */
uint64_t tree_skip(const struct tree *tree, uint64_t start);

/* Mark the pages above a leaf as changed, making those that are missing; -ENOMEM. */
int tree_touch(struct tree *tree, uint64_t leaf);

/* Set the place of a leaf whose pages were touched. */
void tree_set(struct tree *tree, uint64_t leaf, uint64_t place);

static inline bool tree_is_dirty(const struct tree *tree)
{
	return tree->dirty_pages > 0;
}

/* Give every changed page a new slot and drop the old one; -ENOSPC. */
int tree_assign(struct tree *tree, struct slot_map *slots);

/* Append all changed pages, sealed, to the list, and say the root's place; -ENOMEM. */
int tree_encode(struct tree *tree, const struct uuid *pool, uint64_t generation,
		struct page_list *list, uint64_t *out_root);

/* The root's place as of the last tree_encode or load. */
uint64_t tree_root(const struct tree *tree);

/* All its index pages leave their slots (the layer goes). */
void tree_drop(struct tree *tree, struct slot_map *slots);

/* Call for the place of every page that there is on the disk, index pages and leaves. */
void tree_visit(const struct tree *tree, void (*visit)(void *owner, uint64_t place), void *owner);

/*
 * Put an index page that was read from the disk in its place; the one above is there already.
 * -ENOMEM; -ENODATA: there is no room for it.
 */
int tree_load(struct tree *tree, unsigned level, uint64_t index, const struct format_words *image);

#endif
