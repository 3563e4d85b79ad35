/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the pages of something lie: numbered leaves (of a layer, of the catalogue, of the
 * bitmaps) under index pages of 504 places each, up to one root. All index pages are in memory
 * (one for 504 leaves: 15.5 GiB of a layer); the leaves are not its business.
 *
 * A checkpoint gives each changed page a new slot and writes it there; the place of the root
 * goes into the layer's record or the superblock.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/format.h"
#include "store/page_list.h"
#include "store/slot_map.h"

struct tree_page {
	uint64_t place;	    /* where its last version lies; 0: nowhere yet */
	uint64_t new_block; /* given by tree_assign, used up by tree_encode */
	bool has_new_block;
	bool is_dirty;
	struct format_words image; /* the places, as on the disk */
};

struct tree_level {
	struct tree_page **pages; /* NULL where nothing lies below */
	uint64_t count;
};

struct tree {
	uint64_t owner;
	uint64_t leaf_count;
	unsigned height;
	struct tree_level levels[FORMAT_TREE_LEVELS]; /* [0] is just above the leaves */
	bool is_dirty;
};

/* An empty tree; -ENOMEM. At most 504^4 leaves. */
int tree_init(struct tree *tree, uint64_t owner, uint64_t leaf_count);
void tree_fini(struct tree *tree);

/* Room for more leaves; adds levels. -ENOMEM changes nothing that is seen. */
int tree_grow(struct tree *tree, uint64_t leaf_count);

/* Place of a leaf; 0: there is none. */
uint64_t tree_place(const struct tree *tree, uint64_t leaf);

/* First leaf in [start, leaf_count) that has a place, or leaf_count. */
uint64_t tree_find(const struct tree *tree, uint64_t start);

/* Mark the pages above a leaf as changed, making those that are missing; -ENOMEM. */
int tree_touch(struct tree *tree, uint64_t leaf);

/* Set the place of a leaf whose pages were touched. */
void tree_set(struct tree *tree, uint64_t leaf, uint64_t place);

/* Give every changed page a new slot and drop the old one; -ENOSPC. */
int tree_assign(struct tree *tree, struct slot_map *slots);

/* Append all changed pages, sealed, to the list, and say the root's place; -ENOMEM. */
int tree_encode(struct tree *tree, const struct uuid *pool, uint64_t generation,
		struct page_list *list, uint64_t *out_root);

/* The root's place as of the last tree_encode or load. */
uint64_t tree_root(const struct tree *tree);

/* All its index pages leave their slots (the layer goes). */
void tree_drop(struct tree *tree, struct slot_map *slots);

/* An empty index page at this place, to be filled from the disk while opening; NULL: -ENOMEM. */
struct tree_page *tree_load(struct tree *tree, unsigned level, uint64_t index, uint64_t place);

#endif
