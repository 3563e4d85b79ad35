/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VERIFY, WRITE AND VERIFY and COMPARE AND WRITE. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "tests/unit/target/lun_rig.h"

/* More than the scratch memory holds: 200 blocks in two pieces. */
#define MANY 200

static uint8_t many[MANY * 512];

static int setup(void **state)
{
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = (uint8_t)(i * 31 + i / 512);
	return rig_setup(state);
}

static void verify_of_the_medium_reads_all_of_it(void **state)
{
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0x2f, 0, 0, 0, 0, 0, 0, 0, MANY, 0), NULL, 0);

	(void)state;
	assert_good(task);
	assert_int_equal(task->task.data_out_len, 0);
	assert_int_equal(rig.log_count, 3);
	assert_int_equal(rig.log[0].kind, BLOCK_FLUSH);
	assert_int_equal(rig.log[1].length + rig.log[2].length, MANY * 512);
	rig_task_free(task);
}

static void verify_compares_every_byte(void **state)
{
	static const uint8_t cdbs[][16] = {
		{0x2f, 0x02, [8] = MANY},
		{0xaf, 0x02, [9] = MANY},
		{0x8f, 0x02, [13] = MANY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cdbs); i++) {
		struct rig_task *task;

		memcpy(rig.bytes, many, sizeof(many));
		task = rig_execute(&rig, cdbs[i], 16, many, sizeof(many));
		assert_good(task);
		rig_task_free(task);

		rig.bytes[150 * 512 + 511] ^= 1;
		task = rig_execute(&rig, cdbs[i], 16, many, sizeof(many));
		assert_sense(task, 0x0e, 0x1d00);
		assert_int_equal(task->task.sense[0], 0xf0);
		assert_int_equal(get_be32(task->task.sense + 3), 150);
		rig_task_free(task);
	}
}

static void verify_against_one_block_takes_one_block(void **state)
{
	uint8_t block[512];
	struct rig_task *task;

	(void)state;
	memset(block, 0x5c, sizeof(block));
	memset(rig.bytes, 0x5c, MANY * 512);
	task = rig_execute(&rig, RIG_CDB(0x2f, 0x06, 0, 0, 0, 0, 0, 0, MANY, 0), block, 512);
	assert_good(task);
	assert_int_equal(task->task.data_out_len, 512);
	rig_task_free(task);
	rig.bytes[199 * 512] = 0;
	task = rig_execute(&rig, RIG_CDB(0x2f, 0x06, 0, 0, 0, 0, 0, 0, MANY, 0), block, 512);
	assert_sense(task, 0x0e, 0x1d00);
	assert_int_equal(get_be32(task->task.sense + 3), 199);
	rig_task_free(task);
}

static void verify_refuses_the_reserved_check_and_bad_ranges(void **state)
{
	static const struct {
		uint8_t cdb[10];
		uint16_t code;
	} cases[] = {
		{{0x2f, 0x04, [8] = 1}, 0x2400},
		{{0x2f, 0x20, [8] = 1}, 0x2400},
		{{0x2f, 0x00, 0, 0, 0x10, 0, [8] = 1}, 0x2100},
		{{0x2f, 0x02, [7] = 0x02, [8] = 0x01}, 0x2400},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rig_task *task = rig_execute(&rig, cases[i].cdb, 10, NULL, 0);

		assert_sense(task, 5, cases[i].code);
		rig_task_free(task);
	}
	assert_int_equal(rig.log_count, 0);
}

static void verify_of_nothing_is_good(void **state)
{
	static const uint8_t checks[] = {0x00, 0x02, 0x06};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		uint8_t cdb[10] = {0x2f, checks[i]};
		struct rig_task *task = rig_execute(&rig, cdb, 10, NULL, 0);

		assert_good(task);
		rig_task_free(task);
	}
	assert_int_equal(rig.log_count, 0);
}

static void verify_tells_of_a_medium_that_cannot_be_read(void **state)
{
	struct rig_task *task;

	(void)state;
	rig.fail_kind = BLOCK_READ;
	rig.fail_error = -EIO;
	task = rig_execute(&rig, RIG_CDB(0x2f, 0, 0, 0, 0, 0, 0, 0, 1, 0), NULL, 0);
	assert_sense(task, 3, 0x1100);
	rig_task_free(task);
}

static void write_and_verify_writes_through_and_reads_back(void **state)
{
	static const uint8_t cdbs[][16] = {
		{0x2e, 0x02, [8] = MANY},
		{0xae, 0x02, [9] = MANY},
		{0x8e, 0x02, [13] = MANY},
		{0x2e, 0x00, [8] = MANY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cdbs); i++) {
		struct rig_task *task;

		memset(rig.bytes, 0, sizeof(many));
		rig.log_count = 0;
		task = rig_execute(&rig, cdbs[i], 16, many, sizeof(many));
		assert_good(task);
		rig_task_free(task);
		assert_memory_equal(rig.bytes, many, sizeof(many));
		assert_int_equal(rig.log[0].kind, BLOCK_WRITE);
		assert_true(rig.log[0].fua);
		assert_int_equal(rig.log[1].kind, BLOCK_READ);
		assert_int_equal(rig.log_count, 3);
	}
}

static void write_and_verify_finds_what_the_medium_garbled(void **state)
{
	struct rig_task *task =
		rig_task_new(&rig, RIG_CDB(0x2e, 0x02, 0, 0, 0, 0, 0, 0, 2, 0), 1024);

	(void)state;
	assert_true(rig_prepare(task, many));
	rig_run(task);
	assert_true(rig_complete_one(&rig));
	rig.bytes[600] ^= 0x80;
	rig_settle(&rig);
	assert_sense(task, 0x0e, 0x1d00);
	assert_int_equal(get_be32(task->task.sense + 3), 1);
	rig_task_free(task);
}

static struct rig_task *swap(uint8_t blocks, const uint8_t *data, uint32_t len)
{
	const uint8_t cdb[16] = {0x89, [9] = 7, [13] = blocks};

	return rig_execute(&rig, cdb, sizeof(cdb), data, len);
}

static void compare_and_write_writes_if_all_is_as_expected(void **state)
{
	uint8_t data[4 * 512];
	struct rig_task *task;

	(void)state;
	memcpy(rig.bytes + 7 * 512, many, 1024);
	memcpy(data, many, 1024);
	memset(data + 1024, 0x99, 1024);
	task = swap(2, data, sizeof(data));
	assert_good(task);
	rig_task_free(task);
	assert_memory_equal(rig.bytes + 7 * 512, data + 1024, 1024);
}

static void compare_and_write_tells_where_it_differs_and_writes_nothing(void **state)
{
	uint8_t data[4 * 512];
	struct rig_task *task;

	(void)state;
	memcpy(rig.bytes + 7 * 512, many, 1024);
	memcpy(data, many, 1024);
	data[1000] ^= 1;
	task = swap(2, data, sizeof(data));
	assert_sense(task, 0x0e, 0x1d00);
	assert_int_equal(get_be32(task->task.sense + 3), 1000);
	rig_task_free(task);
	assert_memory_equal(rig.bytes + 7 * 512, many, 1024);
	assert_int_equal(rig.log_count, 1);
}

static void compare_and_write_wants_exactly_twice_the_blocks(void **state)
{
	static const uint32_t offers[] = {0, 512, 1023, 1025, 1536, 2048};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(offers); i++) {
		struct rig_task *task = swap(1, many, offers[i]);

		assert_sense(task, 5, 0x0e03);
		rig_task_free(task);
	}
	assert_int_equal(rig.log_count, 0);
}

static void compare_and_write_has_a_limit_and_does_nothing_with_zero(void **state)
{
	struct rig_task *task = swap(129, many, sizeof(many));

	(void)state;
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
	task = swap(0, many, 1024);
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
	task = swap(0, NULL, 0);
	assert_good(task);
	rig_task_free(task);
	assert_int_equal(rig.log_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(verify_of_the_medium_reads_all_of_it),
		TEST(verify_compares_every_byte),
		TEST(verify_against_one_block_takes_one_block),
		TEST(verify_refuses_the_reserved_check_and_bad_ranges),
		TEST(verify_of_nothing_is_good),
		TEST(verify_tells_of_a_medium_that_cannot_be_read),
		TEST(write_and_verify_writes_through_and_reads_back),
		TEST(write_and_verify_finds_what_the_medium_garbled),
		TEST(compare_and_write_writes_if_all_is_as_expected),
		TEST(compare_and_write_tells_where_it_differs_and_writes_nothing),
		TEST(compare_and_write_wants_exactly_twice_the_blocks),
		TEST(compare_and_write_has_a_limit_and_does_nothing_with_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
