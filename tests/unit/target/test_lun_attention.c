/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit attentions: which commands they stop, in which order they come, and to whom. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/target/lun_rig.h"

static int setup_with_attentions(void **state)
{
	struct block_limits limits = rig_limits();

	(void)state;
	rig_start_with(&rig, &limits);
	return 0;
}

static uint16_t next_attention(struct nexus *nexus)
{
	struct rig_task *task = rig_task_new(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), 0);
	uint16_t code = 0;

	task->task.nexus = nexus;
	if (rig_prepare(task, NULL)) {
		rig_run(task);
		rig_settle(&rig);
		assert_good(task);
	} else {
		assert_int_equal(task->task.status, 2);
		assert_int_equal(task->task.sense[2], 6);
		code = get_be16(task->task.sense + 12);
	}
	rig_task_free(task);
	return code;
}

static void first_command_hears_of_power_on_once(void **state)
{
	(void)state;
	assert_int_equal(next_attention(rig.nexus), 0x2900);
	assert_int_equal(next_attention(rig.nexus), 0);
	assert_int_equal(next_attention(rig.other), 0x2900);
}

static void attention_comes_before_any_other_error(void **state)
{
	struct rig_task *task = rig_execute(&rig, RIG_CDB(0xc0, 0, 0, 0, 0, 0), NULL, 0);

	(void)state;
	assert_sense(task, 6, 0x2900);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0xc0, 0, 0, 0, 0, 0), NULL, 0);
	assert_sense(task, 5, 0x2000);
	rig_task_free(task);
}

static void inquiry_and_report_luns_leave_it_pending(void **state)
{
	struct rig_task *task = rig_execute(&rig, RIG_CDB(0x12, 0, 0, 0, 96, 0), NULL, 0);

	(void)state;
	assert_good(task);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0), NULL, 0);
	assert_good(task);
	rig_task_free(task);
	assert_int_equal(next_attention(rig.nexus), 0x2900);
}

static void request_sense_returns_it_as_data_and_clears_it(void **state)
{
	struct rig_task *task = rig_execute(&rig, RIG_CDB(0x03, 0, 0, 0, 18, 0), NULL, 0);

	(void)state;
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 18);
	assert_int_equal(task->task.data[0], 0x70);
	assert_int_equal(task->task.data[2], 6);
	assert_int_equal(get_be16(task->task.data + 12), 0x2900);
	rig_task_free(task);

	task = rig_execute(&rig, RIG_CDB(0x03, 0x01, 0, 0, 252, 0), NULL, 0);
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 8);
	assert_int_equal(task->task.data[0], 0x72);
	assert_int_equal(task->task.data[1], 0);
	rig_task_free(task);
	assert_int_equal(next_attention(rig.nexus), 0);
}

static void capacity_change_is_told_to_all_and_reported(void **state)
{
	struct rig_task *task;

	(void)state;
	(void)next_attention(rig.nexus);
	rig.limits.size_bytes -= 512; /* what READ CAPACITY says must not change before */
	task = rig_execute(&rig, RIG_CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), NULL, 0);
	assert_int_equal(get_be32(task->task.data), 4095);
	rig_task_free(task);
	lun_capacity_changed(rig.lun);
	assert_int_equal(next_attention(rig.nexus), 0x2a09);
	task = rig_execute(&rig, RIG_CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), NULL, 0);
	assert_int_equal(get_be32(task->task.data), 4094);
	rig_task_free(task);
	assert_int_equal(next_attention(rig.other), 0x2900);
	assert_int_equal(next_attention(rig.other), 0x2a09);
}

static void reset_makes_what_was_before_it_moot(void **state)
{
	(void)state;
	(void)next_attention(rig.nexus);
	lun_capacity_changed(rig.lun);
	lun_reset(rig.lun);
	assert_int_equal(next_attention(rig.nexus), 0x2903);
	assert_int_equal(next_attention(rig.nexus), 0);
	/* The other nexus never heard of the power on, which says more. */
	assert_int_equal(next_attention(rig.other), 0x2900);
	assert_int_equal(next_attention(rig.other), 0);
}

static void same_condition_is_told_once(void **state)
{
	(void)state;
	(void)next_attention(rig.nexus);
	lun_capacity_changed(rig.lun);
	lun_capacity_changed(rig.lun);
	assert_int_equal(next_attention(rig.nexus), 0x2a09);
	assert_int_equal(next_attention(rig.nexus), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_with_attentions, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_command_hears_of_power_on_once),
		TEST(attention_comes_before_any_other_error),
		TEST(inquiry_and_report_luns_leave_it_pending),
		TEST(request_sense_returns_it_as_data_and_clears_it),
		TEST(capacity_change_is_told_to_all_and_reported),
		TEST(reset_makes_what_was_before_it_moot),
		TEST(same_condition_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
