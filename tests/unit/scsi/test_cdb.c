/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields that all CDBs of a group share. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/cdb.h"

static void length_follows_from_the_group(void **state)
{
	(void)state;
	assert_int_equal(cdb_len(0x00), 6);
	assert_int_equal(cdb_len(0x1f), 6);
	assert_int_equal(cdb_len(0x28), 10);
	assert_int_equal(cdb_len(0x5f), 10);
	assert_int_equal(cdb_len(0x88), 16);
	assert_int_equal(cdb_len(0xa8), 12);
	assert_int_equal(cdb_len(0x7f), 0);
	assert_int_equal(cdb_len(0xc0), 0);
	assert_int_equal(cdb_len(0xff), 0);
}

static void six_bytes_have_21_bits_of_address(void **state)
{
	static const uint8_t cdb[6] = {0x08, 0xff, 0x23, 0x45, 0x67, 0};

	(void)state;
	assert_int_equal(cdb_lba(cdb), 0x1f2345);
	assert_int_equal(cdb_transfer_length(cdb), 0x67);
}

static void ten_bytes(void **state)
{
	static const uint8_t cdb[10] = {0x28, 0, 0x89, 0xab, 0xcd, 0xef, 0xff, 0x12, 0x34, 0};

	(void)state;
	assert_int_equal(cdb_lba(cdb), 0x89abcdef);
	assert_int_equal(cdb_transfer_length(cdb), 0x1234);
}

static void twelve_bytes(void **state)
{
	static const uint8_t cdb[12] = {0xa8, 0, 0x89, 0xab, 0xcd, 0xef, 0x87, 0x65, 0x43, 0x21};

	(void)state;
	assert_int_equal(cdb_lba(cdb), 0x89abcdef);
	assert_int_equal(cdb_transfer_length(cdb), 0x87654321);
}

static void sixteen_bytes(void **state)
{
	static const uint8_t cdb[16] = {0x88, 0,    0xfe, 0xdc, 0xba, 0x98, 0x76,
					0x54, 0x32, 0x10, 0x87, 0x65, 0x43, 0x21};

	(void)state;
	assert_true(cdb_lba(cdb) == UINT64_C(0xfedcba9876543210));
	assert_int_equal(cdb_transfer_length(cdb), 0x87654321);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(length_follows_from_the_group),
		cmocka_unit_test(six_bytes_have_21_bits_of_address),
		cmocka_unit_test(ten_bytes),
		cmocka_unit_test(twelve_bytes),
		cmocka_unit_test(sixteen_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
