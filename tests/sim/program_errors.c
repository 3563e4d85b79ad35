/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The n-th request of the disk fails, for every n: once, or that one and all after it. Whatever
 * was flushed before must be there, whatever failed must have said so, and the pool must open
 * again on a disk that works.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/compiler.h"
#include "tests/sim/program.h"

#define ACTS 150

struct variant {
	const char *name;
	struct sim_faults faults;
};

/* False once n is past the end of the program: nothing failed. */
static bool run(uint64_t seed, uint64_t n, const struct variant *variant, struct states *states,
		bool *out_is_well)
{
	struct world *world = world_new(seed, NULL, states);
	const struct sim_faults none = {0};
	struct sim_faults faults = variant->faults;
	bool has_failed;

	faults.fail_at = sim_disk_ended(world->disk) + n;
	sim_disk_set_faults(world->disk, &faults);
	world->is_faulty = true;
	for (int act = 0; act < ACTS && world_is_well(world); act++)
		world_act(world);
	world_drain(world);
	has_failed = sim_disk_ended(world->disk) >= faults.fail_at;
	sim_disk_set_faults(world->disk, &none);
	if (world_is_well(world))
		world_check_crash(world, 0);
	if (!world_is_well(world))
		(void)fprintf(stderr, "request %" PRIu64 ", %s:\n", n, variant->name);
	*out_is_well = program_end(world, "errors");
	return has_failed;
}

bool program_errors(uint64_t seed, struct states *states)
{
	static const struct variant variants[] = {
		{"EIO once", {.fail_result = -EIO}},
		{"EIO from then on", {.fail_result = -EIO, .fails_on = true}},
		{"ENOSPC once", {.fail_result = -ENOSPC}},
		{"a flush forgets what it had to write",
		 {.fault = SIM_FORGETS, .kinds = SIM_KIND(BLOCK_FLUSH), .fail_result = -EIO}},
	};
	bool is_well = true;

	for (unsigned i = 0; i < ARRAY_SIZE(variants); i++) {
		for (uint64_t n = 1; is_well && run(seed, n, &variants[i], states, &is_well); n++)
			;
	}
	return is_well;
}
