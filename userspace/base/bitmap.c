/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/bitmap.h"

/* `flip` is all ones to look for clear bits, zero to look for set ones. */
static uint64_t bitmap_find(const uint64_t *words, uint64_t start, uint64_t end, uint64_t flip)
{
	uint64_t mask = ~UINT64_C(0) << (start % BITMAP_WORD_BITS);

	for (uint64_t bit = start; bit < end; mask = ~UINT64_C(0)) {
		uint64_t base = bit - bit % BITMAP_WORD_BITS;
		uint64_t word = (words[base / BITMAP_WORD_BITS] ^ flip) & mask;

		if (word) {
			bit = base + (uint64_t)__builtin_ctzll(word);
			return bit < end ? bit : end;
		}
		bit = base + BITMAP_WORD_BITS;
	}
	return end;
}

uint64_t bitmap_find_clear(const uint64_t *words, uint64_t start, uint64_t end)
{
	return bitmap_find(words, start, end, ~UINT64_C(0));
}

uint64_t bitmap_find_set(const uint64_t *words, uint64_t start, uint64_t end)
{
	return bitmap_find(words, start, end, 0);
}

uint64_t bitmap_count(const uint64_t *words, uint64_t bits)
{
	uint64_t whole = bits / BITMAP_WORD_BITS;
	uint64_t rest = bits % BITMAP_WORD_BITS;
	uint64_t count = 0;

	for (uint64_t i = 0; i < whole; i++)
		count += (uint64_t)__builtin_popcountll(words[i]);
	if (rest)
		count += (uint64_t)__builtin_popcountll(words[whole] & ((UINT64_C(1) << rest) - 1));
	return count;
}
