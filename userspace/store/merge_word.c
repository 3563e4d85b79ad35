/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/merge_word.h"

#include "store/word.h"

static void merge_places(uint64_t below, uint64_t above, uint16_t visible, struct merge_word *out)
{
	uint16_t written = word_written(above);
	bool moves_up = __builtin_popcount(visible) <= __builtin_popcount(written);
	uint32_t kept = word_place(moves_up ? above : below);

	out->from = word_place(moves_up ? below : above);
	out->to = kept;
	out->copied = moves_up ? visible : written;
	out->freed_place = out->from;
	out->word = word_make(kept, written | visible, 0);
}

struct merge_word merge_word(uint64_t below, uint64_t above, bool has_parent)
{
	uint16_t decided = word_written(above) | word_zero(above);
	uint16_t visible = (uint16_t)(word_written(below) & ~decided);
	uint16_t zero = (uint16_t)(word_zero(above) | (word_zero(below) & ~decided));
	struct merge_word merged = {.word = above};

	if (!visible) {
		merged.freed_place = word_place(below);
		merged.word = word_make(word_place(above), word_written(above), 0);
	} else if (!word_place(above)) {
		merged.word = word_make(word_place(below), visible, 0);
	} else {
		merge_places(below, above, visible, &merged);
	}
	if (has_parent)
		merged.word |= zero;
	return merged;
}
