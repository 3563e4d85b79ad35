/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The task set: attributes, commands that want the LUN alone, aborts and resets. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/target/lun_rig.h"

/* A READ of one block, prepared. */
static struct rig_task *read_prepared(enum task_attribute attribute, struct nexus *nexus)
{
	struct rig_task *task = rig_task_new(&rig, RIG_CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0);

	task->task.attribute = attribute;
	task->task.nexus = nexus;
	assert_true(rig_prepare(task, NULL));
	return task;
}

static struct rig_task *read_run(enum task_attribute attribute)
{
	struct rig_task *task = read_prepared(attribute, rig.nexus);

	rig_run(task);
	return task;
}

static struct rig_task *flush_run(enum task_attribute attribute)
{
	struct rig_task *task = rig_task_new(&rig, RIG_CDB(0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0);

	task->task.attribute = attribute;
	assert_true(rig_prepare(task, NULL));
	rig_run(task);
	return task;
}

static void free_all(struct rig_task **tasks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rig_task_free(tasks[i]);
}

static void simple_tasks_run_side_by_side(void **state)
{
	struct rig_task *tasks[] = {read_run(TASK_SIMPLE), read_run(TASK_SIMPLE),
				    read_run(TASK_UNTAGGED)};

	(void)state;
	assert_int_equal(rig.log_count, 3);
	rig_settle(&rig);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tasks[i]->done_count, 1);
	free_all(tasks, 3);
}

static void ordered_task_waits_for_older_and_holds_younger(void **state)
{
	struct rig_task *tasks[] = {read_run(TASK_SIMPLE), read_run(TASK_SIMPLE),
				    flush_run(TASK_ORDERED), read_run(TASK_SIMPLE),
				    read_run(TASK_SIMPLE)};

	(void)state;
	assert_int_equal(rig.log_count, 2);
	rig_complete_one(&rig);
	assert_int_equal(rig.log_count, 2);
	rig_complete_one(&rig);
	assert_int_equal(rig.log_count, 3);
	assert_int_equal(rig_last_request()->kind, BLOCK_FLUSH);
	rig_complete_one(&rig);
	assert_int_equal(tasks[2]->done_count, 1);
	assert_int_equal(rig.log_count, 5);
	rig_settle(&rig);
	free_all(tasks, 5);
}

static void ordered_tasks_run_one_by_one(void **state)
{
	struct rig_task *tasks[] = {read_run(TASK_ORDERED), read_run(TASK_ORDERED),
				    read_run(TASK_ORDERED)};

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(rig.log_count, i);
		rig_complete_one(&rig);
		assert_int_equal(tasks[i - 1]->done_count, 1);
	}
	free_all(tasks, 3);
}

static void head_of_queue_overtakes_what_waits(void **state)
{
	struct rig_task *tasks[] = {read_run(TASK_SIMPLE), flush_run(TASK_ORDERED),
				    read_run(TASK_HEAD_OF_QUEUE)};

	(void)state;
	assert_int_equal(rig.log_count, 2);
	assert_int_equal(rig_last_request()->kind, BLOCK_READ);
	rig_complete_one(&rig);
	/* The ordered one waits for the head of queue, too. */
	assert_int_equal(rig.log_count, 2);
	rig_complete_one(&rig);
	assert_int_equal(rig.log_count, 3);
	rig_settle(&rig);
	free_all(tasks, 3);
}

static void order_is_that_of_arrival_not_of_the_data(void **state)
{
	struct rig_task *older = read_prepared(TASK_SIMPLE, rig.nexus);
	struct rig_task *ordered = read_run(TASK_ORDERED);

	(void)state;
	assert_int_equal(rig.log_count, 0);
	rig_run(older);
	assert_int_equal(rig.log_count, 1);
	rig_complete_one(&rig);
	assert_int_equal(older->done_count, 1);
	assert_int_equal(rig.log_count, 2);
	rig_settle(&rig);
	assert_int_equal(ordered->done_count, 1);
	rig_task_free(older);
	rig_task_free(ordered);
}

static struct rig_task *compare_and_write_run(uint8_t from, uint8_t to)
{
	static const uint8_t cdb[16] = {0x89, [13] = 1};
	struct rig_task *task = rig_task_new(&rig, cdb, 16, 1024);
	uint8_t data[1024];

	memset(data, from, 512);
	memset(data + 512, to, 512);
	assert_true(rig_prepare(task, data));
	rig_run(task);
	return task;
}

static void compare_and_write_has_the_lun_to_itself(void **state)
{
	struct rig_task *tasks[] = {read_run(TASK_SIMPLE), compare_and_write_run(0, 1),
				    compare_and_write_run(0, 2), read_run(TASK_HEAD_OF_QUEUE),
				    read_run(TASK_SIMPLE)};

	(void)state;
	/* The reads that may go before it. */
	assert_int_equal(rig.log_count, 2);
	rig_complete_one(&rig);
	rig_complete_one(&rig);
	assert_int_equal(rig.log_count, 3);
	/* Now its own read is in flight, and even a head of queue has to wait. */
	rig_task_free(tasks[3]);
	tasks[3] = read_run(TASK_HEAD_OF_QUEUE);
	assert_int_equal(rig.log_count, 3);
	rig_complete_one(&rig);
	assert_int_equal(rig.log_count, 4);
	assert_int_equal(rig_last_request()->kind, BLOCK_WRITE);
	rig_settle(&rig);
	assert_int_equal(tasks[1]->task.status, 0);
	assert_sense(tasks[2], 0x0e, 0x1d00);
	assert_int_equal(rig.bytes[0], 1);
	free_all(tasks, 5);
}

static void commands_that_need_the_scratch_memory_take_turns(void **state)
{
	static const uint8_t verify[10] = {0x2f, [8] = 1};
	struct rig_task *tasks[3];

	(void)state;
	for (int i = 0; i < 2; i++) {
		tasks[i] = rig_task_new(&rig, verify, 10, 0);
		assert_true(rig_prepare(tasks[i], NULL));
		rig_run(tasks[i]);
	}
	tasks[2] = read_run(TASK_SIMPLE);
	/* The second VERIFY waits, the READ does not. */
	assert_int_equal(rig.log_count, 2);
	rig_settle(&rig);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tasks[i]->done_count, 1);
	free_all(tasks, 3);
}

static void command_without_io_is_done_from_the_loop(void **state)
{
	struct rig_task *task = rig_task_new(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), 0);

	(void)state;
	assert_true(rig_prepare(task, NULL));
	assert_false(lun_is_idle(rig.lun));
	rig_run(task);
	assert_int_equal(task->done_count, 0);
	rig_run_posts(&rig);
	assert_int_equal(task->done_count, 1);
	assert_true(lun_is_idle(rig.lun));
	rig_task_free(task);
}

static void aborted_tasks_end_without_touching_the_block(void **state)
{
	struct rig_task *running = read_run(TASK_SIMPLE);
	struct rig_task *waiting = read_run(TASK_ORDERED);
	struct rig_task *prepared = read_prepared(TASK_SIMPLE, rig.nexus);
	struct rig_task *foreign = read_prepared(TASK_SIMPLE, rig.other);

	(void)state;
	lun_abort_tasks(rig.lun, rig.nexus);
	assert_int_equal(waiting->done_count, 0);
	rig_run_posts(&rig);
	assert_int_equal(waiting->done_count, 1);
	assert_int_equal(waiting->task.status, 0x40);
	assert_true(prepared->task.is_aborted);
	assert_false(foreign->task.is_aborted);

	/* Its data will not come: it is run to be ended. */
	prepared->task.data = NULL;
	rig_run(prepared);
	rig_run_posts(&rig);
	assert_int_equal(prepared->done_count, 1);
	assert_int_equal(prepared->task.status, 0x40);

	assert_int_equal(running->done_count, 0);
	rig_settle(&rig);
	assert_int_equal(running->done_count, 1);
	assert_int_equal(running->task.status, 0x40);
	assert_int_equal(running->task.data_in_len, 0);
	assert_int_equal(rig.log_count, 1);
	rig_run(foreign);
	rig_settle(&rig);
	assert_int_equal(foreign->task.status, 0);
	rig_task_free(running);
	rig_task_free(waiting);
	rig_task_free(prepared);
	rig_task_free(foreign);
}

static void abort_of_a_barrier_lets_the_others_go(void **state)
{
	struct rig_task *older = read_prepared(TASK_SIMPLE, rig.other);
	struct rig_task *barrier = read_run(TASK_ORDERED);
	struct rig_task *younger = read_prepared(TASK_SIMPLE, rig.other);

	(void)state;
	rig_run(younger);
	assert_int_equal(rig.log_count, 0);
	lun_abort_tasks(rig.lun, rig.nexus);
	assert_int_equal(rig.log_count, 1);
	rig_run(older);
	rig_settle(&rig);
	assert_int_equal(barrier->task.status, 0x40);
	assert_int_equal(younger->task.status, 0);
	rig_task_free(older);
	rig_task_free(barrier);
	rig_task_free(younger);
}

static void aborted_command_of_many_steps_stops_between_two(void **state)
{
	/* Three descriptors of one block. */
	static const uint8_t list[56] = {0, 54, 0, 48, [19] = 1, [35] = 1, [51] = 1};
	struct rig_task *task =
		rig_task_new(&rig, RIG_CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 56, 0), sizeof(list));

	(void)state;
	assert_true(rig_prepare(task, list));
	rig_run(task);
	rig_complete_one(&rig);
	lun_abort_tasks(rig.lun, NULL);
	rig_settle(&rig);
	assert_int_equal(task->done_count, 1);
	assert_int_equal(task->task.status, 0x40);
	assert_int_equal(rig.log_count, 2);
	rig_task_free(task);
}

static uint16_t next_attention(struct nexus *nexus)
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
	}
	rig_task_free(task);
	return code;
}

static void clear_task_set_tells_the_others(void **state)
{
	struct rig_task *own = read_run(TASK_SIMPLE);
	struct rig_task *foreign = read_prepared(TASK_SIMPLE, rig.other);

	(void)state;
	rig_run(foreign);
	lun_clear_tasks(rig.lun, rig.nexus);
	rig_settle(&rig);
	assert_int_equal(own->task.status, 0x40);
	assert_int_equal(foreign->task.status, 0x40);
	assert_int_equal(next_attention(rig.nexus), 0);
	assert_int_equal(next_attention(rig.other), 0x2f00);
	assert_int_equal(next_attention(rig.other), 0);
	rig_task_free(own);
	rig_task_free(foreign);
}

static void reset_aborts_all_and_everybody_hears_of_it(void **state)
{
	struct rig_task *own = read_run(TASK_SIMPLE);
	struct rig_task *foreign = read_prepared(TASK_SIMPLE, rig.other);

	(void)state;
	rig_run(foreign);
	lun_reset(rig.lun);
	rig_settle(&rig);
	assert_int_equal(own->task.status, 0x40);
	assert_int_equal(foreign->task.status, 0x40);
	assert_int_equal(next_attention(rig.nexus), 0x2903);
	assert_int_equal(next_attention(rig.nexus), 0);
	assert_int_equal(next_attention(rig.other), 0x2903);
	rig_task_free(own);
	rig_task_free(foreign);
}

/* --- a LUN that goes away in the last done --- */

static void free_lun_when_done(struct task *task)
{
	task->is_aborted = true; /* a mark for the test */
	lun_nexus_free(rig.nexus);
	lun_nexus_free(rig.other);
	lun_free(rig.lun);
	rig.lun = NULL;
}

static int free_bytes(void **state)
{
	(void)state;
	free(rig.bytes);
	free(rig.mapped);
	return 0;
}

static void lun_may_be_freed_in_the_last_done(void **state)
{
	struct rig_task *task = read_run(TASK_SIMPLE);

	task->task.done = free_lun_when_done;
	rig_complete_one(&rig);
	assert_true(task->task.is_aborted);
	rig_task_free(task);
	free_bytes(state);
	rig_start(&rig);

	task = rig_task_new(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), 0);
	task->task.done = free_lun_when_done;
	assert_true(rig_prepare(task, NULL));
	rig_run(task);
	rig_settle(&rig);
	assert_true(task->task.is_aborted);
	rig_task_free(task);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(simple_tasks_run_side_by_side),
		RIG_TEST(ordered_task_waits_for_older_and_holds_younger),
		RIG_TEST(ordered_tasks_run_one_by_one),
		RIG_TEST(head_of_queue_overtakes_what_waits),
		RIG_TEST(order_is_that_of_arrival_not_of_the_data),
		RIG_TEST(compare_and_write_has_the_lun_to_itself),
		RIG_TEST(commands_that_need_the_scratch_memory_take_turns),
		RIG_TEST(command_without_io_is_done_from_the_loop),
		RIG_TEST(aborted_tasks_end_without_touching_the_block),
		RIG_TEST(abort_of_a_barrier_lets_the_others_go),
		RIG_TEST(aborted_command_of_many_steps_stops_between_two),
		RIG_TEST(clear_task_set_tells_the_others),
		RIG_TEST(reset_aborts_all_and_everybody_hears_of_it),
		cmocka_unit_test_setup_teardown(lun_may_be_freed_in_the_last_done, rig_setup,
						free_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
