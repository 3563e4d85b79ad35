/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts crash states and tells the different images among them apart, by their hash. An image
 * that was looked at at the same moment of the same world says nothing new: that is no state.
 */
#ifndef TESTS_SIM_STATES_H
#define TESTS_SIM_STATES_H

#include <stdbool.h>
#include <stdint.h>

struct states {
	uint64_t looked_at;
	uint64_t repeated; /* not looked at again */
	uint64_t distinct;
	uint64_t worlds;
	uint64_t *table; /* hashes, 0: empty */
	uint64_t capacity, used;
};

void states_init(struct states *states);
void states_fini(struct states *states);

/* False if this image was looked at at this moment (any number that says when) before. */
bool states_add(struct states *states, uint64_t image, uint64_t moment);

#endif
