/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thresholds: the pages byte by byte, what MODE SELECT takes, and who hears of a crossing. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/bytes.h"
#include "target/lun_state.h"
#include "tests/unit/target/lun_rig.h"

#define MIB (UINT64_C(1) << 20)

static int setup(void **state)
{
	struct block_limits limits = rig_limits();

	(void)state;
	limits.has_thresholds = true;
	rig_start_with(&rig, &limits);
	rig_task_free(rig_execute(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), NULL, 0));
	rig.other->attentions = 0;
	return 0;
}

static struct rig_task *select_page(const uint8_t *page, bool is_saved)
{
	const uint8_t cdb[6] = {0x15, is_saved ? 0x11 : 0x10, 0, 0, 44};
	uint8_t list[44] = {0};

	memcpy(list + 4, page, 40);
	return rig_execute(&rig, cdb, 6, list, sizeof(list));
}

static void expect_page(uint8_t control, const uint8_t *expected)
{
	const uint8_t cdb[6] = {0x1a, 0x08, (uint8_t)(control << 6 | 0x1c), 0x02, 255};
	struct rig_task *task = rig_execute(&rig, cdb, 6, NULL, 0);

	assert_good(task);
	assert_int_equal(task->task.data_in_len, 44);
	assert_memory_equal(task->task.data + 4, expected, 40);
	rig_task_free(task);
}

static void take_good(struct rig_task *task)
{
	assert_good(task);
	rig_task_free(task);
}

/* What the next command of a nexus hears; 0: nothing. */
static uint16_t next_attention(struct nexus *nexus, uint32_t *out_information)
{
	struct rig_task *task = rig_task_new(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), 0);
	uint16_t code = 0;

	task->task.nexus = nexus;
	if (rig_prepare(task, NULL)) {
		rig_run(task);
		rig_settle(&rig);
	} else {
		assert_int_equal(task->task.sense[2], 6);
		code = get_be16(task->task.sense + 12);
		*out_information = task->task.sense[0] & 0x80 ? get_be32(task->task.sense + 3) : 0;
	}
	rig_task_free(task);
	return code;
}

static const uint8_t changed[40] = {0x5c, 0x02, 0,    0x24, [16] = 0x81, 0x02, 0, 0, 0, 0,    0,
				    5,	  0x80, 0x01, 0,    0,		 0,    0, 0, 3, 0x00, 0x01};

static void pages_byte_by_byte(void **state)
{
	static const uint8_t current[40] = {
		0xdc, 0x02, 0, 0x24, [16] = 0x01, 0x02, [24] = 0x80, 0x01, 0, 0, 0,
		0,    0,    7, 0x80, 0x01,	  0,	0,	     0,	   0, 0, 9};
	static const uint8_t defaults[40] = {
		0xdc,	     0x02, 0,		0x24, [16] = 0x01, 0x02,
		[24] = 0x00, 0x01, [32] = 0x80, 0x01, [39] = 9};
	static const uint8_t changeable[40] = {
		0xdc, 0x02, 0,	  0x24,	       0x01, [16] = 0x80, [20] = 0xff, 0xff,
		0xff, 0xff, 0x80, [28] = 0xff, 0xff, 0xff,	  0xff};

	(void)state;
	rig.space.current.available_bytes = 7 * MIB;
	rig.space.shared_threshold_bytes = 9 * MIB;
	expect_page(0, current);
	expect_page(1, changeable);
	expect_page(2, defaults);
	expect_page(3, defaults);
}

static void select_changes_and_saves_only_when_told(void **state)
{
	(void)state;
	take_good(select_page(changed, false));
	assert_int_equal(rig.space.current.used_bytes, 5 * MIB);
	assert_int_equal(rig.space.current.available_bytes, 3 * MIB);
	assert_int_equal(rig.space.saved.used_bytes, 0);
	take_good(select_page(changed, true));
	assert_int_equal(rig.space.saved.used_bytes, 5 * MIB);
	rig.space.current.used_bytes = MIB;
	lun_reset(rig.lun);
	assert_int_equal(rig.space.current.used_bytes, 5 * MIB);
}

static void malformed_lists_change_nothing(void **state)
{
	static const struct {
		uint8_t byte, value, wrong;
	} cases[] = {
		{0, 0xdc, 0},	/* PS */
		{3, 0x1c, 2},	/* length */
		{4, 0x02, 4},	/* reserved */
		{16, 0x89, 16}, /* percentage type */
		{16, 0x80, 16}, /* the other arming */
		{17, 0x01, 17}, /* the other resource */
		{23, 0, 20},	/* enabled without a count */
		{32, 0x80, 32}, /* the pool's */
		{39, 1, 39},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_task *task;
		uint8_t page[40];

		memcpy(page, changed, sizeof(page));
		page[cases[i].byte] = cases[i].value;
		task = select_page(page, false);
		assert_sense(task, 5, 0x2600);
		assert_int_equal(get_be16(task->task.sense + 16), 4 + cases[i].wrong);
		assert_int_equal(rig.space.current.used_bytes, 0);
		rig_task_free(task);
	}
}

static void crossing_is_told_once_to_every_nexus(void **state)
{
	uint32_t where = 0;

	(void)state;
	block_tell(&rig.block, BLOCK_AVAILABLE_THRESHOLD);
	assert_int_equal(next_attention(rig.nexus, &where), 0x3807);
	assert_int_equal(where, 24);
	assert_int_equal(next_attention(rig.nexus, &where), 0);
	assert_int_equal(next_attention(rig.other, &where), 0x3807);
	assert_int_equal(next_attention(rig.other, &where), 0);
	block_tell(&rig.block, BLOCK_USED_THRESHOLD);
	assert_int_equal(next_attention(rig.nexus, &where), 0x3807);
	assert_int_equal(where, 16);
	block_tell(&rig.block, BLOCK_SHARED_THRESHOLD);
	assert_int_equal(next_attention(rig.nexus, &where), 0x3807);
	assert_int_equal(where, 32);
	block_tell(&rig.block, BLOCK_THRESHOLDS_CHANGED);
	assert_int_equal(next_attention(rig.nexus, &where), 0x2a01);
}

static void with_situa_one_nexus_hears_of_it(void **state)
{
	uint32_t where = 0;

	(void)state;
	rig.space.current.tells_one = true;
	block_tell(&rig.block, BLOCK_USED_THRESHOLD);
	assert_int_equal(next_attention(rig.other, &where), 0x3807);
	assert_int_equal(next_attention(rig.nexus, &where), 0);
	assert_int_equal(next_attention(rig.other, &where), 0);
}

static void without_lbpere_nobody_hears_of_it(void **state)
{
	static const uint8_t list[16] = {0, 0, 0, 0, 0x01, 0x0a};
	uint32_t where;

	(void)state;
	take_good(rig_execute(&rig, RIG_CDB(0x15, 0x10, 0, 0, 16, 0), list, sizeof(list)));
	block_tell(&rig.block, BLOCK_USED_THRESHOLD);
	assert_int_equal(next_attention(rig.nexus, &where), 0);
}

static void log_page_counts_in_mib(void **state)
{
	static const uint8_t expected[28] = {0x8c, 0, 0, 24, 0, 1, 3, 8, 0, 0, 0, 4, 2,
					     0,	   0, 0, 0,  2, 3, 8, 0, 0, 0, 2, 1};
	static const uint8_t pages[6] = {0, 0, 0, 2, 0, 0x0c};
	struct rig_task *task;

	(void)state;
	rig.space.used_bytes = MIB + 1;
	rig.space.available_bytes = 5 * MIB - 1;
	task = rig_execute(&rig, RIG_CDB(0x4d, 0, 0x4c, 0, 0, 0, 0, 0, 255, 0), NULL, 0);
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 28);
	assert_memory_equal(task->task.data, expected, 28);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0x4d, 0, 0x4c, 0, 0, 0, 2, 0, 255, 0), NULL, 0);
	assert_int_equal(task->task.data_in_len, 16);
	assert_memory_equal(task->task.data + 4, expected + 16, 12);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0x4d, 0, 0x4c, 0, 0, 0, 3, 0, 255, 0), NULL, 0);
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0x4d, 0, 0x40, 0, 0, 0, 0, 0, 255, 0), NULL, 0);
	assert_int_equal(task->task.data_in_len, 6);
	assert_memory_equal(task->task.data, pages, 6);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0x12, 1, 0xb2, 0, 255, 0), NULL, 0);
	assert_int_equal(task->task.data[4], 11);
	assert_int_equal(task->task.data[5], 0xe4);
	rig_task_free(task);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_byte_by_byte),
		TEST(select_changes_and_saves_only_when_told),
		TEST(malformed_lists_change_nothing),
		TEST(crossing_is_told_once_to_every_nexus),
		TEST(with_situa_one_nexus_hears_of_it),
		TEST(without_lbpere_nobody_hears_of_it),
		TEST(log_page_counts_in_mib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
