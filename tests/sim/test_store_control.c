/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The negative control: pools with a known mistake in them must be found out, or the
 * simulation is worth nothing. Each mistake gets a number of programs; one failure is enough.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/world.h"

#define PROGRAMS 60

struct mistake {
	const char *name;
	struct pool_faults faults;
	bool ignores_flushes; /* the disk's */
	bool keeps_boot;      /* the node's */
};

static bool program_fails(uint64_t seed, const struct mistake *mistake, uint64_t *states)
{
	const struct sim_faults faults = {.ignores_flushes = mistake->ignores_flushes};
	struct world *world = world_new(seed, &mistake->faults);
	bool failed;

	sim_disk_set_faults(world->disk, &faults);
	world->keeps_boot = mistake->keeps_boot;
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
static bool control(const struct mistake *mistake)
{
	uint64_t states = 0;

	for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
		if (program_fails(seed, mistake, &states)) {
			(void)printf("%s: found by seed %" PRIu64 " after %" PRIu64
				     " crash images\n",
				     mistake->name, seed, states);
			return true;
		}
	}
	(void)printf("%s: NOT FOUND in %" PRIu64 " crash images\n", mistake->name, states);
	return false;
}

int main(void)
{
	static const struct mistake mistakes[] = {
		{"no flush of data before the record", .faults.skips_data_flush = true},
		{"no flush of the record before the answer", .faults.skips_journal_flush = true},
		{"superblock before the checkpoint is durable", .faults.switches_early = true},
		{"extents reused before their record is durable",
		 .faults.reuses_extents_early = true},
		{"extents punched before their record is durable", .faults.punches_early = true},
		{"slots of the last checkpoint overwritten", .faults.reuses_slots_early = true},
		{"acknowledged before the words are in the journal", .faults.answers_early = true},
		{"unsealed records replayed after a power failure", .keeps_boot = true},
		{"a disk that ignores flushes", .ignores_flushes = true},
	};
	bool is_ok = true;

	for (unsigned i = 0; i < ARRAY_SIZE(mistakes); i++)
		is_ok &= control(&mistakes[i]);
	return is_ok ? 0 : 1;
}
