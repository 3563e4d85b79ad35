/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thin provisioning: UNMAP, WRITE SAME and GET LBA STATUS. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "tests/unit/target/lun_rig.h"

/* All blocks mapped, and no byte zero. */
static int setup(void **state)
{
	int ret = rig_setup(state);

	memset(rig.bytes, 0x33, rig.limits.size_bytes);
	memset(rig.mapped, 1, RIG_BLOCKS_DEFAULT);
	return ret;
}

static void put_descriptor(uint8_t *list, unsigned index, uint64_t lba, uint32_t blocks)
{
	put_be64(list + 8 + (size_t)16 * index, lba);
	put_be32(list + 16 + (size_t)16 * index, blocks);
	put_be16(list, (uint16_t)(22 + 16 * index));
	put_be16(list + 2, (uint16_t)(16 + 16 * index));
}

static struct rig_task *unmap(const uint8_t *list, uint16_t len)
{
	const uint8_t cdb[10] = {0x42, [7] = (uint8_t)(len >> 8), [8] = (uint8_t)len};

	return rig_execute(&rig, cdb, sizeof(cdb), list, len);
}

static void unmapped_blocks_read_as_zeros_and_are_not_mapped(void **state)
{
	uint8_t list[8 + 3 * 16] = {0};
	struct rig_task *task;

	(void)state;
	put_descriptor(list, 0, 8, 16);
	put_descriptor(list, 1, 100, 0);
	put_descriptor(list, 2, 4095, 1);
	task = unmap(list, sizeof(list));
	assert_good(task);
	rig_task_free(task);
	assert_int_equal(rig.log_count, 2);
	for (unsigned i = 0; i < RIG_BLOCKS_DEFAULT; i++)
		assert_int_equal(rig.mapped[i], !((i >= 8 && i < 24) || i == 4095));
	assert_int_equal(rig.bytes[8 * 512], 0);
}

static void empty_lists_are_good(void **state)
{
	static const uint8_t header[8] = {0, 6, 0, 0};
	struct rig_task *task = unmap(NULL, 0);

	(void)state;
	assert_good(task);
	rig_task_free(task);
	task = unmap(header, sizeof(header));
	assert_good(task);
	rig_task_free(task);
	assert_int_equal(rig.log_count, 0);
}

static void broken_lists_are_refused_and_unmap_nothing(void **state)
{
	uint8_t list[8 + 2 * 16];

	(void)state;
	for (uint16_t len = 1; len < 8; len++) {
		struct rig_task *task = unmap(list, len);

		assert_sense(task, 5, 0x1a00);
		rig_task_free(task);
	}
	struct {
		uint64_t lba;
		uint32_t blocks;
		uint16_t code;
	} cases[] = {
		{4095, 2, 0x2100},
		{4097, 0, 0x2100},
		{UINT64_MAX, 2, 0x2100},
		{0, 2048, 0x2600}, /* with the other one: the limit of 1 MiB is for the sum */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rig_task *task;

		memset(list, 0, sizeof(list));
		put_descriptor(list, 0, 0, 1);
		put_descriptor(list, 1, cases[i].lba, cases[i].blocks);
		task = unmap(list, sizeof(list));
		assert_sense(task, 5, cases[i].code);
		rig_task_free(task);
	}
	put_be16(list + 2, 33);
	struct rig_task *task = unmap(list, sizeof(list));

	assert_sense(task, 5, 0x2600);
	rig_task_free(task);
	assert_int_equal(rig.log_count, 0);
}

static void too_many_descriptors_are_refused(void **state)
{
	static uint8_t list[8 + 257 * 16];
	struct rig_task *task;

	(void)state;
	put_descriptor(list, 256, 0, 0);
	task = unmap(list, sizeof(list));
	assert_sense(task, 5, 0x2600);
	rig_task_free(task);
	put_descriptor(list, 255, 0, 1);
	task = unmap(list, sizeof(list) - 16);
	assert_good(task);
	rig_task_free(task);
}

static void anchor_is_refused(void **state)
{
	static const uint8_t cdbs[][16] = {
		{0x42, 0x01},
		{0x41, 0x18, [8] = 1},
		{0x93, 0x10, [13] = 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cdbs); i++) {
		struct rig_task *task = rig_execute(&rig, cdbs[i], 16, NULL, 0);

		assert_sense(task, 5, 0x2400);
		rig_task_free(task);
	}
}

static void failed_unmap_stops_at_its_descriptor(void **state)
{
	uint8_t list[8 + 2 * 16] = {0};
	struct rig_task *task;

	(void)state;
	put_descriptor(list, 0, 0, 1);
	put_descriptor(list, 1, 8, 1);
	rig.fail_kind = BLOCK_UNMAP;
	rig.fail_error = -EROFS;
	task = unmap(list, sizeof(list));
	assert_sense(task, 7, 0x2700);
	assert_int_equal(rig.log_count, 1);
	rig_task_free(task);
}

/* --- WRITE SAME --- */

static struct rig_task *write_same(uint8_t flags, uint32_t blocks, const uint8_t *data)
{
	uint8_t cdb[16] = {0x93, flags, [9] = 8};

	put_be32(cdb + 10, blocks);
	return rig_execute(&rig, cdb, sizeof(cdb), data, data ? 512 : 0);
}

static void zeros_are_not_written_out(void **state)
{
	static const uint8_t zeros[512];
	struct {
		uint8_t flags;
		const uint8_t *data;
		enum block_kind kind;
	} cases[] = {
		{0x00, zeros, BLOCK_WRITE_ZEROES},
		{0x08, zeros, BLOCK_UNMAP},
		{0x01, NULL, BLOCK_WRITE_ZEROES},
		{0x09, NULL, BLOCK_UNMAP},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rig_task *task = write_same(cases[i].flags, 2000, cases[i].data);

		assert_good(task);
		assert_int_equal(task->task.data_out_len, cases[i].data ? 512 : 0);
		rig_task_free(task);
		assert_int_equal(rig.log_count, i + 1);
		assert_int_equal(rig_last_request()->kind, cases[i].kind);
		assert_int_equal(rig_last_request()->length, 2000 * 512);
	}
	assert_int_equal(rig.bytes[8 * 512 - 1], 0x33);
	assert_int_equal(rig.bytes[8 * 512], 0);
	assert_int_equal(rig.bytes[2008 * 512], 0x33);
}

static void pattern_is_written_to_every_block(void **state)
{
	uint8_t block[512];
	struct rig_task *task;

	(void)state;
	for (unsigned i = 0; i < 512; i++)
		block[i] = (uint8_t)i;
	/* With the UNMAP bit, too: what is not zero cannot be unmapped. */
	task = write_same(0x08, 300, block);
	assert_good(task);
	rig_task_free(task);
	for (unsigned i = 8; i < 308; i++)
		assert_memory_equal(rig.bytes + (size_t)i * 512, block, 512);
	assert_int_equal(rig.bytes[308 * 512], 0x33);
	assert_int_equal(rig.log_count, 3);
}

static void one_byte_that_is_not_zero_is_a_pattern(void **state)
{
	uint8_t block[512] = {[511] = 1};
	struct rig_task *task = write_same(0, 1, block);

	(void)state;
	assert_good(task);
	rig_task_free(task);
	assert_int_equal(rig_last_request()->kind, BLOCK_WRITE);
}

static void write_same_has_limits(void **state)
{
	static const uint8_t two_blocks[1024];
	static const uint8_t zeros[512];
	struct rig_task *task;

	(void)state;
	task = write_same(0, 0, zeros); /* WSNZ */
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
	task = write_same(0, 2049, zeros);
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
	task = write_same(0, 4089, zeros);
	assert_sense(task, 5, 0x2100);
	rig_task_free(task);
	/* No block, and no NDOB that would say so. */
	task = write_same(0, 1, NULL);
	assert_sense(task, 5, 0x0e03);
	rig_task_free(task);
	/* More than the block. */
	task = rig_execute(&rig, RIG_CDB(0x41, 0x08, 0, 0, 0, 0, 0, 0, 1, 0), two_blocks, 1024);
	assert_sense(task, 5, 0x0e03);
	rig_task_free(task);
	/* NDOB is not in the ten-byte command. */
	task = rig_execute(&rig, RIG_CDB(0x41, 0x01, 0, 0, 0, 0, 0, 0, 1, 0), NULL, 0);
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
	assert_int_equal(rig.log_count, 0);
}

static void write_same_of_ten_bytes(void **state)
{
	static const uint8_t zeros[512];
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0x41, 0x08, 0, 0, 0, 5, 0, 0, 3, 0), zeros, 512);

	(void)state;
	assert_good(task);
	rig_task_free(task);
	assert_int_equal(rig_last_request()->kind, BLOCK_UNMAP);
	assert_int_equal(rig_last_request()->offset, 5 * 512);
	assert_int_equal(rig_last_request()->length, 3 * 512);
}

/* --- GET LBA STATUS --- */

static struct rig_task *get_lba_status(uint64_t lba, uint32_t allocation_length)
{
	uint8_t cdb[16] = {0x9e, 0x12};

	put_be64(cdb + 2, lba);
	put_be32(cdb + 10, allocation_length);
	return rig_execute(&rig, cdb, sizeof(cdb), NULL, 0);
}

static void assert_descriptor(const struct rig_task *task, unsigned index, uint64_t lba,
			      uint32_t blocks, uint8_t status)
{
	const uint8_t *at = task->task.data + 8 + (size_t)16 * index;

	assert_true(8 + 16 * (index + 1) <= task->task.data_in_len);
	assert_int_equal(get_be64(at), lba);
	assert_int_equal(get_be32(at + 8), blocks);
	assert_int_equal(at[12], status);
}

static void map_is_told_from_the_block_asked_for(void **state)
{
	struct rig_task *task;

	(void)state;
	memset(rig.mapped + 100, 0, 28);
	memset(rig.mapped + 4000, 0, 96);
	task = get_lba_status(50, 4096);
	assert_good(task);
	assert_int_equal(get_be32(task->task.data), 4 + 4 * 16);
	assert_int_equal(task->task.data_in_len, 8 + 4 * 16);
	assert_descriptor(task, 0, 50, 50, 0);
	assert_descriptor(task, 1, 100, 28, 1);
	assert_descriptor(task, 2, 128, 3872, 0);
	assert_descriptor(task, 3, 4000, 96, 1);
	rig_task_free(task);
}

static void room_for_one_descriptor_gets_one(void **state)
{
	struct rig_task *task;

	(void)state;
	memset(rig.mapped + 100, 0, 28);
	task = get_lba_status(110, 24);
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 24);
	assert_descriptor(task, 0, 110, 18, 1);
	rig_task_free(task);
}

static void short_allocation_is_cut_off(void **state)
{
	static const uint32_t lengths[] = {0, 1, 8, 23};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct rig_task *task = get_lba_status(0, lengths[i]);

		assert_good(task);
		assert_int_equal(task->task.data_in_len, lengths[i]);
		rig_task_free(task);
	}
}

static void number_of_descriptors_has_a_limit(void **state)
{
	struct rig_task *task;

	(void)state;
	for (unsigned i = 0; i < RIG_BLOCKS_DEFAULT; i += 2)
		rig.mapped[i] = 0;
	task = get_lba_status(0, UINT32_MAX);
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 8 + 256 * 16);
	assert_descriptor(task, 255, 255, 1, 0);
	rig_task_free(task);
}

static void status_beyond_the_end_is_out_of_range(void **state)
{
	struct rig_task *task = get_lba_status(4096, 24);

	(void)state;
	assert_sense(task, 5, 0x2100);
	rig_task_free(task);
}

static void status_of_damaged_metadata_is_an_error(void **state)
{
	struct rig_task *task;

	(void)state;
	rig.fail_kind = BLOCK_MAP;
	rig.fail_error = -ENODATA;
	task = get_lba_status(0, 24);
	assert_sense(task, 3, 0x1100);
	assert_int_equal(task->task.data_in_len, 0);
	rig_task_free(task);
}

static void block_that_is_not_thin_has_no_unmap(void **state)
{
	static const uint8_t zeros[512];
	struct block_limits limits = rig_limits();
	struct rig_task *task;

	(void)state;
	limits.is_thin = false;
	limits.max_unmap_bytes = 0;
	limits.unmap_granule_bytes = 0;
	rig_start_with(&rig, &limits);
	rig_task_free(rig_execute(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), NULL, 0));
	task = unmap(NULL, 0);
	assert_sense(task, 5, 0x2000);
	rig_task_free(task);
	task = write_same(0x08, 1, zeros);
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
	memset(rig.bytes, 0x44, 64 * 512);
	task = write_same(0x00, 5, zeros);
	assert_good(task);
	rig_task_free(task);
	assert_int_equal(rig_last_request()->kind, BLOCK_WRITE);
	assert_int_equal(rig.bytes[8 * 512], 0);
	rig_stop(&rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unmapped_blocks_read_as_zeros_and_are_not_mapped),
		TEST(empty_lists_are_good),
		TEST(broken_lists_are_refused_and_unmap_nothing),
		TEST(too_many_descriptors_are_refused),
		TEST(anchor_is_refused),
		TEST(failed_unmap_stops_at_its_descriptor),
		TEST(zeros_are_not_written_out),
		TEST(pattern_is_written_to_every_block),
		TEST(one_byte_that_is_not_zero_is_a_pattern),
		TEST(write_same_has_limits),
		TEST(write_same_of_ten_bytes),
		TEST(map_is_told_from_the_block_asked_for),
		TEST(room_for_one_descriptor_gets_one),
		TEST(short_allocation_is_cut_off),
		TEST(number_of_descriptors_has_a_limit),
		TEST(status_beyond_the_end_is_out_of_range),
		TEST(status_of_damaged_metadata_is_an_error),
		cmocka_unit_test(block_that_is_not_thin_has_no_unmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
