/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disk: blocks of metadata are sealed when they are written and checked when they are read.
 *
 * Bytes in, bytes out: nothing here waits, allocates or keeps state. What comes from the disk
 * is checked, never asserted.
 */
#ifndef STORE_FORMAT_H
#define STORE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/name.h"
#include "base/uuid.h"
#include "store/format_layout.h"

/* What tells a block apart from any other: filled in by seal, demanded by check. */
struct format_identity {
	enum format_kind kind;
	uint16_t level;
	uint64_t block;
	uint64_t owner;
	uint64_t index;
};

/* Write the header of a finished block, checksum last. */
void format_seal(void *data, const struct format_identity *identity, const struct uuid *pool,
		 uint64_t generation, uint32_t used);

/* -ENODATA with a sentence that has the address, if the block is not what it should be. */
int format_check(const void *data, const struct format_identity *identity, const struct uuid *pool,
		 struct error *err);

/* True if the checksum is right, whatever the block is. */
bool format_is_intact(const void *data);

/*
 * A place: where a page lies and what it must be, in one number: the block's address (36
 * bits, 256 TiB) and 28 bits of its checksum, so that an older page at the right address (a
 * lost write) is found out. 0 is no page.
 */
static inline uint64_t format_place(uint64_t block, uint32_t crc)
{
	return block << 28 | (crc & 0xfffffff);
}

static inline uint64_t format_place_block(uint64_t place)
{
	return place >> 28;
}

/* A page that repair found lost: its range answers -ENODATA for ever. */
#define FORMAT_PLACE_LOST UINT64_C(1)

/* The place of a sealed page. */
uint64_t format_place_of(const void *data);

/* As format_check, and the checksum must be the one in the place. */
int format_check_place(const void *data, uint64_t place, const struct format_identity *identity,
		       const struct uuid *pool, struct error *err);

#endif
