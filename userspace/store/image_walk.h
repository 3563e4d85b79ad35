/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All leaves of an image, of all layers, by number: those that cover the same part of their
 * layers come together, because a layer's counters speak of its parent too. They are read many
 * at a time in the order of the disk; memory is a few batches, however large the pool.
 */
#ifndef STORE_IMAGE_WALK_H
#define STORE_IMAGE_WALK_H

#include "base/bytes.h"
#include "store/image.h"

struct walk_leaf {
	struct image_layer *layer;
	uint64_t place;	       /* in the checkpoint; 0: none */
	const uint64_t *base;  /* 504 words as on the disk; NULL: none, or it is damaged */
	const uint64_t *final; /* after the journal; NULL: damaged, or its layer is gone */
	bool is_damaged;       /* it, or a page above it */
	uint64_t first_change; /* in image->changes */
	uint64_t change_count;
};

struct image_walk {
	struct image *image;
	/* Leaves of one number, in order of layers; all that is here is good until it returns. */
	int (*on_group)(struct image_walk *walk);
	bool is_silent; /* damage was told by an earlier walk */

	uint64_t number;
	struct walk_leaf *leaves;
	uint64_t count;
	uint64_t capacity;
	struct walk_leaf **by_layer; /* [id]: of this number; NULL: that layer has none */
	uint64_t *scratch;	     /* final words */
	uint64_t scratch_capacity;
};

/* The first three fields are set by the caller. -ENOMEM, or what on_group returned. */
int image_walk(struct image_walk *walk);

/* True if a leaf is below a lost page of its tree. */
bool image_is_lost(const struct image_tree *tree, uint64_t leaf);

/* A word of 504; 0 if there are none. */
static inline uint64_t walk_word(const uint64_t *words, unsigned index)
{
	return words ? le64toh(words[index]) : 0;
}

#endif
