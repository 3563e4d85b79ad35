/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Golden bytes of the reports about LUNs, commands and task management. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "scsi/report.h"

static const struct scsi_command read_10 = {
	.opcode = 0x28,
	.cdb_len = 10,
	.usage = {0x28, 0x18, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0},
};

static const struct scsi_command read_capacity_16 = {
	.opcode = 0x9e, .has_service_action = true, .service_action = 0x10, .cdb_len = 16};

static void luns(void **state)
{
	static const uint8_t one[16] = {0, 0, 0, 8};
	uint8_t out[REPORT_LUNS_LEN_MAX];

	(void)state;
	memset(out, 0xa5, sizeof(out));
	assert_int_equal(report_luns_encode(out, 1), 16);
	assert_memory_equal(out, one, sizeof(one));
	assert_int_equal(report_luns_encode(out, 0), 8);
	assert_int_equal(out[3], 0);
}

static void entry_of_a_plain_command(void **state)
{
	static const uint8_t expected[8] = {0x28, 0, 0, 0, 0, 0, 0, 10};
	uint8_t out[REPORT_OPCODE_ENTRY_LEN];

	(void)state;
	memset(out, 0xa5, sizeof(out));
	assert_int_equal(report_opcodes_encode(out, &read_10, false), 8);
	assert_memory_equal(out, expected, 8);
}

static void entry_with_service_action_and_timeouts(void **state)
{
	static const uint8_t expected[20] = {0x9e, 0, 0, 0x10, 0, 0x03, 0, 16, 0, 10};
	uint8_t out[REPORT_OPCODE_ENTRY_LEN];

	(void)state;
	memset(out, 0xa5, sizeof(out));
	assert_int_equal(report_opcodes_encode(out, &read_capacity_16, true), 20);
	assert_memory_equal(out, expected, 20);
}

static void one_command_shows_its_usage(void **state)
{
	static const uint8_t expected[26] = {0,	   0x83, 0, 10,	  0x28, 0x18, 0xff, 0xff,
					     0xff, 0xff, 0, 0xff, 0xff, 0,    0,    10};
	uint8_t out[REPORT_OPCODE_ONE_LEN_MAX];

	(void)state;
	memset(out, 0xa5, sizeof(out));
	assert_int_equal(report_opcode_encode_one(out, &read_10, true), 26);
	assert_memory_equal(out, expected, 26);
	assert_int_equal(report_opcode_encode_one(out, &read_10, false), 14);
	assert_int_equal(out[1], 0x03);
}

static void unsupported_command(void **state)
{
	static const uint8_t expected[4] = {0, 0x01, 0, 0};
	uint8_t out[REPORT_OPCODE_ONE_LEN_MAX];

	(void)state;
	assert_int_equal(report_opcode_encode_one(out, NULL, true), 4);
	assert_memory_equal(out, expected, 4);
}

static void task_management_functions(void **state)
{
	static const uint8_t expected[16] = {0xda, 0, 0, 0x0c};
	uint8_t out[REPORT_FUNCTIONS_LEN_MAX];

	(void)state;
	memset(out, 0xa5, sizeof(out));
	assert_int_equal(report_functions_encode(out, true), 16);
	assert_memory_equal(out, expected, 16);
	assert_int_equal(report_functions_encode(out, false), 4);
	assert_int_equal(out[3], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(luns),
		cmocka_unit_test(entry_of_a_plain_command),
		cmocka_unit_test(entry_with_service_action_and_timeouts),
		cmocka_unit_test(one_command_shows_its_usage),
		cmocka_unit_test(unsupported_command),
		cmocka_unit_test(task_management_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
