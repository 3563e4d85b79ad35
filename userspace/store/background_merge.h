/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A merge under way: what the background needs for it besides struct background. */
#ifndef STORE_BACKGROUND_MERGE_H
#define STORE_BACKGROUND_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "block/block.h"
#include "store/merge_word.h"

#define MERGE_COPIES 8 /* extents that are copied at a time */
#define MERGE_HOLDS  (MERGE_COPIES + 1)

struct hold;
struct leaf;
struct layer;
struct pool;

struct merge_copy {
	struct pool *pool;
	struct hold *hold;
	unsigned index; /* of the word in its leaf */
	struct merge_word plan;
	uint16_t left;	 /* blocks still to be written */
	uint8_t *memory; /* an extent's */
	struct block_io io;
	struct iovec iov;
};

struct merge {
	struct layer *into;
	struct leaf *below; /* of the layer that goes; pinned, or NULL */
	struct leaf *above;
	bool is_admitted;
	unsigned index; /* of the next word in the leaf */
	unsigned words; /* merged in this step */
	struct merge_copy copies[MERGE_COPIES];
	unsigned copy_count;
	unsigned copying; /* in flight */
	void (*copied)(struct pool *pool);
	int result;
	uint8_t *memory; /* of the copies; there is some only during a merge */
};

/* Give back all that a step has taken. Nothing is in flight. */
void merge_put(struct pool *pool);

/* And its memory. */
void merge_fini(struct pool *pool);

/* Copy what the copies say, then call `done`; copies have no word changed yet. */
void merge_copy_start(struct pool *pool, void (*done)(struct pool *pool));

#endif
