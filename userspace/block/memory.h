/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk in memory: for tests, and as the device of berth-node that measures the protocol
 * alone. It forgets everything when it is closed.
 */
#ifndef BLOCK_MEMORY_H
#define BLOCK_MEMORY_H

#include "block/block.h"
#include "block/queue.h"

/*
 * Completions run from `queue`, which must outlive the disk. Memory is taken from the system
 * page by page as it is written. -EINVAL if the size is no multiple of logical_block_bytes
 * (512 or 4096), -ENOMEM.
 */
int memory_disk_new(uint64_t size_bytes, uint32_t logical_block_bytes, struct block_queue *queue,
		    struct block **out_disk);

/* Make it larger (never smaller), as a disk under a running pool grows; -EINVAL, -ENOMEM. */
int memory_disk_grow(struct block *disk, uint64_t size_bytes);

#endif
