/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The negative control: pools with a known mistake in them must be found out, or the
 * simulation is worth nothing. Each mistake gets a number of programs; one failure is enough.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/world.h"

#define PROGRAMS 60

static bool program_fails(uint64_t seed, const struct pool_faults *faults, bool lies,
			  uint64_t *states)
{
	const struct sim_faults lying = {.ignores_flushes = true};
	struct world *world = world_new(seed, faults);
	bool failed;

	if (lies)
		sim_disk_set_faults(world->disk, &lying);
	for (int act = 0; act < 600 && world_is_well(world); act++) {
		world_act(world);
		if (random_below(&world->random, 8) == 0)
			world_check_crash(world, 0);
	}
	failed = !world_is_well(world);
	*states += world->states;
	world_free(world);
	return failed;
}

/* False, and said so, if no program finds it. */
static bool control(const char *name, const struct pool_faults *faults, bool lies)
{
	uint64_t states = 0;

	for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
		if (program_fails(seed, faults, lies, &states)) {
			(void)printf("%s: found by seed %" PRIu64 " after %" PRIu64
				     " crash images\n",
				     name, seed, states);
			return true;
		}
	}
	(void)printf("%s: NOT FOUND in %" PRIu64 " crash images\n", name, states);
	return false;
}

int main(void)
{
	const struct pool_faults none = {0};
	const struct pool_faults data = {.skips_data_flush = true};
	const struct pool_faults journal = {.skips_journal_flush = true};
	const struct pool_faults early = {.switches_early = true};
	const struct pool_faults extents = {.reuses_extents_early = true};
	const struct pool_faults slots = {.reuses_slots_early = true};
	bool is_ok = true;

	is_ok &= control("no flush of data before the record", &data, false);
	is_ok &= control("no flush of the record before the answer", &journal, false);
	is_ok &= control("superblock before the checkpoint is durable", &early, false);
	is_ok &= control("extents reused before their record is durable", &extents, false);
	is_ok &= control("slots of the last checkpoint overwritten", &slots, false);
	is_ok &= control("a disk that ignores flushes", &none, true);
	return is_ok ? 0 : 1;
}
