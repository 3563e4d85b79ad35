/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool: one disk (struct block) that holds thin volumes, self-contained. docs/FORMAT.md
 * describes every byte of it.
 *
 * A pool and all its volumes belong to one thread, that of its disk. Whatever may wait is a
 * request: the caller's struct store_request, whose `done` runs exactly once, never from inside
 * the call that starts it. Several requests may be in flight; those that change the catalogue
 * are carried out one after the other.
 */
#ifndef STORE_POOL_H
#define STORE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "base/name.h"
#include "base/uuid.h"
#include "block/block.h"
#include "store/event.h"

#define STORE_EXTENT_BYTES 65536 /* unit of allocation */
#define STORE_BLOCK_BYTES  4096	 /* unit of presence */

struct pool;
struct volume;

/* Embedded by the caller, who keeps it until done. Arguments are copied. */
struct store_request {
	void (*done)(struct store_request *request, int result);
	struct error error; /* the sentence, when result < 0 */
	struct list_node link;
};

struct pool_format {
	char name[NAME_SIZE];
	uint64_t journal_bytes; /* 0: chosen from the disk's size */
};

/* How the pool stands; one way only, from left to right, until it is opened anew. */
enum pool_state {
	POOL_READ_WRITE,
	POOL_READ_ONLY, /* a metadata write failed; reads go on */
	POOL_FAILED,	/* a flush failed: what is on the disk is not known, so reads fail too */
};

/* What the administrator wants of a pool; kept in it. */
struct pool_policy {
	uint32_t threshold_used_percent; /* 1 to 100; 0: none */
	uint32_t overcommit_percent; /* of data_bytes that all volumes together may have; 0: any */
};

struct pool_facts {
	char name[NAME_SIZE];
	struct uuid uuid;
	enum pool_state state;
	struct error reason;	   /* why it is not read-write any more */
	uint64_t size_bytes;	   /* of the disk as the pool uses it */
	uint64_t data_bytes;	   /* of the extents in it */
	uint64_t used_bytes;	   /* extents that hold data (or wait to be free) */
	uint64_t free_bytes;	   /* extents that a write may take now */
	uint64_t metadata_bytes;   /* superblocks, journal, checkpoint area, what data lends it */
	uint64_t promised_bytes;   /* sum of the volumes' sizes */
	uint64_t reclaiming_bytes; /* used by nobody, and on the way to be free */
	uint64_t unpunched_bytes;  /* of free_bytes: the backing file still has them */
	uint64_t reserved_bytes;   /* of free_bytes: kept for volumes that have not used it yet */
	bool is_full;		   /* writes that need room fail, until more is free */
	uint32_t threshold_used_percent;
	uint32_t overcommit_percent;
	bool cannot_punch; /* and keeps them, until they are written again */
	uint32_t volume_count;
	uint32_t snapshot_count;
};

struct pool_settings {
	uint64_t cache_bytes; /* limit of the cache of leaves and views; 0: 64 MiB */
	bool is_read_only;    /* write nothing at all, not even to end a replay */
	bool keeps_freed;     /* do not give freed space back to the file or device below */
	/* Identity of the running kernel's boot: what an earlier process of the same boot was
	 * acknowledged for is still in the disk's cache, so it counts. Nil: never the same. */
	struct uuid boot_id;
	/* Told of events (store/event.h); may call the store, but not close the pool. NULL: nobody.
	 */
	void (*notify)(void *owner, const struct store_event *event);
	void *notify_owner;
};

/*
 * Write an empty pool over the disk. Refused with -EEXIST if a pool is there (an intact
 * superblock), -EINVAL if the disk is too small (under 64 MiB). The disk stays the caller's.
 */
void pool_format(struct block *disk, const struct pool_format *format,
		 struct store_request *request);

/*
 * Open the pool on a disk: newest valid superblock, checkpoint, journal. On success
 * *out_pool is set before done and the pool owns the disk; on failure the disk stays the
 * caller's. -EINVAL no pool here, -ENODATA metadata damaged (the sentence has the address).
 */
void pool_open(struct block *disk, const struct pool_settings *settings, struct pool **out_pool,
	       struct store_request *request);

/*
 * Make everything durable (a checkpoint), close the disk and free the pool. All
 * volumes' requests must be done, no other request may be under way. The pool is gone
 * even where the result is an error.
 */
void pool_close(struct pool *pool, struct store_request *request);

/* Everything acknowledged becomes durable and the journal empty. */
void pool_checkpoint(struct pool *pool, struct store_request *request);

/* The whole policy at once. -EINVAL. What is promised beyond a new overcommit limit stays. */
void pool_set_policy(struct pool *pool, const struct pool_policy *policy,
		     struct store_request *request);

/* Take in what the disk has grown by since (its describe). Never shrinks. */
void pool_grow(struct pool *pool, struct store_request *request);

/*
 * Another name; what is in it stays as it is. Durable when done; if it fails, the next opening may
 * find either. The same name is success; -EINVAL, -EROFS. Whether another pool has it is not known
 * here.
 */
void pool_rename(struct pool *pool, const char *name, struct store_request *request);

/*
 * What deleting all volumes and snapshots of these names would give back, in the end, to the byte
 * if nothing is written meanwhile. *out_bytes is the caller's until done. Changes nothing. -ENOENT,
 * -ENODATA (metadata of one of them is damaged).
 */
void pool_preview(struct pool *pool, const char *const *names, unsigned count, uint64_t *out_bytes,
		  struct store_request *request);

void pool_describe(const struct pool *pool, struct pool_facts *out_facts);

#endif
