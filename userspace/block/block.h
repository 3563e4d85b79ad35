/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seam: an asynchronous block device. A volume of the store is one (the target serves it),
 * and so is the disk under the store (io_uring, memory or simulated). Nothing above a struct
 * block knows what is behind it.
 *
 * A block device belongs to one thread (its reactor). Everything here is called on that thread,
 * and every `done` runs on it.
 */
#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/list.h"

enum block_kind {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH,	    /* all writes acknowledged before become durable */
	BLOCK_UNMAP,	    /* the range may be given back; reads as zeros afterwards (of a volume;
			     * of a disk under a pool as anything) */
	BLOCK_WRITE_ZEROES, /* as UNMAP, for callers that ask for zeros (no data travels) */
	BLOCK_MAP,	    /* how far from `offset` on the mapping is of one kind */
	BLOCK_SAVE_THRESHOLDS, /* those of block/space.h become durable; no offset, no length */
};

/* One request. The memory is the caller's, untouched by it from submit until `done` ran. */
struct block_io {
	enum block_kind kind;
	bool fua;	 /* WRITE, UNMAP, WRITE_ZEROES: durable before done (and only then) */
	uint64_t offset; /* bytes, a multiple of logical_block_bytes */
	uint64_t length; /* bytes, a multiple of logical_block_bytes; 0 for FLUSH */

	/* READ, WRITE: `length` bytes in all. Aligned memory (limits.memory_align_bytes) is
	 * used in place, other memory is copied. */
	const struct iovec *iov;
	int iov_count;

	/* MAP's answer: `length` is cut to the part that is all mapped or all not. */
	bool is_mapped;

	/*
	 * Runs exactly once, never from inside submit. 0, or: -EIO (the medium failed), -ENOSPC
	 * (no room for new data; nothing of this request may be counted on), -EROFS, -EINVAL
	 * (outside the device or misaligned), -ENODATA (the data is known to be damaged),
	 * -ENXIO (the device has become smaller), -EOPNOTSUPP (UNMAP: never here), -ESHUTDOWN (the
	 * device is closing).
	 */
	void (*done)(struct block_io *io, int result);

	/* The implementation's from submit until done. */
	struct list_node link;
	uint64_t scratch[2];
	int result;
};

struct block_limits {
	uint64_t size_bytes;
	uint32_t logical_block_bytes;  /* 512 or 4096: unit of offset and length */
	uint32_t physical_block_bytes; /* what is written without read-modify-write */
	uint32_t memory_align_bytes;   /* alignment of memory that spares a copy */
	uint32_t max_io_bytes;	       /* for READ and WRITE; larger ones are refused */
	uint64_t max_unmap_bytes;      /* for UNMAP and WRITE_ZEROES */
	uint32_t unmap_granule_bytes;  /* best unit and alignment of UNMAP; 0 without UNMAP */
	bool is_thin;		       /* blocks may be unmapped (LBPME) */
	bool is_read_only;
	bool has_write_cache; /* FLUSH is needed for durability */
	bool has_thresholds;  /* block/space.h: it tells when its space runs short */
};

struct block;
struct block_space_ops;
struct block_watch;

/* All members required; called only by the functions below. */
struct block_ops {
	void (*submit)(struct block *block, struct block_io *io);
	void (*describe)(struct block *block, struct block_limits *out_limits);
	/* Ends the device once all its requests are done; frees it, then runs `closed`. */
	void (*close)(struct block *block, void (*closed)(void *owner), void *owner);
};

struct block_queue;

/* Embedded in every implementation. */
struct block {
	const struct block_ops *ops;
	/*
	 * Where its thread runs completions that are known at once (block/queue.h). Set by
	 * every disk that a pool is put on; a device that needs none leaves it NULL.
	 */
	struct block_queue *queue;
	/* block/space.h; NULL without has_thresholds, and where nobody watches. */
	const struct block_space_ops *space;
	struct block_watch *watches;
};

/*
 * Hand a request over. The device checks range and alignment; a bad one ends with -EINVAL.
 * Requests in flight at the same time have no order between them, except that two WRITEs to
 * different sectors never harm each other, whatever the device's own units are.
 */
static inline void block_submit(struct block *block, struct block_io *io)
{
	block->ops->submit(block, io);
}

/* The device's properties as they are now; size_bytes may grow between two calls. */
static inline void block_describe(struct block *block, struct block_limits *out_limits)
{
	block->ops->describe(block, out_limits);
}

/* The caller must not submit any more. `closed` may run before this returns. */
static inline void block_close(struct block *block, void (*closed)(void *owner), void *owner)
{
	block->ops->close(block, closed, owner);
}

#endif
