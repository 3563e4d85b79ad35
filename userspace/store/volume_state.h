/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of a volume, for the files of store/. */
#ifndef STORE_VOLUME_STATE_H
#define STORE_VOLUME_STATE_H

#include "block/space.h"
#include "store/layer.h"
#include "store/volume.h"

struct volume {
	struct block block;
	struct pool *pool;
	struct list_node link; /* in catalogue.volumes */
	uint32_t id;
	uint32_t head_id;
	struct layer *head; /* NULL only while the pool is being opened */
	char name[NAME_SIZE];
	struct uuid uuid;
	uint64_t size_bytes;
	uint64_t created_at_s;
	uint32_t logical_block_bytes;
	bool is_formatted;
	bool is_snapshot;
	struct uuid origin; /* of a snapshot's volume, of a clone's snapshot; nil */
	uint64_t reservation_bytes;
	uint64_t limit_bytes; /* 0: none; so are the next two */
	uint64_t threshold_used_bytes;
	uint64_t threshold_available_bytes;
	bool threshold_tells_one;	    /* to one initiator only */
	struct block_thresholds thresholds; /* that count now; the three above are the saved ones */
	bool is_used_crossed;
	bool is_available_crossed;
	uint64_t charged_extents; /* of its head and of its snapshots'; only quota_charge changes it
				   */
	uint64_t taken_extents;	  /* by writes under way */
	bool is_full;		  /* at its limit; see store/quota.h */
	uint64_t full_charged;	  /* charged_extents when it became full */
	bool is_visible;	  /* its creation is durable */
	bool is_deleted;	  /* its removal is not durable yet */
	uint32_t opens;		  /* volume_block calls not yet closed */
	uint32_t in_flight;	  /* requests, the gated ones too */
	struct list closers;

	/* The gate: while it is frozen, requests that change something wait outside. */
	uint32_t changing; /* tasks that may change words of the head from here on */
	bool is_frozen;
	struct waiter *freezer; /* for the last of them; NULL: nobody waits */
	struct list gated;	/* requests outside, in order */
};

/* An empty one of this pool, in no list; NULL: no memory. Freed with free(). */
struct volume *volume_new(struct pool *pool, uint32_t id);

/*
 * Keep new WRITE, UNMAP and WRITE_ZEROES requests out, and wake the waiter with 0 once none of
 * those that are in will change a word any more. What they changed is in the layer then, and in the
 * next commit at the latest. READ, MAP and FLUSH go on. Frozen by one at a time.
 */
void volume_freeze(struct volume *volume, struct waiter *waiter);

/* Let them in: they begin on what is the head now. The pool's runner runs them. */
void volume_thaw(struct volume *volume);

/* Requests that the gate is for. */
static inline bool volume_io_changes(const struct block_io *io)
{
	return io->kind == BLOCK_WRITE || io->kind == BLOCK_UNMAP || io->kind == BLOCK_WRITE_ZEROES;
}

/* One that is in will change no more words. */
void volume_leave(struct volume *volume);

/* There are free tasks: begin requests that wait for one and may begin. */
void volume_begin_waiting(struct pool *pool);

/* A request ended: closes that waited for it may be over. */
void volume_close_kick(struct volume *volume);

#endif
