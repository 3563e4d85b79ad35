/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the pages of a tree when a pool is opened, level by level, a few hundred at a time. */
#ifndef STORE_TREE_LOADER_H
#define STORE_TREE_LOADER_H

#include "base/error.h"
#include "store/page_transfer.h"
#include "store/tree.h"

#define TREE_LOADER_BATCH 256

struct tree_loader {
	struct block *disk;
	const struct uuid *pool;
	struct slot_map *slots; /* every page found is marked in it */
	struct tree *tree;
	uint64_t root;
	enum format_kind leaf_kind; /* FORMAT_LEAF: the leaves are not read */
	/* One leaf page, checked; 0 or an error that ends it. */
	int (*on_leaf)(struct tree_loader *loader, uint64_t index, const void *data);
	/* -ENODATA, -EIO, -ENOMEM: with the sentence in `error`. */
	void (*done)(struct tree_loader *loader, int result);
	struct error error;

	int level; /* -1: leaves */
	uint64_t cursor;
	uint64_t indexes[TREE_LOADER_BATCH];
	uint64_t places[TREE_LOADER_BATCH];
	struct page_list list;
	struct page_transfer transfer;
};

/* The fields above `error` are set by the caller. `done` may run from inside this call. */
void tree_loader_start(struct tree_loader *loader);

#endif
