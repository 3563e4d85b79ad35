/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has which extent. An extent is mapped while a word in memory points to it; that is what
 * a checkpoint stores. It is taken while it may not be handed out: mapped, or a write is
 * filling it, or it was freed and
 *   - the journal record that says so is not durable yet, or
 *   - a read that began before still runs (it must not see the next owner's data).
 * Freed extents pass through a queue of bounded length, in order:
 *
 *   head ... drain_end   waiting for old readers
 *        ... durable_end their record is durable
 *        ... captured_end their record is being written
 *        ... tail         not yet in a record
 */
#ifndef STORE_SPACE_H
#define STORE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/geometry.h"

struct space {
	struct geometry geometry;
	uint64_t *taken;
	uint64_t *mapped;
	uint64_t *dirty_regions; /* changed since the last capture of a checkpoint */
	uint64_t bits;		 /* in taken and mapped: whole regions */
	uint64_t open_end;	 /* extents beyond are not handed out yet */
	uint64_t cursor;
	uint64_t free_count;
	uint64_t mapped_count;

	uint32_t *freed; /* ring of freed_capacity, a power of two */
	uint32_t freed_capacity;
	uint64_t head, drain_end, durable_end, captured_end, tail;
	bool is_draining;

	uint32_t readers[2];
	unsigned turn; /* which of the two counts new readers */
};

/* `freed_capacity`: frees under way at most, a power of two. -ENOMEM. */
int space_init(struct space *space, const struct geometry *geometry, uint32_t freed_capacity);
void space_fini(struct space *space);

/*
 * The disk has grown. The new extents are known from now on (-ENOMEM: nothing has changed), and
 * handed out once space_open says that the superblock has the new size.
 */
int space_grow(struct space *space, const struct geometry *geometry);
void space_open(struct space *space);

/*
 * While a pool is opened: a word of the checkpoint (load) or of the journal (claim) points
 * here. False if it cannot: no data extent, or another word's.
 */
bool space_load(struct space *space, uint64_t extent);
bool space_claim(struct space *space, uint64_t extent);

/* An extent nobody has, `wanted` itself if it is free; -ENOSPC. */
int space_take(struct space *space, uint64_t wanted, uint32_t *out_extent);

/* Give back one that no word ever pointed to. */
void space_untake(struct space *space, uint32_t extent);

/* A word now points to this taken extent. */
void space_map(struct space *space, uint32_t extent);

/*
 * No word points to it any more, but it stays with its holder for now. False if none did, which
 * means that two words of the disk had it.
 */
bool space_unmap(struct space *space, uint32_t extent);

/* Its holder lets go too: it becomes free when it may. */
void space_release(struct space *space, uint32_t extent);

/* While a journal is replayed: unmapped, and free at once. False as above. */
bool space_unmap_now(struct space *space, uint32_t extent);

/* How many more frees the queue can take. */
uint32_t space_freed_room(const struct space *space);

/* True if frees are under way that the next commits will bring. */
bool space_has_pending(const struct space *space);

/* A commit captured all frees so far; later, its record is durable. */
void space_capture(struct space *space);
void space_commit(struct space *space);

/* A reader of extents comes and goes; hand back what enter gave. */
unsigned space_enter(struct space *space);
void space_leave(struct space *space, unsigned turn);

#endif
