/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The n-th request of the disk fails, for every n: once, or that one and all after it; with
 * EIO or with ENOSPC. Whatever was flushed before must be there, whatever failed must have
 * said so, and the pool must open again on a disk that works.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/world.h"

struct variant {
	int result;
	bool fails_on;
};

/* False once n is past the end of the program: nothing failed. */
static bool run_program(uint64_t seed, uint64_t n, const struct variant *variant, uint64_t *states,
			unsigned *failures)
{
	struct world *world = world_new(seed, NULL);
	const struct sim_faults none = {0};
	struct sim_faults faults = {.fail_at = sim_disk_ended(world->disk) + n,
				    .fail_result = variant->result,
				    .fails_on = variant->fails_on};
	bool has_failed;

	sim_disk_set_faults(world->disk, &faults);
	for (int act = 0; act < 150 && world_is_well(world); act++)
		world_act(world);
	world_drain(world);
	has_failed = sim_disk_ended(world->disk) >= faults.fail_at;
	sim_disk_set_faults(world->disk, &none);
	/*
	 * A pool that failed marks its journal; where the disk took nothing more, whoever opened
	 * the pool has to remember that this boot is not to be trusted.
	 */
	if (variant->fails_on && world->pool->state == POOL_FAILED)
		world->boot++;
	for (unsigned i = 0; i < 6 && world_is_well(world); i++)
		world_check_crash(world, i % 3);
	if (!world_is_well(world)) {
		(void)fprintf(stderr, "FAILED: seed %" PRIu64 ", request %" PRIu64 "%s: %s\n", seed,
			      n, variant->fails_on ? " and later" : "", world->failure);
		(*failures)++;
	}
	*states += world->states;
	world_free(world);
	return has_failed;
}

int main(int argc, char **argv)
{
	static const struct variant variants[] = {{-EIO, false}, {-EIO, true}, {-ENOSPC, false}};
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t states = 0;
	unsigned failures = 0;

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		for (unsigned i = 0; i < ARRAY_SIZE(variants); i++) {
			for (uint64_t n = 1; failures < 5; n++) {
				if (!run_program(seed, n, &variants[i], &states, &failures))
					break;
			}
		}
	}
	(void)printf("%" PRIu64 " programs with a failure, %u failures\n", states, failures);
	return failures ? 1 : 0;
}
