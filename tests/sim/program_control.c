/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The negative control: pools with a known mistake in them must be found out, or the
 * simulation is worth nothing. Each mistake gets a number of programs; one failure is enough.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/compiler.h"
#include "tests/sim/program.h"

#define PROGRAMS     150
#define ACTS	     600
#define ACTS_A_CRASH 8

struct mistake {
	const char *name;
	struct pool_faults faults;
	bool ignores_flushes; /* the disk's */
	bool keeps_boot;      /* the node's */
};

static bool program_fails(uint64_t seed, const struct mistake *mistake, struct states *states)
{
	const struct sim_faults faults = {.ignores_flushes = mistake->ignores_flushes};
	struct world *world = world_new(seed, &mistake->faults, states);
	bool failed;

	sim_disk_set_faults(world->disk, &faults);
	world->keeps_boot = mistake->keeps_boot;
	for (int act = 0; act < ACTS && world_is_well(world); act++) {
		world_act(world);
		if (random_below(&world->random, ACTS_A_CRASH) == 0)
			world_check_crash(world, 0);
	}
	failed = !world_is_well(world);
	world_free(world);
	return failed;
}

/* False, and said so, if no program finds it. */
static bool control(const struct mistake *mistake, struct states *states)
{
	uint64_t before = states->looked_at;

	for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
		if (program_fails(seed, mistake, states)) {
			(void)printf("%s: found by seed %" PRIu64 " after %" PRIu64 " states\n",
				     mistake->name, seed, states->looked_at - before);
			return true;
		}
	}
	(void)printf("%s: NOT FOUND in %" PRIu64 " states\n", mistake->name,
		     states->looked_at - before);
	return false;
}

bool program_control(struct states *states)
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
		{"views kept of what has moved", .faults.keeps_views = true},
		{"unsealed records replayed after a power failure", .keeps_boot = true},
		{"a disk that ignores flushes", .ignores_flushes = true},
	};
	bool is_ok = true;

	for (unsigned i = 0; i < ARRAY_SIZE(mistakes); i++)
		is_ok &= control(&mistakes[i], states);
	return is_ok;
}
