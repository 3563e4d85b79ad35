/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache of leaf pages: 504 words each, in frames allocated once, so memory does not grow
 * with the pool. A leaf in use is pinned. It is changed since the last commit (which words is
 * noted), dirty since the last checkpoint, or clean; only a clean and unpinned one gives its
 * frame to another.
 *
 * The index pages above a leaf are marked as changed together with it (store/tree.h), so it is
 * known at any time how many pages a checkpoint would write.
 *
 * Frames cannot run out: those who pin (a known number of tasks, two leaves of their layer and two
 * of its parent each) and those who dirty (dirty_limit, kept by the pool's admission) are counted
 * into the size.
 */
#ifndef STORE_LEAF_H
#define STORE_LEAF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "block/block.h"
#include "store/format.h"
#include "store/layer.h"
#include "store/space.h"
#include "store/waiter.h"

struct leaf {
	struct layer *layer; /* NULL: the frame is free */
	uint64_t number;
	struct format_words *page;
	bool is_loading;
	bool is_dirty;
	bool is_captured; /* in the checkpoint under way: its place is not written yet */
	unsigned pins;
	uint64_t changed[(FORMAT_WORDS + 63) / 64];
	unsigned changed_count;
	uint64_t committed[(FORMAT_WORDS + 63) / 64]; /* what was changed, by commit `commit` */
	uint64_t commit;

	struct list_node hash_link;
	struct list_node idle_link;    /* in idle when it may be evicted, in free when unused */
	struct list_node changed_link; /* in changed */
	struct list_node dirty_link;   /* in dirty */

	struct leaf_cache *cache;
	struct list waiters;
	struct block_io io;
	struct iovec iov;
	uint64_t place; /* being read */
};

struct leaf_cache {
	struct block *disk;
	struct uuid pool;
	struct runner *runner;
	const struct space *space;
	const struct slot_map *slots;

	struct leaf *leaves;
	uint8_t *memory;
	uint32_t count;
	uint32_t dirty_limit; /* dirty leaves at most, between two checkpoints */
	struct list *buckets;
	uint32_t bucket_mask;

	struct list free;
	struct list idle; /* least recently used first */
	struct list changed;
	struct list dirty;
	uint32_t dirty_count;
	uint64_t changed_words;
	uint64_t commit;	 /* number of the last one that took changed words */
	bool is_committing;	 /* it is not over yet */
	struct error last_error; /* why the last leaf could not be read */
};

#define LEAF_FRAMES_MIN 64u

/* What becomes of a leaf that is not there. */
enum leaf_use {
	LEAF_IF_THERE,	  /* nothing */
	LEAF_FOR_WRITE,	  /* it is made, if the pool is not full */
	LEAF_FOR_RECLAIM, /* it is made for what gives space back: may use the reserve */
	LEAF_FOR_REPLAY,  /* it is made: it was before */
};

/* `frames` at least LEAF_FRAMES_MIN; -ENOMEM. */
int leaf_cache_init(struct leaf_cache *cache, uint32_t frames);
void leaf_cache_fini(struct leaf_cache *cache);

/*
 * Pin a leaf. 0: *out_leaf is it, or NULL if the layer has none there and none was to be made.
 * -EAGAIN: being read, or waiting for room; the waiter is woken with 0 (ask again), -EIO, or
 * -ENODATA (damaged: the layer is marked, and last_error has the sentence). -ENOSPC: the pool is
 * full, for metadata too (store/slot_budget.h).
 */
int leaf_get(struct leaf_cache *cache, struct layer *layer, uint64_t number, enum leaf_use use,
	     struct waiter *waiter, struct leaf **out_leaf);
void leaf_put(struct leaf_cache *cache, struct leaf *leaf);

/* True if there is nothing at all: neither cached nor on the disk. */
bool leaf_is_absent(const struct leaf_cache *cache, const struct layer *layer, uint64_t number);

uint64_t leaf_word(const struct leaf *leaf, unsigned index);

/* Change a word of a pinned leaf: part of the next commit, and of the next checkpoint. */
void leaf_change(struct leaf_cache *cache, struct leaf *leaf, unsigned index, uint64_t word);

/* The same while the journal is replayed: the journal has it already. */
void leaf_replay(struct leaf_cache *cache, struct leaf *leaf, unsigned index, uint64_t word);

/*
 * True if the journal (or a checkpoint) has this word as it is. Whoever builds on a word that it
 * has not yet must wait for it before it answers.
 */
bool leaf_is_kept(const struct leaf_cache *cache, const struct leaf *leaf, unsigned index);

/* A commit has taken the changed words of this leaf; it begins, it is over. */
void leaf_commit(struct leaf_cache *cache, struct leaf *leaf);
void leaf_commit_begin(struct leaf_cache *cache);
void leaf_commit_end(struct leaf_cache *cache);

/* A checkpoint has captured this leaf; at its end all captured ones are let go. */
void leaf_capture(struct leaf_cache *cache, struct leaf *leaf);
void leaf_release_captured(struct leaf_cache *cache);

bool leaf_is_empty(const struct leaf *leaf);

/* Empty the frame, changes and all (the layer goes). Unpins; no other pin may be left. */
void leaf_discard(struct leaf_cache *cache, struct leaf *leaf);

/* No frame holds anything of this layer any more; none may be pinned or loading. */
void leaf_forget_layer(struct leaf_cache *cache, const struct layer *layer);

#endif
