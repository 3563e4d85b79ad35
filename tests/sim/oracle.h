/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may be read from a volume or a snapshot. Every sector that is written says whose it is:
 * the volume's incarnation, its own number, and the generation of the write. The oracle knows
 * for each sector which generation is surely durable, which was acknowledged, and which is the
 * latest that was ever asked for. Legal is, after a power failure, anything from the durable to
 * the latest one; if only the process died, from the acknowledged one on. Zeros (never written,
 * or unmapped) are a generation too.
 *
 * A snapshot is a copy of the model of its volume, a clone one of its snapshot's. The volume
 * goes on in a new incarnation, as the clone does in its own: so a sector that was written after
 * the fork, on the other side of it, is found out wherever it turns up.
 */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/size.h"

#define SECTOR_BYTES	   512
#define MODEL_SECTORS	   1152 /* at most */
#define WINDOW_SECTORS_MAX 384
#define INCARNATIONS	   2048

/*
 * The parts of a volume that are used. Dense: 3 windows of 32 KiB, one over the border of two
 * extents, one of two leaves. Spread: 24 of 8 KiB, each over the border of two leaves, so that
 * the leaves of a few volumes are more than the cache holds. Wide: 3 of 192 KiB.
 */
enum shape {
	SHAPE_DENSE,
	SHAPE_SPREAD,
	SHAPE_WIDE
};

void oracle_use(enum shape shape);
uint32_t oracle_sectors(void); /* of a model */
uint32_t oracle_window_sectors(void);
uint64_t oracle_volume_bytes(void);

/* Who descends from whom: sectors of the parent count up to the generation of the fork. */
struct lineage {
	uint32_t count;
	struct {
		uint32_t parent; /* 0: none */
		uint32_t fork;
	} of[INCARNATIONS];
};

struct sector {
	uint32_t durable;
	uint32_t acked;
	uint32_t latest;
	uint32_t last_zero; /* generation of the last unmap asked for; 0: as it began */
};

struct model {
	bool exists;
	bool is_snapshot;
	bool is_formatted;
	uint32_t identity; /* of the volume, for as long as it lives */
	uint32_t origin;   /* of a snapshot: its volume's */
	uint32_t incarnation;
	uint32_t fork; /* of a snapshot: no write after this generation is in it */
	uint64_t size_bytes;
	struct sector sectors[MODEL_SECTORS];
};

/* Number within the volume of the sector with this index, and where its window begins. */
uint64_t oracle_sector_number(uint32_t index);

/* A copy, of the sectors that are in use. */
void model_copy(struct model *to, const struct model *from);

/* The content of a sector written with this generation. */
void oracle_fill(void *data, uint32_t incarnation, uint64_t number, uint32_t generation);

/* An operation with this generation was asked for, was acknowledged, is durable. */
void oracle_ask(struct model *model, uint32_t first, uint32_t count, uint32_t generation,
		bool is_zero);
void oracle_ack(struct model *model, uint32_t first, uint32_t count, uint32_t generation);
void oracle_harden(struct model *model, uint32_t first, uint32_t count, uint32_t generation);

/* All that was acknowledged when `then` was taken is durable. */
void oracle_harden_all(struct model *model, const struct model *then);

/* What was read from one sector, and what to make of it. */
struct finding {
	uint32_t index;
	const void *data;
	uint32_t least;	     /* everything from this generation on is legal */
	uint32_t generation; /* answer: what it is (zeros: of the last unmap) */
	char text[256];	     /* answer: why it is not legal */
};

bool oracle_is_legal(const struct lineage *lineage, const struct model *model,
		     struct finding *finding);

/* It is this one now, and will stay so. */
void oracle_settle(struct model *model, const struct finding *finding);

#endif
