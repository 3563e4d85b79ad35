/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk as the offline tools use it: they wait for what they ask. Whoever opened the disk says
 * how it is driven (an event loop, a queue, a simulation); here many blocks are read at a time,
 * in the order of the disk, neighbours together. One thread; nothing else uses the disk.
 */
#ifndef STORE_OFFLINE_H
#define STORE_OFFLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "block/block.h"

struct offline {
	struct block *disk;
	/* Let the requests in flight go on a little; asked again until they have ended. */
	void (*turn)(struct offline *offline);
	/* A request has ended: a loop may leave its turn. NULL: nobody needs to know. */
	void (*ended)(struct offline *offline);
};

/* A block of 4 KiB to be read. */
struct batch_page {
	uint64_t block;
	uint64_t tag;	  /* the caller's */
	const void *data; /* after reading; NULL: it could not be read, or is past the disk's end */
};

/* Blocks read together. Zeroed memory is an empty one. */
struct batch {
	struct batch_page *pages; /* in the order they were added */
	uint64_t count;
	uint64_t capacity;
	uint32_t *order; /* by address */
	uint64_t order_capacity;
	uint8_t *memory;
	uint64_t memory_bytes;
};

#define BATCH_PAGES 4096 /* a good number to read at a time */

void batch_clear(struct batch *batch);
void batch_fini(struct batch *batch);

/* -ENOMEM. */
int batch_add(struct batch *batch, uint64_t block, uint64_t tag);

/*
 * Read all. What the disk refuses is asked for once more block by block, so that one bad sector
 * costs one block. -ENOMEM; a failed read is its page's (data NULL).
 */
int batch_read(struct batch *batch, struct offline *offline);

/* One request, waited for. `data` is 4 KiB aligned; 0 or the disk's error. */
int offline_read(struct offline *offline, uint64_t block, void *data);
int offline_write(struct offline *offline, uint64_t block, const void *data);
int offline_flush(struct offline *offline);

#endif
