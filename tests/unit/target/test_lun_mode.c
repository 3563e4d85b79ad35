/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MODE SENSE and MODE SELECT, and that what they change has its effect. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/bytes.h"
#include "tests/unit/target/lun_rig.h"

static struct rig_task *mode_sense_6(uint8_t page)
{
	const uint8_t cdb[6] = {0x1a, 0x08, page, 0, 255};

	return rig_execute(&rig, cdb, sizeof(cdb), NULL, 0);
}

/* MODE SELECT(6) of the caching page (WCE) or the control page (byte 2 and 4). */
static struct rig_task *select_caching(bool is_cached)
{
	const uint8_t list[24] = {0, 0, 0, 0, 0x08, 0x12, is_cached ? 0x04 : 0};

	return rig_execute(&rig, RIG_CDB(0x15, 0x10, 0, 0, 24, 0), list, sizeof(list));
}

static struct rig_task *select_control(uint8_t byte_2, uint8_t byte_4)
{
	const uint8_t list[16] = {0,	0,	0, 0, 0x0a, 0x0a, byte_2,
				  0x10, byte_4, 0, 0, 0,    0xff, 0xff};

	return rig_execute(&rig, RIG_CDB(0x15, 0x10, 0, 0, 16, 0), list, sizeof(list));
}

static void take_good(struct rig_task *task)
{
	assert_good(task);
	rig_task_free(task);
}

static struct rig_task *write_one(void)
{
	static const uint8_t data[512];

	return rig_execute(&rig, RIG_CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), data, 512);
}

static void all_pages_in_both_sizes(void **state)
{
	struct rig_task *task = mode_sense_6(0x3f);

	(void)state;
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 4 + 56);
	assert_int_equal(task->task.data[0], 3 + 56);
	assert_int_equal(task->task.data[4], 0x01);
	assert_int_equal(task->task.data[16], 0x08);
	assert_int_equal(task->task.data[18], 0x04);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0x5a, 0, 0x3f, 0xff, 0, 0, 0, 1, 0, 0), NULL, 0);
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 8 + 8 + 104);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0x5a, 0, 0x3f, 0xff, 0, 0, 0, 0, 9, 0), NULL, 0);
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 9);
	assert_int_equal(get_be16(task->task.data), 6 + 8 + 104);
	rig_task_free(task);
}

static void saved_and_unknown_pages_are_refused(void **state)
{
	struct rig_task *task = mode_sense_6(0xff);

	(void)state;
	assert_sense(task, 5, 0x3900);
	rig_task_free(task);
	task = mode_sense_6(0x05);
	assert_sense(task, 5, 0x2400);
	assert_int_equal(task->task.sense[15], 0xcd);
	rig_task_free(task);
}

static void cache_off_flushes_and_makes_every_write_durable(void **state)
{
	(void)state;
	take_good(select_caching(false));
	assert_int_equal(rig.log_count, 1);
	assert_int_equal(rig_last_request()->kind, BLOCK_FLUSH);
	take_good(write_one());
	assert_true(rig_last_request()->fua);
	take_good(select_caching(true));
	take_good(write_one());
	assert_false(rig_last_request()->fua);
}

static void software_write_protection_stops_writes(void **state)
{
	struct rig_task *task;

	(void)state;
	take_good(select_control(0, 0x08));
	task = write_one();
	assert_sense(task, 7, 0x2702);
	rig_task_free(task);
	task = mode_sense_6(0x0a);
	assert_int_equal(task->task.data[2], 0x90);
	rig_task_free(task);
	assert_int_equal(rig.log_count, 0);
	take_good(select_control(0, 0));
	take_good(write_one());
}

static void descriptor_sense_is_what_errors_then_have(void **state)
{
	struct rig_task *task;

	(void)state;
	take_good(select_control(0x04, 0));
	task = rig_execute(&rig, RIG_CDB(0xc0, 0, 0, 0, 0, 0), NULL, 0);
	assert_int_equal(task->task.status, 2);
	assert_int_equal(task->task.sense_len, 8);
	assert_int_equal(task->task.sense[0], 0x72);
	assert_int_equal(task->task.sense[1], 5);
	assert_int_equal(get_be16(task->task.sense + 2), 0x2000);
	rig_task_free(task);
}

static void reset_brings_the_defaults_back(void **state)
{
	(void)state;
	take_good(select_control(0x04, 0x08));
	lun_reset(rig.lun);
	rig_task_free(rig_execute(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), NULL, 0));
	take_good(write_one());
}

static void change_is_told_to_the_others_only_if_it_is_one(void **state)
{
	struct rig_task *task;

	(void)state;
	take_good(select_control(0, 0));
	task = rig_task_new(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), 0);
	task->task.nexus = rig.other;
	assert_true(rig_prepare(task, NULL));
	rig_run(task);
	rig_settle(&rig);
	rig_task_free(task);

	take_good(select_control(0x04, 0));
	take_good(select_control(0, 0));
	task = rig_task_new(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), 0);
	task->task.nexus = rig.other;
	assert_false(rig_prepare(task, NULL));
	assert_sense(task, 6, 0x2a01);
	rig_task_free(task);
}

static void bad_lists_are_refused(void **state)
{
	static const struct {
		uint8_t cdb[6];
		uint8_t list[16];
		uint32_t len;
		uint16_t code;
	} cases[] = {
		{{0x15, 0x10, 0, 0, 3}, {0}, 3, 0x1a00},
		{{0x15, 0x10, 0, 0, 6}, {0, 0, 0, 8}, 6, 0x1a00},
		{{0x15, 0x10, 0, 0, 6}, {0, 0, 0, 0, 0x02, 0x0e}, 6, 0x2600},
		{{0x15, 0x11, 0, 0, 4}, {0}, 4, 0x2400}, /* SP */
		{{0x15, 0x00, 0, 0, 4}, {0}, 4, 0x2400}, /* PF 0 */
		{{0x15, 0x10, 0, 0, 16}, {0}, 4, 0x0e03},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_task *task =
			rig_execute(&rig, cases[i].cdb, 6, cases[i].list, cases[i].len);

		assert_sense(task, 5, cases[i].code);
		rig_task_free(task);
	}
	take_good(rig_execute(&rig, RIG_CDB(0x15, 0x10, 0, 0, 0, 0), NULL, 0));
}

static void read_only_block_is_write_protected(void **state)
{
	struct block_limits limits = rig_limits();
	struct rig_task *task;

	(void)state;
	limits.is_read_only = true;
	rig_start_with(&rig, &limits);
	rig_task_free(rig_execute(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), NULL, 0));
	task = mode_sense_6(0x08);
	assert_int_equal(task->task.data[2], 0x90);
	rig_task_free(task);
	task = write_one();
	assert_sense(task, 7, 0x2700);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), NULL, 0);
	take_good(task);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(all_pages_in_both_sizes),
		RIG_TEST(saved_and_unknown_pages_are_refused),
		RIG_TEST(cache_off_flushes_and_makes_every_write_durable),
		RIG_TEST(software_write_protection_stops_writes),
		RIG_TEST(descriptor_sense_is_what_errors_then_have),
		RIG_TEST(reset_brings_the_defaults_back),
		RIG_TEST(change_is_told_to_the_others_only_if_it_is_one),
		RIG_TEST(bad_lists_are_refused),
		cmocka_unit_test(read_only_block_is_write_protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
