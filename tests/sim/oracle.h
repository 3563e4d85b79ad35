/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may be read from a volume. Every sector that is written says whose it is: the volume's
 * incarnation, its own number, and the generation of the write. The oracle knows for each
 * sector which generation is surely durable, which was acknowledged, and which is the latest
 * that was ever asked for. Legal is, after a power failure, anything from the durable to the
 * latest one; if only the process died, from the acknowledged one on. Zeros (never written, or
 * unmapped) are a generation too.
 */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/size.h"

#define SECTOR_BYTES	   512
#define MODEL_SECTORS	   1152
#define WINDOW_SECTORS_MAX 384

/*
 * The parts of a volume that are used. Dense: 3 windows of 192 KiB, one over the border of two
 * leaves. Spread: 24 of 24 KiB, each over another such border, so that the leaves of three
 * volumes are more than the cache holds.
 */
void oracle_use_spread(bool is_spread);
uint32_t oracle_window_sectors(void);
uint64_t oracle_volume_bytes(void);

struct sector {
	uint32_t durable;
	uint32_t acked;
	uint32_t latest;
	uint32_t last_zero; /* generation of the last unmap asked for; 0: as it began */
};

struct model {
	bool exists;
	bool is_formatted;
	uint32_t incarnation;
	uint64_t size_bytes;
	struct sector sectors[MODEL_SECTORS];
};

/* Number within the volume of the sector with this index, and where its window begins. */
uint64_t oracle_sector_number(uint32_t index);

/* A new, empty one. */
void model_begin(struct model *model, uint32_t incarnation, uint64_t size_bytes);

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

bool oracle_is_legal(const struct model *model, struct finding *finding);

#endif
