/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated disk: everything it does follows from a seed, and it keeps no promise that a
 * real disk does not make. Writes are visible once they are done but durable only after a
 * flush; at a crash each sector of 512 bytes that was written since, or is being written,
 * has its old content or one of the newer ones, whatever the others have. If only the process
 * dies, that is so for what is in flight, and all that has ended stays. Requests end in any
 * order, when sim_disk_step is called. Requests can be made to fail.
 *
 * Images are copied on write, so that a crash costs little.
 */
#ifndef BLOCK_SIM_H
#define BLOCK_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "block/block.h"
#include "block/queue.h"

struct sim_image;

/* An image of zeros; NULL: no memory. The size is a multiple of 1 MiB. */
struct sim_image *sim_image_new(uint64_t size_bytes);
/* Another one with the same content. NULL: no memory. */
struct sim_image *sim_image_copy(struct sim_image *image);
void sim_image_free(struct sim_image *image);
void sim_image_read(const struct sim_image *image, uint64_t offset, void *to, uint64_t len);
/* False: no memory. */
bool sim_image_write(struct sim_image *image, uint64_t offset, const void *from, uint64_t len);
uint64_t sim_image_size(const struct sim_image *image);
/* Zeros are made room for at the end. */
bool sim_image_grow(struct sim_image *image, uint64_t size_bytes);

/* What a test wants the disk to do wrong. */
struct sim_faults {
	uint64_t fail_at;     /* the n-th request from 1 on fails; 0: none */
	int fail_result;      /* with this: -EIO or -ENOSPC */
	bool fails_on;	      /* and so do all after it */
	bool ignores_flushes; /* they succeed and do nothing: a disk that lies */
};

/* What takes long: it hardly ever ends while anything else is in flight. */
struct sim_slowness {
	bool reads;
	uint64_t writes_below; /* this byte; 0: none */
};

struct sim_disk;

/*
 * A disk with the content of `image`, which it takes over. Its requests come to life by
 * sim_disk_step; `queue` is for those on top of it. NULL: no memory.
 */
struct sim_disk *sim_disk_new(struct sim_image *image, uint32_t logical_block_bytes,
			      struct block_queue *queue, uint64_t seed);
void sim_disk_free(struct sim_disk *disk); /* as a machine that is switched off: no done runs */

struct block *sim_disk_block(struct sim_disk *disk);
void sim_disk_set_faults(struct sim_disk *disk, const struct sim_faults *faults);

void sim_disk_slow_down(struct sim_disk *disk, const struct sim_slowness *slowness);

/* Requests that have ended so far (failed ones too). */
uint64_t sim_disk_ended(const struct sim_disk *disk);

/* End one of the requests in flight, chosen by the seed; false if there is none. */
bool sim_disk_step(struct sim_disk *disk);

/*
 * What is on the disk after the power failed now, chosen by `random`. The disk itself goes
 * on. NULL: no memory.
 */
struct sim_image *sim_disk_crash(struct sim_disk *disk, struct random *random);

/*
 * The disk as the next process finds it if this one dies now: what has ended is seen, and as
 * durable as it was; of each write in flight some sectors have arrived, chosen by `random`. The
 * disk itself goes on. Faults and slowness are not taken over. NULL: no memory.
 */
struct sim_disk *sim_disk_restart(struct sim_disk *disk, struct block_queue *queue,
				  struct random *random);

/* Make it larger, as a disk under a running pool grows. False: no memory. */
bool sim_disk_grow(struct sim_disk *disk, uint64_t size_bytes);

#endif
