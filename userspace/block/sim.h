/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated disk: everything it does follows from a seed, and it keeps no promise that a
 * real disk does not make.
 *
 *   WRITE         visible once it is done, durable only after a flush: at a crash each sector of
 *                 512 bytes that was written since, or is being written, has its old content or
 *                 one of the newer ones, whatever the others have
 *   WRITE_ZEROES  the same, and at a crash a sector may also hold garbage
 *   UNMAP         each sector then holds what it did, zeros or garbage, whoever asks and for good
 *   FLUSH         one that fails has dropped what it was to make durable; the next does not tell
 *
 * If only the process dies, all that has ended stays, and of what is in flight a part has
 * arrived. Requests end in any order, when sim_disk_step is called, and can be made to go wrong.
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

#define SIM_GARBAGE_BYTE 0xdb /* no test uses it as data */

struct sim_image;

/* An image of zeros; NULL: no memory. The size is a multiple of 1 MiB. */
struct sim_image *sim_image_new(uint64_t size_bytes);
/* Another one with the same content. NULL: no memory. */
struct sim_image *sim_image_copy(struct sim_image *image);
void sim_image_free(struct sim_image *image);
void sim_image_read(const struct sim_image *image, uint64_t offset, void *to, uint64_t len);
/* False: no memory. */
bool sim_image_write(struct sim_image *image, uint64_t offset, const void *from, uint64_t len);
/* Zeros, or bytes that nobody wrote; pages of either cost nothing. False: no memory. */
bool sim_image_clear(struct sim_image *image, uint64_t offset, uint64_t len);
bool sim_image_garble(struct sim_image *image, uint64_t offset, uint64_t len);
/* First byte in [start, end) that may be other than zero, or `end`. */
uint64_t sim_image_find_data(const struct sim_image *image, uint64_t start, uint64_t end);
/* These sectors cannot be read by any disk with this image, until they are written. */
bool sim_image_spoil(struct sim_image *image, uint64_t offset, uint64_t len);
bool sim_image_is_spoilt(const struct sim_image *image, uint64_t offset, uint64_t len);
uint64_t sim_image_size(const struct sim_image *image);
/* The same for images of the same content, for others hardly ever. */
uint64_t sim_image_hash(const struct sim_image *image);
/* Zeros are made room for at the end. */
bool sim_image_grow(struct sim_image *image, uint64_t size_bytes);

enum sim_fault {
	SIM_FAILS,	/* fail_result; a write may have arrived in part, a flush drops its data */
	SIM_FORGETS,	/* FLUSH: as SIM_FAILS, and reads too get what was there before */
	SIM_FLIPS,	/* READ, WRITE: succeeds with one bit wrong; on the disk only if written */
	SIM_MISDIRECTS, /* READ, WRITE: succeeds at another place of [start, end) */
	SIM_LOSES,	/* WRITE, UNMAP, WRITE_ZEROES, FLUSH: succeeds and does nothing */
};

#define SIM_KIND(kind) (1u << (kind)) /* SIM_KIND(BLOCK_READ) | SIM_KIND(BLOCK_WRITE) ... */

/*
 * What a test wants the disk to do wrong, and to which requests: those of `kinds` that touch
 * [start, end); a flush touches everything. All zero: nothing.
 */
struct sim_faults {
	enum sim_fault fault; /* what the kind cannot suffer is SIM_FAILS */
	uint32_t kinds;	      /* SIM_KIND bits; 0: all */
	uint64_t start, end;  /* bytes; end 0: anywhere */
	uint64_t fail_at; /* the first of them from the n-th request (of any kind) on; 0: none */
	int fail_result;  /* SIM_FAILS, SIM_FORGETS: -EIO or -ENOSPC */
	bool fails_on;	  /* and so do all of them after it */
	uint32_t one_in;  /* of those only one in so many, by chance; 0, 1: each */
	bool ignores_flushes; /* all succeed and do nothing: a disk that lies */
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
/* Requests that went wrong since the faults were set. */
uint64_t sim_disk_faults_hit(const struct sim_disk *disk);
/* As sim_image_spoil, of a disk in use: reads there end with -EIO, now and after a crash. */
bool sim_disk_spoil(struct sim_disk *disk, uint64_t offset, uint64_t len);

void sim_disk_slow_down(struct sim_disk *disk, const struct sim_slowness *slowness);

/* Requests that have ended so far (failed ones too). */
uint64_t sim_disk_ended(const struct sim_disk *disk);

/* The same for disks of which the same is seen and durable; what is in flight does not count. */
uint64_t sim_disk_hash(const struct sim_disk *disk);

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
