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
 *
 * An extent is filled while the disk may hold data in it that was written since it was last
 * punched (given back). One that is free and filled is unpunched: it is the first to be handed
 * out again, which spares a hole and its filling, and what is left of them store/punch.c gives
 * back. While that is under way they are free, but cannot be had.
 */
#ifndef STORE_SPACE_H
#define STORE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/geometry.h"

/* 16384 extents, with one page of the bitmaps. */
struct space_region {
	uint32_t unpunched; /* extents that are and could be had */
	bool is_suspect;    /* any of its extents may be filled, for all that is known */
};

struct space {
	struct geometry geometry;
	uint64_t *taken;
	uint64_t *mapped;
	uint64_t *filled;
	struct space_region *regions;
	uint64_t *dirty_regions; /* changed since the last capture of a checkpoint */
	uint64_t bits;		 /* in taken and mapped: whole regions */
	uint64_t open_end;	 /* extents beyond are not handed out yet */
	uint64_t cursor;
	uint64_t free_count; /* with those that are being punched */
	uint64_t mapped_count;
	uint64_t unpunched_count; /* likewise */
	uint64_t punching_count;
	uint64_t punch_cursor;

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

/* All bits (256 words) of a bitmap page at once; before space_suspect. */
bool space_load_region(struct space *space, uint64_t region, const uint64_t *words);

/* While the journal is replayed: no word points to it any more. False if none did. */
bool space_disclaim(struct space *space, uint32_t extent);

/* Some record of the journal names this extent: not handed out before the replay has ended. */
void space_reserve(struct space *space, uint64_t extent);

/* It has ended: what is taken and not mapped is free, unless `is_kept` says what it is for. */
void space_end_replay(struct space *space, bool (*is_kept)(void *owner, uint64_t extent),
		      void *owner);

/* A crash may have left data in any free extent of this region, or the checkpoint says so. */
void space_suspect(struct space *space, uint64_t region);

/* An extent nobody has, `wanted` itself if it is free; -ENOSPC: none can be had now. */
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

/* How many more frees the queue can take. */
uint32_t space_freed_room(const struct space *space);

/* True if extents will become free: by the next commits, or by the punch under way. */
bool space_has_pending(const struct space *space);

/* A commit captured all frees so far; later, its record is durable. */
void space_capture(struct space *space);
void space_commit(struct space *space);

/* Extents of the region that are filled but not mapped: what its page must not forget. */
bool space_has_unpunched(const struct space *space, uint64_t region);

/*
 * The next unpunched extents in a row, at most `max`, cannot be had from now on. False: there
 * are none. Later they are free again: punched, or as they were.
 */
bool space_punch_begin(struct space *space, uint32_t max, uint64_t *out_first, uint32_t *out_count);
void space_punch_end(struct space *space, uint64_t first, uint32_t count, bool is_punched);

/* A reader of extents comes and goes; hand back what enter gave. */
unsigned space_enter(struct space *space);
void space_leave(struct space *space, unsigned turn);

#endif
