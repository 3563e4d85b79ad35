/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A word: what a layer says about one logical extent of 64 KiB.
 *
 *   bit 63         32 31        16 15         0
 *      | place       | written    | zero       |
 *
 * place is the extent of the disk (0: none; extent 0 holds a superblock). A block with
 * its bit in `written` lies there; one with its bit in `zero` reads as zeros whatever the
 * parent layer has; one with neither is the parent's, and zeros where there is no parent.
 * A word without place has no written bits; one with a place has at least one.
 */
#ifndef STORE_WORD_H
#define STORE_WORD_H

#include <stdbool.h>
#include <stdint.h>

#define WORD_BLOCKS 16
#define WORD_ALL    0xffffu

static inline uint64_t word_make(uint32_t place, uint16_t written, uint16_t zero)
{
	return (uint64_t)place << 32 | (uint32_t)written << 16 | zero;
}

static inline uint32_t word_place(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static inline uint16_t word_written(uint64_t word)
{
	return (uint16_t)(word >> 16);
}

static inline uint16_t word_zero(uint64_t word)
{
	return (uint16_t)word;
}

/* The blocks of `mask` were written to the extent at `place`. */
static inline uint64_t word_write(uint64_t word, uint32_t place, uint16_t mask)
{
	return word_make(place, word_written(word) | mask, (uint16_t)(word_zero(word) & ~mask));
}

/*
 * The blocks of `mask` are to read as zeros. With a parent below that needs a zero bit;
 * without, no bit says the same. The place goes with the last written bit.
 */
static inline uint64_t word_clear(uint64_t word, uint16_t mask, bool has_parent)
{
	uint16_t written = (uint16_t)(word_written(word) & ~mask);
	uint16_t zero = (uint16_t)(has_parent ? word_zero(word) | mask : word_zero(word) & ~mask);

	return word_make(written ? word_place(word) : 0, written, zero);
}

/* What any word on the disk obeys, whatever its place. */
static inline bool word_is_sound(uint64_t word)
{
	return (word_place(word) != 0) == (word_written(word) != 0) &&
	       (word_written(word) & word_zero(word)) == 0;
}

#endif
