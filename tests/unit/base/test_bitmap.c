/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bitmaps: single bits, searches across word borders, counting a part of a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bitmap.h"

#define BITS 200

static void one_bit_is_set_and_cleared_alone(void **state)
{
	uint64_t words[BITMAP_WORDS(BITS)] = {0};

	for (uint64_t bit = 0; bit < BITS; bit++) {
		bitmap_set(words, bit);
		for (uint64_t other = 0; other < BITS; other++)
			assert_int_equal(bitmap_has(words, other), other == bit);
		bitmap_clear(words, bit);
		assert_int_equal(bitmap_count(words, BITS), 0);
	}
}

static void bits_lie_from_the_lowest_of_word_0(void **state)
{
	uint64_t words[2] = {0};

	bitmap_set(words, 0);
	bitmap_set(words, 63);
	bitmap_set(words, 65);
	assert_true(words[0] == UINT64_C(0x8000000000000001));
	assert_true(words[1] == 2);
}

static void words_are_counted_up(void **state)
{
	assert_int_equal(BITMAP_WORDS(0), 0);
	assert_int_equal(BITMAP_WORDS(1), 1);
	assert_int_equal(BITMAP_WORDS(64), 1);
	assert_int_equal(BITMAP_WORDS(65), 2);
}

/* Every start and end, against the bit by bit answer, in a map with few and with many bits. */
static void check_all_ranges(const uint64_t *words)
{
	for (uint64_t start = 0; start <= BITS; start++) {
		uint64_t set = start;
		uint64_t clear = start;

		while (set < BITS && !bitmap_has(words, set))
			set++;
		while (clear < BITS && bitmap_has(words, clear))
			clear++;
		for (uint64_t end = start; end <= BITS; end++) {
			uint64_t expected_set = set < end ? set : end;
			uint64_t expected_clear = clear < end ? clear : end;

			assert_int_equal(bitmap_find_set(words, start, end), expected_set);
			assert_int_equal(bitmap_find_clear(words, start, end), expected_clear);
		}
	}
}

static void searches_agree_with_looking_at_each_bit(void **state)
{
	uint64_t few[BITMAP_WORDS(BITS)] = {0};
	uint64_t many[BITMAP_WORDS(BITS)];

	bitmap_set(few, 3);
	bitmap_set(few, 64);
	bitmap_set(few, 127);
	bitmap_set(few, 198);
	for (size_t i = 0; i < BITMAP_WORDS(BITS); i++)
		many[i] = ~few[i];
	check_all_ranges(few);
	check_all_ranges(many);
}

static void search_in_nothing_finds_its_end(void **state)
{
	uint64_t words[1] = {~UINT64_C(0)};

	assert_int_equal(bitmap_find_set(words, 7, 7), 7);
	assert_int_equal(bitmap_find_clear(words, 0, 64), 64);
}

static void count_stops_at_the_given_bit(void **state)
{
	uint64_t words[2] = {~UINT64_C(0), ~UINT64_C(0)};

	assert_int_equal(bitmap_count(words, 0), 0);
	assert_int_equal(bitmap_count(words, 1), 1);
	assert_int_equal(bitmap_count(words, 64), 64);
	assert_int_equal(bitmap_count(words, 100), 100);
	assert_int_equal(bitmap_count(words, 128), 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_bit_is_set_and_cleared_alone),
		cmocka_unit_test(bits_lie_from_the_lowest_of_word_0),
		cmocka_unit_test(words_are_counted_up),
		cmocka_unit_test(searches_agree_with_looking_at_each_bit),
		cmocka_unit_test(search_in_nothing_finds_its_end),
		cmocka_unit_test(count_stops_at_the_given_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
