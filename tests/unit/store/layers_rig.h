/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A volume over layers, and plain memory that says what each of them reads as. */
#ifndef TESTS_STORE_LAYERS_RIG_H
#define TESTS_STORE_LAYERS_RIG_H

#include "base/random.h"
#include "tests/unit/store/store_fixture.h"

#define RIG_SPAN (64 * MIB) /* of the volume that is used: three leaves */

struct rig {
	struct fixture fixture;
	struct volume *volume;
	struct random random;
	uint8_t *model;
	unsigned depth; /* snapshots taken: s0, s1, ... */
};

/* A pool with volume "v" of more than RIG_SPAN. */
void rig_start(struct rig *rig, uint32_t disk_block_bytes);
void rig_stop(struct rig *rig);

/* What the volume has now stays as a snapshot; it goes on with an empty layer over that. */
void rig_freeze(struct rig *rig);

/* Requests to the volume, also carried out in the model; they must succeed. */
void rig_write(struct rig *rig, uint64_t offset, uint64_t length);
void rig_unmap(struct rig *rig, uint64_t offset, uint64_t length);

/* The volume reads as the model there. */
void rig_check(struct rig *rig, uint64_t offset, uint64_t length);
void rig_check_all(struct rig *rig);

/* A random request of sector granularity within RIG_SPAN, checked if it is a read. */
void rig_act(struct rig *rig);

/* What layer_shadows says, summed up over all words of the volume's layer and its parent. */
uint64_t rig_count_shadowed(struct rig *rig);

#endif
