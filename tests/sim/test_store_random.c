/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long random programs, with crashes at random points, also while recovering from one.
 *
 *   BERTH_SIM_SEED=n    only this seed
 *   test_store_random STATES    at least that many crash images (default 2000)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/sim/world.h"

static uint64_t run_program(uint64_t seed, bool *out_failed)
{
	struct world *world = world_new(seed, NULL);
	uint64_t states;

	for (int round = 0; round < 4 && world_is_well(world); round++) {
		for (int act = 0; act < 400 && world_is_well(world); act++) {
			world_act(world);
			if (random_below(&world->random, 25) == 0)
				world_check_crash(world, (unsigned)random_below(&world->random, 3));
		}
		if (world_is_well(world))
			world_crash(world, (unsigned)random_below(&world->random, 3));
	}
	*out_failed = !world_is_well(world);
	if (*out_failed)
		(void)fprintf(stderr, "FAILED with BERTH_SIM_SEED=%" PRIu64 ": %s\n", seed,
			      world->failure);
	states = world->states;
	world_free(world);
	return states;
}

int main(int argc, char **argv)
{
	const char *only = getenv("BERTH_SIM_SEED");
	uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000;
	uint64_t seed = only ? strtoull(only, NULL, 10) : 1;
	uint64_t states = 0;
	unsigned failures = 0;
	clock_t begin = clock();

	do {
		bool failed;

		states += run_program(seed++, &failed);
		failures += failed;
	} while (!only && states < wanted && failures < 5);
	(void)printf("%" PRIu64 " crash images, %u failures, %.0f images a second\n", states,
		     failures, (double)states * CLOCKS_PER_SEC / (double)(clock() - begin + 1));
	return failures ? 1 : 0;
}
