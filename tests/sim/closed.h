/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What berth-node check says of a pool on a simulated disk, before anybody opens it. */
#ifndef TESTS_SIM_CLOSED_H
#define TESTS_SIM_CLOSED_H

#include <stdbool.h>

#include "base/uuid.h"
#include "block/sim.h"

/* True if it is sound; else the sentence is about the first thing that was found. */
bool closed_pool_is_sound(struct sim_disk *disk, struct block_queue *queue,
			  const struct uuid *boot_id, char *out_sentence, size_t len);

#endif
