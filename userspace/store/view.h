/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The view of a layer: what it and everything under it say about one leaf's extents, resolved
 * to where each block lies. A read through a thousand layers costs what a read through two
 * does: a look at the head's word, and one at the view of what the head lies over.
 *
 * The layers below a head are frozen, so a view changes only where the background moves words
 * from one layer to another or takes a layer out of the chain. It says so by view_forget in the
 * very turn in which it does that. A view seen before is then stale for whoever has it pinned,
 * so this is the order that keeps an extent from being reused under a reader:
 *   1. in one turn: views that are not stale, the head's words, space_enter;
 *   2. the reads, from what was seen then;
 *   3. space_leave.
 * What step 1 saw was a word's at that time. If it is freed later, it waits for the reader.
 *
 * Views live in a cache of fixed size. Its memory is taken from the system only as views are
 * made, so a pool without snapshots has none. The frames cannot run out: no task pins or waits
 * for more than TASK_LEAVES at a time.
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "store/format.h"
#include "store/waiter.h"
#include "store/word.h"

#define VIEW_BYTES (32u << 10)

/* Places that no data can have: they lie in the first zone's metadata. */
#define VIEW_HOLE 0u /* reads as zeros */
#define VIEW_LOST 1u /* nobody knows: a leaf or index that says it is damaged (-ENODATA) */

struct pool;
struct layer;
struct leaf;

struct view {
	struct pool *pool;
	struct layer *layer; /* NULL: the frame is free */
	uint64_t number;
	uint32_t (*places)[WORD_BLOCKS]; /* [FORMAT_WORDS]: the extent of the disk, each block's */
	bool is_filling;
	bool is_stale; /* in no bucket any more; the frame is free once nobody needs it */
	unsigned pins;

	struct layer *next; /* filling: the layer that is looked at next */
	uint32_t unknown;   /* filling: blocks that no layer has decided yet */
	bool has_zeros;
	struct waiter waiter; /* filling: for a leaf of `next` */
	struct list waiters;  /* for the end of the filling */

	struct list_node hash_link;
	struct list_node idle_link; /* in idle when it may be evicted, in free when unused */
};

struct view_cache {
	struct view *views;
	uint8_t *memory;
	uint32_t count;
	struct list *buckets; /* by number alone: all that view_forget looks for are in one */
	uint32_t bucket_mask;
	struct list free;
	struct list idle; /* least recently used first */
};

/* `count` frames of VIEW_BYTES; -ENOMEM. Accepts zeroed memory at fini. */
int view_cache_init(struct view_cache *cache, struct pool *pool, uint32_t count);
void view_cache_fini(struct view_cache *cache);

/*
 * Pin the view of a layer's leaf number. 0: *out_view is it, or NULL if neither the layer nor
 * any below has that leaf. -EAGAIN: being filled; the waiter is woken with 0 (ask again, of the
 * layer that is then the right one) or -EIO.
 */
int view_get(struct pool *pool, struct layer *layer, uint64_t number, struct waiter *waiter,
	     struct view **out_view);
void view_put(struct view *view);

/* True if neither the layer nor any below has that leaf: all of it reads as zeros. */
bool view_is_absent(const struct pool *pool, const struct layer *layer, uint64_t number);

/*
 * Words of that leaf have moved from one layer to another: every view of that number is stale,
 * whatever its layer.
 */
void view_forget(struct pool *pool, uint64_t number);

/* The layer has left the chain: every view of it, or that was going to look at it, is stale. */
void view_forget_layer(struct pool *pool, const struct layer *layer);

static inline uint32_t view_place(const struct view *view, unsigned index, unsigned block)
{
	return view->places[index][block];
}

#endif
