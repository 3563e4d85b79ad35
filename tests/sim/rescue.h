/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a crash left, being opened and looked at: shared by rescue.c and look.c. */
#ifndef TESTS_SIM_RESCUE_H
#define TESTS_SIM_RESCUE_H

#include "tests/sim/world.h"

struct rescue {
	struct world *world; /* whose models count */
	struct block_queue queue;
	struct sim_disk *disk;
	struct pool *pool;
	uint64_t boot;
	bool had_power_failure; /* what was only acknowledged may be gone */
	struct store_request request;
	struct block_io io;
	bool is_done;
	int result;
	struct model models[WORLD_NODES]; /* answer: as it is now */
};

bool rescue_step(struct rescue *rescue);
void rescue_drain(struct rescue *rescue);

/*
 * Compare all content with what the oracle allows. An operation of the administration that was
 * under way has happened, or it has not: one of the two must fit everything that is found.
 */
void rescue_look(struct rescue *rescue);

#endif
