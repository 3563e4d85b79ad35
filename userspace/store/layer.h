/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layer: a sparse map from logical extents to words. Its leaves live in the leaf cache. */
#ifndef STORE_LAYER_H
#define STORE_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "store/tree.h"
#include "store/waiter.h"
#include "store/word.h"

struct volume;

struct layer {
	uint32_t id;	    /* of its catalogue record */
	uint32_t parent_id; /* 0: none */
	struct layer *parent;
	struct list children;	  /* layers over this one */
	struct list_node sibling; /* in parent->children */
	uint32_t child_count;
	struct volume *named; /* the volume or snapshot whose head it is; NULL: it is hidden */
	struct volume *owner; /* the volume that is charged for its extents; NULL: nobody */
	bool is_gone;	      /* freed; only its removal from the catalogue is not durable yet */
	bool is_merging;      /* into its only child: its words go before all others in a commit */
	bool is_lost;	      /* its index could not be read: nothing of it may be changed */
	bool is_damaged;      /* an index page or a leaf could not be read */
	bool is_stuck;	      /* the background could not go on with it: later, when it is kicked */
	bool is_replayed;     /* the journal changed words of it */
	bool is_counted;      /* shadowed_extents is right, not only up to count_cursor */
	uint64_t mapped_extents;
	/*
	 * Logical extents where merging the parent into this layer frees one: both have a place, or
	 * all that the parent has written there reads as zeros here. 0 without a parent. Before
	 * it is counted: an estimate of that.
	 */
	uint64_t shadowed_extents;
	uint64_t count_cursor; /* while it is not counted: first leaf not looked at yet */
	uint64_t merge_cursor; /* while it is being merged: first leaf not looked at yet */
	uint64_t root;	       /* place of the tree's root in the last checkpoint captured */
	struct tree tree;
	/*
	 * Requests and views that have, or wait for, a leaf of it. Taken out of the chain it must
	 * be kept, leaves and all, until there is none.
	 */
	uint32_t users;
	struct waiter *waiting; /* for that; NULL: nobody */
};

/* A layer over nothing, counted, in no catalogue. -ENOMEM. */
int layer_new(uint32_t id, uint64_t leaf_count, struct layer **out_layer);

/* It leaves its parent; no layer may be over it any more. NULL is fine. */
void layer_free(struct layer *layer);

/* Put it over another layer, or over nothing (NULL). */
void layer_set_parent(struct layer *layer, struct layer *parent);

/* Its shadowed_extents are not known any more; over nothing there are none. */
void layer_uncount(struct layer *layer);

static inline void layer_use(struct layer *layer)
{
	layer->users++;
}

void layer_unuse(struct layer *layer, struct runner *runner);

/* Wake the waiter, with 0, when the layer has no users: now, or later. One waiter at a time. */
void layer_wait_unused(struct layer *layer, struct runner *runner, struct waiter *waiter);

/* True if words of this leaf are counted in shadowed_extents now. */
static inline bool layer_counts(const struct layer *layer, uint64_t leaf)
{
	return layer->parent && (layer->is_counted || leaf < layer->count_cursor);
}

/*
 * What one logical extent adds to shadowed_extents: 1 if merging the parent's word into the
 * child's frees an extent, else 0.
 */
static inline unsigned layer_shadows(uint64_t child_word, uint64_t parent_word)
{
	return word_place(parent_word) && (word_place(child_word) || (word_written(parent_word) &
								      ~word_zero(child_word)) == 0);
}

/* Nobody asks for it by name, and it is not gone yet. */
static inline bool layer_is_hidden(const struct layer *layer)
{
	return !layer->named && !layer->is_gone;
}

#endif
