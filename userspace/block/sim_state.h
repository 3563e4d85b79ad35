/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the simulated disk, for its files: sim.c carries out requests, sim_write.c says what
 * a write that has not been flushed yet leaves, sim_fault.c makes requests go wrong, sim_crash.c
 * makes what is left when the power fails or the process dies.
 */
#ifndef BLOCK_SIM_STATE_H
#define BLOCK_SIM_STATE_H

#include "block/sim.h"

#define SECTOR_BYTES 512

/* A WRITE, WRITE_ZEROES or UNMAP, from its submission until it is durable. */
struct sim_write {
	struct list_node link;
	enum block_kind kind;
	uint64_t offset;
	uint64_t length;
	uint64_t ended_at; /* when it ended, counted in ended requests; 0: in flight */
	uint64_t salt;	   /* what an UNMAP leaves follows from it */
	uint8_t *bytes;	   /* of a WRITE */
};

struct sim_disk {
	struct block block;
	struct sim_image *seen;	   /* what reads get */
	struct sim_image *durable; /* what surely survives */
	uint64_t size_bytes;
	uint32_t logical_block_bytes;
	struct random random;
	struct sim_faults faults;
	uint64_t faults_hit;
	struct sim_slowness slowness;
	struct list in_flight; /* block_io */
	uint32_t in_flight_count;
	uint64_t ended;
	struct list writes; /* sim_write, those in flight first or last alike */
	uint64_t writes_begun;
};

/* Of a request, or of sectors [first, first + count) of a write; for the caller to list. */
struct sim_write *sim_write_new(const struct block_io *io, uint64_t salt);
struct sim_write *sim_write_slice(const struct sim_write *write, uint64_t first, uint64_t count);
void sim_write_free(struct sim_write *write); /* leaves its list */

/* Its sectors [first, first + count), or all, as it leaves them when it is done. */
void sim_write_apply(struct sim_image *image, const struct sim_write *write, uint64_t first,
		     uint64_t count);
void sim_write_apply_all(struct sim_image *image, const struct sim_write *write);

/* A WRITE_ZEROES or UNMAP as a power failure may leave it: any of old, zeros, garbage. */
void sim_write_blur(struct sim_image *image, const struct sim_write *write, uint64_t salt);

/* The fault that the request, about to end, suffers; false: none. */
bool sim_fault_hits(struct sim_disk *disk, const struct block_io *io, enum sim_fault *out_fault);

/* One bit of `len` bytes that lie at `offset` of the disk, within the faulty range. */
void sim_fault_flip(struct sim_disk *disk, const struct iovec *iov, uint64_t offset, uint64_t len);

/* Another place for a request: within the faulty range, if there is room for it. */
uint64_t sim_fault_misdirect(struct sim_disk *disk, uint64_t length);

#endif
