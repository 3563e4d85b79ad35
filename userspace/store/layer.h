/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layer: a sparse map from logical extents to words. Its leaves live in the leaf cache. */
#ifndef STORE_LAYER_H
#define STORE_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "store/tree.h"

struct layer {
	uint32_t id;	 /* of its catalogue record */
	uint32_t parent; /* 0: none */
	bool is_doomed;	 /* its extents are being freed */
	bool is_gone;	 /* freed; only its removal from the catalogue is not durable yet */
	bool is_lost;	 /* its index could not be read: nothing of it may be changed */
	bool is_damaged; /* an index page or a leaf could not be read */
	uint64_t mapped_extents;
	uint64_t root; /* place of the tree's root in the last checkpoint captured */
	struct tree tree;
};

/* -ENOMEM. */
int layer_new(uint32_t id, uint64_t leaf_count, struct layer **out_layer);
void layer_free(struct layer *layer);

#endif
