/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All short programs, with crashes after every single event, also in the midst of an operation
 * that another one runs into. Most known bugs of file systems need no more.
 *
 * The number of a program has its letters, and in its lowest bit whether each operation is over
 * before the next begins. What comes before the last operation then is a shorter program's: only
 * the last one is broken off.
 */
#include "base/compiler.h"
#include "tests/sim/program.h"

#define IMAGES 4  /* of those that a crash may leave, at each point */
#define TRIES  20 /* to find something that the operation can be about */

static const enum op_kind alphabet[] = {
	OP_WRITE, OP_WRITE_FUA, OP_UNMAP,      OP_UNMAP_ALL, OP_FLUSH,	  OP_CREATE, OP_DELETE,
	OP_GROW,  OP_MARK,	OP_CHECKPOINT, OP_POOL_GROW, OP_SNAPSHOT, OP_CLONE,  OP_REVERT,
};

/* Something to overwrite, to unmap, to delete. */
static void world_prepare(struct world *world)
{
	static const enum op_kind before[] = {OP_WRITE, OP_UNMAP,    OP_FLUSH,
					      OP_WRITE, OP_SNAPSHOT, OP_WRITE};

	for (unsigned i = 0; i < ARRAY_SIZE(before); i++) {
		(void)world_start(world, before[i]); /* some find nothing to be about */
		world_drain(world);
	}
}

bool program_has(uint64_t seed, unsigned length)
{
	uint64_t end = 2;

	for (unsigned i = 0; i < length; i++)
		end *= ARRAY_SIZE(alphabet);
	return seed < end;
}

bool program_exhaustive(uint64_t seed, unsigned length, struct states *states)
{
	static const char *const kinds[] = {"exhaustive 0", "exhaustive 1", "exhaustive 2",
					    "exhaustive 3"};
	struct world *world = world_new(seed, NULL, states);
	uint64_t letters = seed / 2;
	bool waits = seed % 2;

	world_prepare(world);
	for (unsigned i = 0; i < length; i++) {
		unsigned tries = TRIES;

		while (tries-- > 0 && !world_start(world, alphabet[letters % ARRAY_SIZE(alphabet)]))
			;
		letters /= ARRAY_SIZE(alphabet);
		if (waits && i + 1 < length)
			world_drain(world);
	}
	do {
		for (unsigned image = 0; image < IMAGES && world_is_well(world); image++)
			world_check_crash(world, 0);
	} while (world_is_well(world) && world_step(world));
	return program_end(world, kinds[length]);
}
