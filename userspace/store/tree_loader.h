/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the pages of trees when a pool is opened: of many at once, a thousand pages at a time, in
 * the order in which they lie on the disk, the deepest first, so that little has to be remembered.
 * A page that cannot be read or used breaks its own tree and no other.
 */
#ifndef STORE_TREE_LOADER_H
#define STORE_TREE_LOADER_H

#include "base/error.h"
#include "store/page_transfer.h"
#include "store/tree.h"

#define TREE_LOADER_BATCH 1024

/* A page that is to be read. */
struct tree_loader_item {
	struct tree *tree;
	uint64_t index;
	uint64_t place;
	int level; /* -1: a leaf */
};

struct tree_loader {
	struct block *disk;
	const struct uuid *pool;
	struct slot_map *slots;	    /* every page found is marked in it */
	enum format_kind leaf_kind; /* FORMAT_LEAF: the leaves are not read */
	/* One leaf page, checked; 0, or what breaks its tree. */
	int (*on_leaf)(struct tree_loader *loader, uint64_t index, const void *data);
	/*
	 * A tree cannot be used (-ENODATA damaged, -EIO; the sentence is in `error`). 0: go on with
	 * the others; else that ends it.
	 */
	int (*on_broken)(struct tree_loader *loader, struct tree *tree, int result);
	/* From inside tree_loader_start only if there is nothing to read. */
	void (*done)(struct tree_loader *loader, int result);
	struct error error;

	struct tree_loader_item *items; /* a stack */
	size_t count;
	size_t capacity;
	uint32_t singles; /* so many are read one by one, to see which of them fails */
	struct tree_loader_item batch[TREE_LOADER_BATCH];
	struct page_list list; /* memory for a batch, kept */
	struct page_list view; /* as much of it as this batch needs */
	struct page_transfer transfer;
};

/* The fields above `error` are set by the caller, the others are zero. */

/* A tree that is to be read, from the place of its root (0: nothing). -ENOMEM. */
int tree_loader_add(struct tree_loader *loader, struct tree *tree, uint64_t root);
void tree_loader_start(struct tree_loader *loader);

/* Its memory; needed unless `done` was called, and harmless then. */
void tree_loader_fini(struct tree_loader *loader);

#endif
