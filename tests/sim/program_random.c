/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/program.h"

#define ROUNDS	     4
#define ACTS	     400
#define ACTS_A_CRASH 8
#define DEPTH_END    4 /* crashes while recovering from one: up to 3 */

/* Mostly none: what is deeper takes longer and finds less. */
static unsigned choose_depth(struct random *random)
{
	return random_below(random, 3) ? 0 : (unsigned)random_below(random, DEPTH_END);
}

bool program_end(struct world *world, const char *kind)
{
	bool is_well = world_is_well(world);

	if (!is_well)
		(void)fprintf(stderr,
			      "FAILED: seed %" PRIu64 ": %s\n"
			      "again: BERTH_SIM_SEED=%" PRIu64 " build/test/tests/sim/sim %s\n",
			      world->seed, world->failure, world->seed, kind);
	world_free(world);
	return is_well;
}

bool program_random(uint64_t seed, struct states *states)
{
	struct world *world = world_new(seed, NULL, states);

	for (int round = 0; round < ROUNDS && world_is_well(world); round++) {
		for (int act = 0; act < ACTS && world_is_well(world); act++) {
			world_act(world);
			if (random_below(&world->random, ACTS_A_CRASH) == 0)
				world_check_crash(world, choose_depth(&world->random));
		}
		if (world_is_well(world))
			world_crash(world, choose_depth(&world->random));
	}
	return program_end(world, "random");
}
