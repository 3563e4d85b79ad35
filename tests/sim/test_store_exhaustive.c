/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All programs of one and two operations (three with an argument), with a crash after every
 * single event, also in the midst of an operation that another one runs into. Most known
 * bugs of file systems need no more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/world.h"

#define IMAGES 3 /* of those that a crash may leave, at each point */

static const enum op_kind alphabet[] = {OP_WRITE, OP_WRITE_FUA, OP_UNMAP,  OP_UNMAP_ALL,
					OP_FLUSH, OP_CREATE,	OP_DELETE, OP_GROW,
					OP_MARK,  OP_CHECKPOINT};

/* `waits`: each operation is over before the next begins; else they run into each other. */
static bool run_program(const unsigned *letters, unsigned count, bool waits, uint64_t *states)
{
	uint64_t seed = letters[0] + 10 * letters[1] + 100 * (uint64_t)count;
	struct world *world = world_new(seed, NULL);
	bool is_well;

	/* Something to overwrite, unmap and delete. */
	(void)world_start(world, OP_WRITE);
	world_drain(world);
	for (unsigned i = 0; i < count; i++) {
		unsigned tries = 20; /* each at a volume chosen by chance */

		while (tries-- > 0 && !world_start(world, alphabet[letters[i]]))
			;
		while ((waits || i + 1 == count) && world_is_well(world) && world_step(world)) {
			for (unsigned image = 0; image < IMAGES; image++)
				world_check_crash(world, 0);
		}
	}
	is_well = world_is_well(world);
	if (!is_well)
		(void)fprintf(stderr, "FAILED: program %u %u %u (%u long): %s\n", letters[0],
			      letters[1], letters[2], count, world->failure);
	*states += world->states;
	world_free(world);
	return is_well;
}

int main(int argc, char **argv)
{
	const unsigned letters_count = ARRAY_SIZE(alphabet);
	unsigned length = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2;
	unsigned middle = length > 1 ? letters_count : 1;
	unsigned last = length > 2 ? letters_count : 1;
	uint64_t states = 0;
	uint64_t programs = 0;
	unsigned failures = 0;

	for (unsigned a = 0; a < letters_count; a++) {
		for (unsigned b = 0; b < middle; b++) {
			for (unsigned c = 0; c < last && failures < 5; c++) {
				const unsigned letters[] = {a, b, c};

				failures += !run_program(letters, length, false, &states);
				failures += !run_program(letters, length, true, &states);
				programs += 2;
			}
		}
	}
	(void)printf("%" PRIu64 " programs, %" PRIu64 " crash images, %u failures\n", programs,
		     states, failures);
	return failures ? 1 : 0;
}
