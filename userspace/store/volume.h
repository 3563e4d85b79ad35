/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes of a pool: made, found, changed, and served as struct block. Threads and requests as
 * in store/pool.h. Each change is durable when its request is done.
 */
#ifndef STORE_VOLUME_H
#define STORE_VOLUME_H

#include "store/pool.h"

#define VOLUME_SIZE_MAX_BYTES (UINT64_C(1) << 50)

struct volume_facts {
	char name[NAME_SIZE];
	struct uuid uuid;
	uint64_t size_bytes;   /* as the initiator sees it */
	uint64_t mapped_bytes; /* extents taken by it */
	uint64_t created_at_s; /* Unix time, as given at creation */
	uint32_t logical_block_bytes;
	bool is_formatted; /* a file system was once made on it: never format again */
	bool is_damaged;   /* its metadata could not be read: its block answers -ENODATA */
};

struct volume_spec {
	char name[NAME_SIZE];
	struct uuid uuid;	      /* nil: made here */
	uint64_t size_bytes;	      /* multiple of 4096, at most VOLUME_SIZE_MAX_BYTES */
	uint32_t logical_block_bytes; /* 512 or 4096; 0: 512 */
	uint64_t created_at_s;
};

/* -EEXIST if the name or UUID is taken, -EINVAL, -ENOSPC (no metadata space), -EROFS. */
void volume_create(struct pool *pool, const struct volume_spec *spec,
		   struct store_request *request);

/*
 * Forget a volume and free its extents. Immediate to the caller (O(1) until done); the
 * extents become free in the background, also after a crash. Its block must be closed
 * (volume_block), else -EBUSY. -ENOENT.
 */
void volume_delete(struct pool *pool, const char *name, struct store_request *request);

/* -EINVAL if smaller than now or no multiple of 4096; the same size is success. -ENOENT. */
void volume_grow(struct pool *pool, const char *name, uint64_t size_bytes,
		 struct store_request *request);

/* Set the formatted bit; there is no way to clear it. -ENOENT. */
void volume_mark_formatted(struct pool *pool, const char *name, struct store_request *request);

/* NULL if there is none. The pointer is good until the volume is deleted or the pool closed. */
struct volume *volume_find(struct pool *pool, const char *name);

/* All volumes in order of name: start with NULL; NULL after the last. */
struct volume *volume_next(struct pool *pool, struct volume *previous);

void volume_describe(const struct volume *volume, struct volume_facts *out_facts);

/*
 * The volume as a block device: the one and same for all callers, counted; each
 * volume_block is ended by one block_close. Flushes of all volumes share one commit.
 */
struct block *volume_block(struct volume *volume);

#endif
