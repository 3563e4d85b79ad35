/* SPDX-License-Identifier: GPL-2.0-or-later */
/* READ, WRITE, SYNCHRONIZE CACHE and PRE-FETCH on a LUN in memory. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "tests/unit/target/lun_rig.h"

static void fill(uint8_t *data, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(seed + i * 7);
}

struct transfer {
	const char *name;
	uint8_t write[16];
	uint8_t read[16];
	size_t cdb_len;
};

static const struct transfer transfers[] = {
	{"6", {0x0a, 0, 0, 5, 3}, {0x08, 0, 0, 5, 3}, 6},
	{"10", {0x2a, 0, 0, 0, 0, 5, 0, 0, 3}, {0x28, 0, 0, 0, 0, 5, 0, 0, 3}, 10},
	{"12", {0xaa, 0, 0, 0, 0, 5, 0, 0, 0, 3}, {0xa8, 0, 0, 0, 0, 5, 0, 0, 0, 3}, 12},
	{"16",
	 {0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 3},
	 {0x88, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 3},
	 16},
};

static void what_was_written_is_read_back(void **state)
{
	uint8_t data[3 * 512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(transfers); i++) {
		const struct transfer *transfer = &transfers[i];
		struct rig_task *task;

		fill(data, sizeof(data), (uint8_t)(i + 1));
		task = rig_execute(&rig, transfer->write, transfer->cdb_len, data, sizeof(data));
		assert_good(task);
		assert_int_equal(task->task.data_out_len, sizeof(data));
		assert_int_equal(task->task.data_in_len, 0);
		rig_task_free(task);
		assert_memory_equal(rig.bytes + 5 * 512, data, sizeof(data));

		task = rig_execute(&rig, transfer->read, transfer->cdb_len, NULL, 0);
		assert_good(task);
		assert_int_equal(task->task.data_in_len, sizeof(data));
		assert_memory_equal(task->task.data, data, sizeof(data));
		rig_task_free(task);
	}
}

static void length_zero_of_six_bytes_is_256_blocks(void **state)
{
	struct rig_task *task = rig_execute(&rig, RIG_CDB(0x08, 0, 0, 0, 0, 0), NULL, 0);

	(void)state;
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 256 * 512);
	rig_task_free(task);
}

static void length_zero_touches_nothing(void **state)
{
	static const uint8_t opcodes[] = {0x28, 0x2a, 0xa8, 0xaa, 0x88, 0x8a};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		uint8_t cdb[16] = {opcodes[i]};
		struct rig_task *task = rig_execute(&rig, cdb, sizeof(cdb), NULL, 0);

		assert_good(task);
		assert_int_equal(task->done_count, 1);
		rig_task_free(task);
	}
	assert_int_equal(rig.log_count, 0);
}

static void beyond_the_end_is_out_of_range(void **state)
{
	/* 4096 blocks: the last is 0fffh. */
	static const uint8_t cdbs[][16] = {
		{0x28, 0, 0, 0, 0x0f, 0xff, 0, 0, 2},
		{0x28, 0, 0, 0, 0x10, 0x01, 0, 0, 0},
		{0x2a, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1},
		{0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1},
		/* The sum wraps around 2^64. */
		{0x8a, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2},
		{0x35, 0, 0, 0, 0x0f, 0xff, 0, 0, 2},
		{0x34, 0, 0, 0, 0x0f, 0xff, 0, 0, 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cdbs); i++) {
		struct rig_task *task = rig_execute(&rig, cdbs[i], 16, NULL, 0);

		assert_sense(task, 5, 0x2100);
		rig_task_free(task);
	}
	assert_int_equal(rig.log_count, 0);
}

static void out_of_range_names_the_first_missing_block(void **state)
{
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0x28, 0, 0, 0, 0x0f, 0xff, 0, 0, 2, 0), NULL, 0);

	(void)state;
	assert_sense(task, 5, 0x2100);
	assert_int_equal(task->task.sense[0], 0xf0);
	assert_int_equal(get_be32(task->task.sense + 3), 4096);
	rig_task_free(task);
}

static void last_block_can_be_read(void **state)
{
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0x28, 0, 0, 0, 0x0f, 0xff, 0, 0, 1, 0), NULL, 0);

	(void)state;
	assert_good(task);
	rig_task_free(task);
}

static void longer_than_the_limit_is_refused_with_its_field(void **state)
{
	/* 256 KiB are 512 blocks. */
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0x28, 0, 0, 0, 0, 0, 0, 0x02, 0x01, 0), NULL, 0);

	(void)state;
	assert_sense(task, 5, 0x2400);
	assert_int_equal(task->task.sense[15], 0xcf);
	assert_int_equal(get_be16(task->task.sense + 16), 7);
	rig_task_free(task);

	task = rig_execute(&rig, RIG_CDB(0x28, 0, 0, 0, 0, 0, 0, 0x02, 0x00, 0), NULL, 0);
	assert_good(task);
	rig_task_free(task);
}

static void protection_and_reserved_bits_are_refused(void **state)
{
	static const uint8_t cdbs[][16] = {
		{0x28, 0x20, 0, 0, 0, 0, 0, 0, 1},	/* RDPROTECT 001b */
		{0x2a, 0xe0, 0, 0, 0, 0, 0, 0, 1},	/* WRPROTECT 111b */
		{0x28, 0, 0, 0, 0, 0, 0x80, 0, 1},	/* reserved bit of byte 6 */
		{0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0x04},	/* NACA */
		{0x28, 0x01, 0, 0, 0, 0, 0, 0, 1, 0x0}, /* RELADR, obsolete */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cdbs); i++) {
		struct rig_task *task = rig_execute(&rig, cdbs[i], 10, NULL, 0);

		assert_sense(task, 5, 0x2400);
		rig_task_free(task);
	}
	assert_int_equal(rig.log_count, 0);
}

static void fua_write_is_durable_and_plain_is_not(void **state)
{
	uint8_t data[512] = {1};
	struct rig_task *task;

	(void)state;
	task = rig_execute(&rig, RIG_CDB(0x2a, 0x18, 0, 0, 0, 0, 0, 0, 1, 0), data, 512);
	assert_good(task);
	rig_task_free(task);
	assert_true(rig_last_request()->fua);
	task = rig_execute(&rig, RIG_CDB(0x2a, 0x10, 0, 0, 0, 0, 0, 0, 1, 0), data, 512);
	assert_good(task);
	rig_task_free(task);
	assert_false(rig_last_request()->fua);
}

static void fua_read_flushes_before_it_reads(void **state)
{
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0x28, 0x08, 0, 0, 0, 0, 0, 0, 1, 0), NULL, 0);

	(void)state;
	assert_good(task);
	rig_task_free(task);
	assert_int_equal(rig.log_count, 2);
	assert_int_equal(rig.log[0].kind, BLOCK_FLUSH);
	assert_int_equal(rig.log[1].kind, BLOCK_READ);
}

static void short_offer_with_part_of_a_block_is_refused(void **state)
{
	uint8_t data[1023] = {1};
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 2, 0), data, sizeof(data));

	(void)state;
	assert_sense(task, 5, 0x0e03);
	/* For the residual: what the command would have taken. */
	assert_int_equal(task->task.data_out_len, 1024);
	assert_int_equal(rig.log_count, 0);
	rig_task_free(task);
}

static void short_offer_of_whole_blocks_writes_these(void **state)
{
	uint8_t data[512];
	struct rig_task *task;

	(void)state;
	fill(data, sizeof(data), 3);
	memset(rig.bytes, 0x11, 1024);
	task = rig_execute(&rig, RIG_CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 2, 0), data, sizeof(data));
	assert_good(task);
	assert_int_equal(task->task.data_out_len, 1024);
	rig_task_free(task);
	assert_memory_equal(rig.bytes, data, 512);
	assert_int_equal(rig.bytes[512], 0x11);

	task = rig_execute(&rig, RIG_CDB(0x2a, 0, 0, 0, 0, 9, 0, 0, 1, 0), NULL, 0);
	assert_good(task);
	assert_int_equal(task->task.data_out_len, 512);
	rig_task_free(task);
	assert_int_equal(rig.log_count, 1);
}

static void synchronize_cache_flushes(void **state)
{
	static const uint8_t cdbs[][16] = {
		{0x35},
		{0x35, 0x02},
		{0x35, 0, 0, 0, 0, 1, 0, 0, 8},
		{0x91},
		{0x91, 0x02, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 8},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cdbs); i++) {
		struct rig_task *task = rig_execute(&rig, cdbs[i], 16, NULL, 0);

		assert_good(task);
		rig_task_free(task);
		assert_int_equal(rig.log_count, i + 1);
		assert_int_equal(rig_last_request()->kind, BLOCK_FLUSH);
	}
}

static void pre_fetch_is_good_without_a_cache(void **state)
{
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0x34, 0x02, 0, 0, 0, 0, 0, 0, 8, 0), NULL, 0);

	(void)state;
	assert_good(task);
	rig_task_free(task);
	assert_int_equal(rig.log_count, 0);
}

static void errors_of_the_block_become_sense(void **state)
{
	static const struct {
		enum block_kind kind;
		int error;
		uint8_t status;
		uint8_t key;
		uint16_t code;
	} cases[] = {
		{BLOCK_READ, -EIO, 2, 3, 0x1100},	{BLOCK_WRITE, -EIO, 2, 3, 0x0c00},
		{BLOCK_FLUSH, -EIO, 2, 3, 0x0c00},	{BLOCK_READ, -ENODATA, 2, 3, 0x1100},
		{BLOCK_WRITE, -ENOSPC, 2, 7, 0x2707},	{BLOCK_FLUSH, -ENOSPC, 2, 7, 0x2707},
		{BLOCK_WRITE, -EROFS, 2, 7, 0x2700},	{BLOCK_WRITE, -EINVAL, 2, 4, 0x4400},
		{BLOCK_READ, -ESHUTDOWN, 8, 0, 0x0000},
	};
	uint8_t data[512] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static const uint8_t opcodes[] = {
			[BLOCK_READ] = 0x28, [BLOCK_WRITE] = 0x2a, [BLOCK_FLUSH] = 0x35};
		uint8_t cdb[10] = {opcodes[cases[i].kind], 0, 0, 0, 0, 0, 0, 0, 1};
		struct rig_task *task;

		rig.fail_kind = cases[i].kind;
		rig.fail_error = cases[i].error;
		task = rig_execute(&rig, cdb, sizeof(cdb), data, 512);
		assert_int_equal(rig.fail_error, 0);
		assert_int_equal(task->task.data_in_len, 0);
		if (cases[i].status == 2)
			assert_sense(task, cases[i].key, cases[i].code);
		else
			assert_int_equal(task->task.status, cases[i].status);
		rig_task_free(task);
	}
}

static void blocks_of_4096_bytes_work_the_same(void **state)
{
	struct block_limits limits = rig_limits();
	struct rig big;
	struct rig_task *task;

	(void)state;
	limits.logical_block_bytes = 4096;
	rig_start_with(&big, &limits);
	rig_task_free(rig_execute(&big, RIG_CDB(0, 0, 0, 0, 0, 0), NULL, 0));
	memset(big.bytes + 3 * 4096, 0x77, 4096);
	task = rig_execute(&big, RIG_CDB(0x28, 0, 0, 0, 0, 3, 0, 0, 1, 0), NULL, 0);
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 4096);
	assert_int_equal(task->task.data[4095], 0x77);
	rig_task_free(task);
	/* 512 blocks of 4096. */
	task = rig_execute(&big, RIG_CDB(0x28, 0, 0, 0, 0x02, 0x00, 0, 0, 1, 0), NULL, 0);
	assert_sense(task, 5, 0x2100);
	rig_task_free(task);
	rig_stop(&big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(what_was_written_is_read_back),
		RIG_TEST(length_zero_of_six_bytes_is_256_blocks),
		RIG_TEST(length_zero_touches_nothing),
		RIG_TEST(beyond_the_end_is_out_of_range),
		RIG_TEST(out_of_range_names_the_first_missing_block),
		RIG_TEST(last_block_can_be_read),
		RIG_TEST(longer_than_the_limit_is_refused_with_its_field),
		RIG_TEST(protection_and_reserved_bits_are_refused),
		RIG_TEST(fua_write_is_durable_and_plain_is_not),
		RIG_TEST(fua_read_flushes_before_it_reads),
		RIG_TEST(short_offer_with_part_of_a_block_is_refused),
		RIG_TEST(short_offer_of_whole_blocks_writes_these),
		RIG_TEST(synchronize_cache_flushes),
		RIG_TEST(pre_fetch_is_good_without_a_cache),
		RIG_TEST(errors_of_the_block_become_sense),
		cmocka_unit_test(blocks_of_4096_bytes_work_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
