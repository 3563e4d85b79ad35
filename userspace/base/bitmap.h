/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bitmap in an array of 64-bit words; bits are counted from the lowest of word 0. */
#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_WORD_BITS 64

#define BITMAP_WORDS(bits) (((size_t)(bits) + BITMAP_WORD_BITS - 1) / BITMAP_WORD_BITS)

static inline bool bitmap_has(const uint64_t *words, uint64_t bit)
{
	return words[bit / BITMAP_WORD_BITS] >> (bit % BITMAP_WORD_BITS) & 1;
}

static inline void bitmap_set(uint64_t *words, uint64_t bit)
{
	words[bit / BITMAP_WORD_BITS] |= UINT64_C(1) << (bit % BITMAP_WORD_BITS);
}

static inline void bitmap_clear(uint64_t *words, uint64_t bit)
{
	words[bit / BITMAP_WORD_BITS] &= ~(UINT64_C(1) << (bit % BITMAP_WORD_BITS));
}

/* First clear bit in [start, end), or `end` if all are set. */
uint64_t bitmap_find_clear(const uint64_t *words, uint64_t start, uint64_t end);

/* First set bit in [start, end), or `end` if none is. */
uint64_t bitmap_find_set(const uint64_t *words, uint64_t start, uint64_t end);

/* Number of set bits in [0, bits). */
uint64_t bitmap_count(const uint64_t *words, uint64_t bits);

#endif
