/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Golden bytes of READ CAPACITY and GET LBA STATUS data; UNMAP lists, whole and broken. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "scsi/capacity.h"

static void capacity_10_ends_at_32_bits(void **state)
{
	static const uint8_t small[8] = {0x00, 0x01, 0x02, 0x03, 0, 0, 2, 0};
	static const uint8_t large[8] = {0xff, 0xff, 0xff, 0xff, 0, 0, 2, 0};
	struct capacity capacity = {.block_count = 0x10204, .block_bytes = 512};
	uint8_t out[CAPACITY_10_LEN];

	(void)state;
	capacity_encode_10(out, &capacity);
	assert_memory_equal(out, small, sizeof(small));
	capacity.block_count = UINT64_C(1) << 32;
	capacity_encode_10(out, &capacity);
	assert_memory_equal(out, large, sizeof(large));
	capacity.block_count = (UINT64_C(1) << 32) + 1;
	capacity_encode_10(out, &capacity);
	assert_memory_equal(out, large, sizeof(large));
}

static void capacity_16(void **state)
{
	static const uint8_t expected[32] = {0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0x99,
					     0, 0, 2, 0,    0,	  3,	0xc0, 0};
	struct capacity capacity = {.block_count = UINT64_C(0x123456789a),
				    .block_bytes = 512,
				    .physical_exponent = 3,
				    .is_thin = true};
	uint8_t out[CAPACITY_16_LEN];

	(void)state;
	memset(out, 0xa5, sizeof(out));
	capacity_encode_16(out, &capacity);
	assert_memory_equal(out, expected, sizeof(expected));
	capacity.is_thin = false;
	capacity_encode_16(out, &capacity);
	assert_int_equal(out[14], 0);
}

static void lba_status(void **state)
{
	static const uint8_t expected[24] = {0, 0, 0, 0x14, 0, 0,  0,  0,  1, 2, 3, 4,
					     5, 6, 7, 8,    9, 10, 11, 12, 1, 0, 0, 0};
	uint8_t out[24];

	(void)state;
	memset(out, 0xa5, sizeof(out));
	lba_status_encode_header(out, 1);
	lba_status_encode(out + 8, UINT64_C(0x0102030405060708), 0x090a0b0c,
			  LBA_STATUS_DEALLOCATED);
	assert_memory_equal(out, expected, sizeof(expected));
}

static void unmap_list_of_two(void **state)
{
	static const uint8_t list[40] = {0, 38, 0, 32, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6,  7, 8, 0, 0,
					 0, 9,	0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 1, 0};
	struct unmap_range range;
	uint32_t count = 0;

	(void)state;
	assert_int_equal(unmap_decode_count(list, sizeof(list), &count), 0);
	assert_int_equal(count, 2);
	range = unmap_decode(list, 0);
	assert_true(range.lba == UINT64_C(0x0102030405060708));
	assert_int_equal(range.block_count, 9);
	range = unmap_decode(list, 1);
	assert_int_equal(range.lba, 16);
	assert_int_equal(range.block_count, 256);
}

static void unmap_list_with_part_of_a_descriptor_leaves_it_out(void **state)
{
	static const uint8_t list[39] = {0, 37, 0, 31};
	uint32_t count = 0;

	(void)state;
	assert_int_equal(unmap_decode_count(list, sizeof(list), &count), 0);
	assert_int_equal(count, 1);
}

static void unmap_list_with_false_lengths_is_refused(void **state)
{
	static const uint8_t outer[24] = {0, 23, 0, 16};
	static const uint8_t inner[24] = {0, 22, 0, 17};
	uint32_t count = 77;

	(void)state;
	assert_int_equal(unmap_decode_count(outer, sizeof(outer), &count), -EINVAL);
	assert_int_equal(unmap_decode_count(inner, sizeof(inner), &count), -EINVAL);
	for (size_t len = 0; len < 8; len++)
		assert_int_equal(unmap_decode_count(outer, len, &count), -EMSGSIZE);
	assert_int_equal(count, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity_10_ends_at_32_bits),
		cmocka_unit_test(capacity_16),
		cmocka_unit_test(lba_status),
		cmocka_unit_test(unmap_list_of_two),
		cmocka_unit_test(unmap_list_with_part_of_a_descriptor_leaves_it_out),
		cmocka_unit_test(unmap_list_with_false_lengths_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
