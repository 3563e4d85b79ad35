/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool on a simulated disk, a few volumes, requests in flight, and the oracle's model of
 * them. Everything follows from the seed. A crash gives an image; a rescue opens it, looks at
 * everything and says what was found.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "base/random.h"
#include "block/sim.h"
#include "tests/sim/oracle.h"
#include "store/check.h"
#include "store/state.h"

#define WORLD_VOLUMES 3
#define WORLD_OPS     6 /* in flight */
#define WORLD_BYTES   (64 * MIB)

struct world;

enum op_kind {
	OP_WRITE,
	OP_WRITE_FUA,
	OP_UNMAP,
	OP_UNMAP_FUA,
	OP_UNMAP_ALL,
	OP_FLUSH,
	OP_READ,
	OP_RACE, /* a read that does not look out for others */
	OP_CREATE,
	OP_DELETE,
	OP_GROW,
	OP_MARK,
	OP_CHECKPOINT,
	OP_KINDS,
};

struct op {
	struct world *world;
	enum op_kind kind;
	bool is_busy;
	uint32_t volume;
	uint32_t first, count; /* sectors of the model */
	uint32_t generation;
	struct block_io io;
	struct iovec iov;
	struct store_request request;
	struct model then; /* what was acknowledged when a flush began; what an admin op makes */
	uint8_t data[WINDOW_SECTORS_MAX * SECTOR_BYTES + 1];
};

struct world {
	uint64_t seed;
	struct random random;
	struct block_queue queue;
	struct sim_disk *disk;
	struct pool *pool;
	struct pool_faults faults;
	uint64_t boot;	   /* identity of the machine's boot */
	bool keeps_boot;   /* a mistake: it is the same after a power failure */
	bool is_abandoned; /* results do not count any more */
	uint32_t generation;
	uint32_t incarnation;
	struct model models[WORLD_VOLUMES];
	/* As an operation that failed would have it: it may have become so all the same. */
	struct model maybe[WORLD_VOLUMES];
	bool has_maybe[WORLD_VOLUMES];
	struct op ops[WORLD_OPS];
	uint32_t admin;	   /* ops of the administration in flight */
	uint64_t states;   /* crash images looked at */
	char failure[512]; /* empty while all is well */
};

/*
 * A formatted pool with volume 0 in it. The seed also says whether the disk's blocks are of 512
 * or 4096 bytes, whether the volumes are used spread out, and what on the disk is slow.
 */
struct world *world_new(uint64_t seed, const struct pool_faults *faults);
void world_free(struct world *world);

/* How its pools are opened in that boot. */
struct pool_settings world_settings(uint64_t boot);

/* Tell the disk what is slow in this world. */
void world_slow_down(struct world *world);

/* The first thing that went wrong; later ones are ignored. */
void world_fail(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
bool world_is_well(const struct world *world);

/* One thing happens: a request of the disk ends, or what is ready runs. False: nothing to do. */
bool world_step(struct world *world);
void world_drain(struct world *world); /* until nothing is to do */

/* Start an operation; false if it cannot be now (all ops busy, or in each other's way). */
bool world_start(struct world *world, enum op_kind kind);

/* Start one of a kind chosen by chance, or step. */
void world_act(struct world *world);

/*
 * A crash now, by chance of one of two kinds: the power fails, and what was flushed must be
 * there in the next boot; or the process dies, and what was acknowledged must be there in the
 * same one. Look at one of the disks that may be left, recovering it, with `depth` further
 * crashes of either kind on the way. The world itself goes on.
 */
void world_check_crash(struct world *world, unsigned depth);

/* Such a crash, and the world goes on from what was left. */
void world_crash(struct world *world, unsigned depth);

#endif
