/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes of a pool and snapshots of them: made, found, changed, and served as struct block.
 * Threads and requests as in store/pool.h. Each change is durable when its request is done.
 *
 * A snapshot is a name for what a volume was at one moment: found, described, read and deleted
 * like a volume, never written. Volumes and snapshots share one name space. Whatever is deleted
 * may have snapshots and clones: what they need of it stays, without a name, until they go too.
 */
#ifndef STORE_VOLUME_H
#define STORE_VOLUME_H

#include "store/pool.h"

#define VOLUME_SIZE_MAX_BYTES (UINT64_C(1) << 50)

struct volume_facts {
	char name[NAME_SIZE];
	struct uuid uuid;
	bool is_snapshot;
	struct uuid origin;	     /* a snapshot's volume, a clone's snapshot; nil: neither */
	char origin_name[NAME_SIZE]; /* "" if it is gone */
	uint32_t clone_count;	     /* volumes that are clones of this snapshot */
	uint32_t depth;		  /* layers that a read may have to look through; 1: no snapshot */
	uint64_t size_bytes;	  /* as the initiator sees it */
	uint64_t written_bytes;	  /* extents taken by its own layer */
	uint64_t mapped_bytes;	  /* the same */
	uint64_t exclusive_bytes; /* what deleting this name alone gives back, in the end */
	uint64_t shared_bytes;	  /* what it has besides, together with others */
	bool is_counted;	  /* exclusive and shared are exact; else counting is under way */
	uint64_t charged_bytes;	  /* of a volume: its own layer and those of its snapshots */
	uint64_t created_at_s;	  /* Unix time, as given at creation */
	uint32_t logical_block_bytes;
	bool is_formatted;	    /* a file system was once made on it: never format again */
	bool is_damaged;	    /* its metadata could not be read: its block answers -ENODATA */
	uint64_t available_bytes;   /* what a volume can still have, were nobody else to write */
	uint64_t reservation_bytes; /* as set; 0: none */
	uint64_t limit_bytes;
	uint64_t threshold_used_bytes;
	uint64_t threshold_available_bytes;
};

struct volume_spec {
	char name[NAME_SIZE];
	struct uuid uuid;	      /* nil: made here */
	uint64_t size_bytes;	      /* multiple of 4096, at most VOLUME_SIZE_MAX_BYTES */
	uint32_t logical_block_bytes; /* 512 or 4096; 0: 512, or the snapshot's */
	uint64_t created_at_s;
	char snapshot[NAME_SIZE];   /* "": an empty volume; else a clone of this snapshot, whose
				       size_bytes may be 0: as the snapshot's, or larger */
	uint64_t reservation_bytes; /* multiples of 64 KiB; 0: none */
	uint64_t limit_bytes;
};

/* 0: none, each. Of bytes charged to a volume, so of its snapshots' too. */
struct volume_limits {
	uint64_t reservation_bytes; /* kept for it; a multiple of 64 KiB */
	uint64_t limit_bytes;	    /* it cannot have more; a multiple of 64 KiB */
	/* Told once when so much is charged, or no more can be had; whole MiB. */
	uint64_t threshold_used_bytes;
	uint64_t threshold_available_bytes;
};

struct snapshot_spec {
	char volume[NAME_SIZE];
	char name[NAME_SIZE];
	struct uuid uuid; /* nil: made here */
	uint64_t created_at_s;
};

/*
 * An empty volume, or a clone, which costs the same whatever the snapshot has. -EEXIST if the name
 * or UUID is taken, -ENOENT (the snapshot), -EINVAL, -ENOSPC (no metadata space), -EROFS.
 */
void volume_create(struct pool *pool, const struct volume_spec *spec,
		   struct store_request *request);

/*
 * A snapshot of the volume as it is between two of its requests: those that change something
 * are held back until all that began before have ended. Costs the same whatever the volume has.
 * -ENOENT, -EEXIST, -EINVAL (it is a snapshot), -ENODATA (damaged), -EROFS.
 */
void volume_snapshot(struct pool *pool, const struct snapshot_spec *spec,
		     struct store_request *request);

/*
 * The volume becomes what its snapshot is, size and all; what it was is gone. Its block must be
 * closed, else -EBUSY. -ENOENT, -EINVAL (a snapshot of another volume), -EROFS.
 */
void volume_revert(struct pool *pool, const char *volume, const char *snapshot,
		   struct store_request *request);

/*
 * Forget a volume or a snapshot. Immediate to the caller (O(1) until done); what nobody else
 * needs becomes free in the background, also after a crash. Its block must be closed
 * (volume_block), else -EBUSY. -ENOENT.
 */
void volume_delete(struct pool *pool, const char *name, struct store_request *request);

/*
 * -EINVAL if smaller than now or no multiple of 4096, or a snapshot; the same size is success.
 * -ENOENT.
 */
void volume_grow(struct pool *pool, const char *name, uint64_t size_bytes,
		 struct store_request *request);

/*
 * All of them at once. -EINVAL (no multiples, reservation beyond the limit, a snapshot), -ENOSPC
 * (so much is not there to be reserved), -ENOENT. A limit below what the volume has is fine: it is
 * full.
 */
void volume_set_limits(struct pool *pool, const char *name, const struct volume_limits *limits,
		       struct store_request *request);

/* Set the formatted bit; there is no way to clear it. -ENOENT, -EINVAL (a snapshot). */
void volume_mark_formatted(struct pool *pool, const char *name, struct store_request *request);

/*
 * A volume or snapshot; NULL if there is none. The pointer is good until it is deleted or the
 * pool closed.
 */
struct volume *volume_find(struct pool *pool, const char *name);

/* All volumes and snapshots in order of name: start with NULL; NULL after the last. */
struct volume *volume_next(struct pool *pool, struct volume *previous);

void volume_describe(const struct volume *volume, struct volume_facts *out_facts);

/*
 * The volume as a block device: the one and same for all callers, counted; each
 * volume_block is ended by one block_close. Flushes of all volumes share one commit.
 */
struct block *volume_block(struct volume *volume);

#endif
