/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool on a simulated disk, a few volumes and snapshots, requests in flight, and the oracle's
 * model of them. Everything follows from the seed. A crash gives an image; a rescue opens it,
 * looks at everything and says what was found.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "base/random.h"
#include "block/sim.h"
#include "store/check.h"
#include "store/state.h"
#include "tests/sim/oracle.h"
#include "tests/sim/states.h"

#define WORLD_NODES 7 /* volumes and snapshots, named a to g */
#define WORLD_OPS   6 /* in flight */
#define WORLD_BYTES (64 * MIB)

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
	OP_POOL_GROW,
	OP_SNAPSHOT,
	OP_CLONE,
	OP_REVERT,
	OP_KINDS,
};

struct op {
	struct world *world;
	enum op_kind kind;
	bool is_busy;
	uint32_t node;
	uint32_t source;       /* of a snapshot, clone, revert: another node */
	uint32_t first, count; /* sectors of the model */
	uint32_t generation;
	uint32_t incarnation; /* a new one, for who needs it */
	uint64_t size_bytes;
	struct block_io io;
	struct iovec iov;
	struct store_request request;
	struct model then; /* of the node (of a snapshot: its volume) when it began */
	uint8_t data[WINDOW_SECTORS_MAX * SECTOR_BYTES + 1];
};

/* What a world is like besides what happens in it; all of it follows from the seed. */
struct world_traits {
	enum shape shape;
	uint32_t logical_block_bytes;
	bool is_tight; /* the pool is nearly full */
	struct sim_slowness slowness;
};

struct world {
	uint64_t seed;
	uint64_t serial; /* of the worlds of this process */
	uint64_t events;
	struct world_traits traits;
	struct random random;
	struct block_queue queue;
	struct sim_disk *disk;
	struct pool *pool;
	struct pool_faults faults;
	uint64_t boot;	   /* identity of the machine's boot */
	bool keeps_boot;   /* a mistake: it is the same after a power failure */
	bool is_abandoned; /* results do not count any more */
	bool is_faulty;	   /* the disk may say anything */
	uint64_t disk_bytes;
	uint32_t generation;
	uint32_t identity;
	struct lineage lineage;
	struct model models[WORLD_NODES];
	/* One of the administration that failed: it may have happened all the same. */
	struct op maybe;
	bool has_maybe;
	struct op ops[WORLD_OPS];
	uint32_t admin;	       /* ops of the administration in flight */
	struct states *states; /* crash images looked at */
	char failure[512];     /* empty while all is well */
};

/* A formatted pool with volume a in it. NULL `faults`: none. */
struct world *world_new(uint64_t seed, const struct pool_faults *faults, struct states *states);
void world_free(struct world *world);

/* How its pools are opened in that boot. */
struct pool_settings world_settings(uint64_t boot);

/* Whatever is under way fails, and the pool with it; its disk is freed. *pool: once it is open. */
void world_abandon_pool(struct sim_disk *disk, struct pool **pool, struct block_queue *queue);

/* The first thing that went wrong; later ones are ignored. */
void world_fail(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
bool world_is_well(const struct world *world);

/* One thing happens: a request of the disk ends, or what is ready runs. False: nothing to do. */
bool world_step(struct world *world);
void world_drain(struct world *world); /* until nothing is to do */

/* The name of a node. */
const char *world_name(uint32_t node);

/* Start an operation; false if it cannot be now (all ops busy, or in each other's way). */
bool world_start(struct world *world, enum op_kind kind);

/* Start one of a kind chosen by chance, or step. */
void world_act(struct world *world);

/* The parts of world_start: requests to a volume's block, and those of the administration. */
bool op_start_io(struct op *op);
bool op_start_admin(struct op *op);
bool op_is_admin(enum op_kind kind);
bool op_has_way(const struct op *op);

/* What an operation of the administration makes of the models. */
void op_apply(const struct op *op, struct world *world, struct model *models);

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
