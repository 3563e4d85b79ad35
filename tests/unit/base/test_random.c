/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seeded generator is splitmix64, bit for bit: a seed must replay for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/random.h"

static void a_seed_gives_the_known_sequence(void **state)
{
	static const uint64_t expected[] = {
		UINT64_C(0xe220a8397b1dcdaf), UINT64_C(0x6e789e6aa1b965f4),
		UINT64_C(0x06c45d188009454f), UINT64_C(0xf88bb8a8724c81ec),
		UINT64_C(0x1b39896a51a8749b),
	};
	struct random random = {0};

	for (size_t i = 0; i < 5; i++)
		assert_true(random_next(&random) == expected[i]);
}

static void below_stays_below_and_reaches_all(void **state)
{
	struct random random = {42};
	unsigned counts[10] = {0};

	for (int i = 0; i < 10000; i++) {
		uint64_t value = random_below(&random, 10);

		assert_true(value < 10);
		counts[value]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(counts[i], 850, 1150);
	assert_int_equal(random_below(&random, 1), 0);
	for (int i = 0; i < 1000; i++)
		assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
}

static void bytes_fill_the_buffer_and_no_more(void **state)
{
	uint8_t buf[66];
	uint8_t zeros[64] = {0};
	uint8_t first[64];

	memset(buf, 0, sizeof(buf));
	random_bytes(buf + 1, 64);
	memcpy(first, buf + 1, 64);
	assert_memory_not_equal(first, zeros, 64);
	random_bytes(buf + 1, 64);
	assert_memory_not_equal(first, buf + 1, 64);
	assert_int_equal(buf[0], 0);
	assert_int_equal(buf[65], 0);
	random_bytes(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_gives_the_known_sequence),
		cmocka_unit_test(below_stays_below_and_reaches_all),
		cmocka_unit_test(bytes_fill_the_buffer_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
