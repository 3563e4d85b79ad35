/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file or block device as a disk, on io_uring: O_DIRECT, buffered only where the file system
 * refuses that. Locked against a second opener for as long as it is open.
 *
 * Failure of one request is that request's result; nothing is retried here.
 */
#ifndef STORE_FILE_DISK_H
#define STORE_FILE_DISK_H

#include "base/error.h"
#include "block/block.h"
#include "store/loop_queue.h"

/*
 * Make a regular file of this size to put a pool on (sparse; format claims what it needs).
 * -EEXIST if there is anything of that name. Blocks, for the control path only.
 */
int file_disk_create(const char *path, uint64_t size_bytes, struct error *err);

/*
 * Open. `queue` belongs to the loop that is to own the disk; both outlive it. -EBUSY if
 * another process (or this one) has it open as a pool or, for a device, in any exclusive way;
 * -ENOENT, -EACCES, -EINVAL (neither a file nor a block device).
 */
int file_disk_open(const char *path, struct loop_queue *queue, struct block **out_disk,
		   struct error *err);

/*
 * Make the file at `path` larger, also while it is open as a pool (whose pool_grow then takes
 * it in). -EINVAL if it would become smaller; a block device grows by itself and is refused
 * unless it has that size already.
 */
int file_disk_extend(const char *path, uint64_t size_bytes, struct error *err);

#endif
