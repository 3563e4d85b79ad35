/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of programs that worlds are put through. Each takes what to do from its seed alone,
 * adds to the states, and returns false if something was wrong, having said what, with the
 * command that shows it again.
 */
#ifndef TESTS_SIM_PROGRAM_H
#define TESTS_SIM_PROGRAM_H

#include "tests/sim/world.h"

/* A long program by chance, with crashes at any point, and crashes while recovering. */
bool program_random(uint64_t seed, struct states *states);

/*
 * All programs of `length` operations (1 to 3), with a crash after every single event: `seed`
 * says which one. False from program_has if there is no such.
 */
bool program_has(uint64_t seed, unsigned length);
bool program_exhaustive(uint64_t seed, unsigned length, struct states *states);

/* The n-th request of the disk fails, for every n, in every way. */
bool program_errors(uint64_t seed, struct states *states);

/* Every known mistake must be found; false, and said so, for one that is not. */
bool program_control(struct states *states);

/* Says what was wrong with a world, and how to see it again; frees it. True if nothing was. */
bool program_end(struct world *world, const char *kind);

#endif
