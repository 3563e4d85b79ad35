/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte order: golden bytes at an odd address, and every width back and forth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"

static void big_end_comes_first_on_the_wire(void **state)
{
	static const uint8_t expected[] = {0,	 0x12, 0x34, 0x12, 0x34, 0x56, 0x12, 0x34, 0x56,
					   0x78, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0};
	uint8_t buf[sizeof(expected)] = {0};

	put_be16(buf + 1, 0x1234);
	put_be24(buf + 3, 0x123456);
	put_be32(buf + 6, 0x12345678);
	put_be64(buf + 10, UINT64_C(0x123456789abcdef0));
	assert_memory_equal(buf, expected, sizeof(expected));
	assert_int_equal(get_be16(buf + 1), 0x1234);
	assert_int_equal(get_be24(buf + 3), 0x123456);
	assert_int_equal(get_be32(buf + 6), 0x12345678);
	assert_true(get_be64(buf + 10) == UINT64_C(0x123456789abcdef0));
}

static void little_end_comes_first_on_the_disk(void **state)
{
	static const uint8_t expected[] = {0,	 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 0xf0,
					   0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12};
	uint8_t buf[sizeof(expected)] = {0};

	put_le16(buf + 1, 0x1234);
	put_le32(buf + 3, 0x12345678);
	put_le64(buf + 7, UINT64_C(0x123456789abcdef0));
	assert_memory_equal(buf, expected, sizeof(expected));
	assert_int_equal(get_le16(buf + 1), 0x1234);
	assert_int_equal(get_le32(buf + 3), 0x12345678);
	assert_true(get_le64(buf + 7) == UINT64_C(0x123456789abcdef0));
}

static void all_ones_keep_their_sign_out_of_it(void **state)
{
	uint8_t buf[8];

	memset(buf, 0xff, sizeof(buf));
	assert_int_equal(get_be16(buf), UINT16_MAX);
	assert_int_equal(get_be24(buf), 0xffffff);
	assert_true(get_be32(buf) == UINT32_MAX);
	assert_true(get_be64(buf) == UINT64_MAX);
	assert_int_equal(get_le16(buf), UINT16_MAX);
	assert_true(get_le32(buf) == UINT32_MAX);
	assert_true(get_le64(buf) == UINT64_MAX);
}

static void three_bytes_take_no_fourth(void **state)
{
	uint8_t buf[4] = {0, 0, 0, 0xaa};

	put_be24(buf, 0xff010203);
	assert_int_equal(buf[0], 1);
	assert_int_equal(buf[2], 3);
	assert_int_equal(buf[3], 0xaa);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(big_end_comes_first_on_the_wire),
		cmocka_unit_test(little_end_comes_first_on_the_disk),
		cmocka_unit_test(all_ones_keep_their_sign_out_of_it),
		cmocka_unit_test(three_bytes_take_no_fourth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
