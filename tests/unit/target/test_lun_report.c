/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a LUN tells about itself: INQUIRY, mode pages, capacity, the supported commands, and the
 * answers of a LUN that is not there.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "tests/unit/target/lun_rig.h"

static struct rig_task *inquiry(uint8_t flags, uint8_t page, uint16_t allocation_length)
{
	const uint8_t cdb[6] = {0x12, flags, page, (uint8_t)(allocation_length >> 8),
				(uint8_t)allocation_length};

	return rig_execute(&rig, cdb, sizeof(cdb), NULL, 0);
}

static void inquiry_is_cut_to_the_allocation_length(void **state)
{
	static const uint16_t lengths[] = {0, 1, 4, 5, 36, 95, 96, 255, 65535};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct rig_task *task = inquiry(0, 0, lengths[i]);

		assert_good(task);
		assert_int_equal(task->task.data_in_len, MIN(lengths[i], 96));
		if (lengths[i] > 4)
			assert_int_equal(task->task.data[4], 91);
		rig_task_free(task);
	}
}

static void every_listed_page_is_there_and_no_other(void **state)
{
	struct rig_task *list = inquiry(1, 0, 255);
	size_t count = get_be16(list->task.data + 2);
	unsigned found = 0;

	(void)state;
	assert_good(list);
	for (unsigned page = 0; page < 256; page++) {
		bool is_listed = memchr(list->task.data + 4, (int)page, count) != NULL;
		struct rig_task *task = inquiry(1, (uint8_t)page, 65535);

		if (is_listed) {
			assert_good(task);
			assert_int_equal(task->task.data[1], page);
			assert_int_equal(task->task.data_in_len, 4 + get_be16(task->task.data + 2));
			found++;
		} else {
			assert_sense(task, 5, 0x2400);
		}
		rig_task_free(task);
	}
	assert_int_equal(found, count);
	rig_task_free(list);
}

static void page_code_without_evpd_is_refused(void **state)
{
	struct rig_task *task = inquiry(0, 0x80, 255);

	(void)state;
	assert_sense(task, 5, 0x2400);
	assert_int_equal(get_be16(task->task.sense + 16), 2);
	rig_task_free(task);
	task = inquiry(2, 0, 255); /* CMDDT, obsolete */
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
}

static void block_limits_are_those_of_the_block(void **state)
{
	struct rig_task *task = inquiry(1, 0xb0, 255);
	const uint8_t *page = task->task.data;

	(void)state;
	assert_int_equal(page[4], 1);
	assert_int_equal(page[5], 128);
	assert_int_equal(get_be16(page + 6), 8);
	assert_int_equal(get_be32(page + 8), 512);
	assert_int_equal(get_be32(page + 12), 128);
	assert_int_equal(get_be32(page + 20), 2048);
	assert_int_equal(get_be32(page + 24), 256);
	assert_int_equal(get_be32(page + 28), 128);
	assert_int_equal(get_be64(page + 36), 2048);
	rig_task_free(task);
}

static void capacity_tells_blocks_and_provisioning(void **state)
{
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), NULL, 0);
	const uint8_t cdb[16] = {0x9e, 0x10, [13] = 32};

	(void)state;
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 8);
	assert_int_equal(get_be32(task->task.data), 4095);
	assert_int_equal(get_be32(task->task.data + 4), 512);
	rig_task_free(task);
	task = rig_execute(&rig, cdb, 16, NULL, 0);
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 32);
	assert_int_equal(get_be64(task->task.data), 4095);
	assert_int_equal(task->task.data[13], 3);
	assert_int_equal(task->task.data[14], 0xc0);
	rig_task_free(task);
}

static void capacity_refuses_address_and_pmi(void **state)
{
	static const uint8_t cdbs[][16] = {
		{0x25, 0, 0, 0, 0, 1},
		{0x25, 0, 0, 0, 0, 0, 0, 0, 1},
		{0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 32},
		{0x9e, 0x10, [13] = 32, [14] = 1},
		{0x9e, 0x11, [13] = 32},
		{0x9e, 0x00, [13] = 32},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cdbs); i++) {
		struct rig_task *task = rig_execute(&rig, cdbs[i], 16, NULL, 0);

		assert_sense(task, 5, 0x2400);
		rig_task_free(task);
	}
}

static void report_luns_has_lun_0(void **state)
{
	static const uint8_t expected[16] = {0, 0, 0, 8};
	struct rig_task *task;

	(void)state;
	for (uint8_t select = 0; select < 4; select++) {
		const uint8_t cdb[12] = {0xa0, 0, select, [9] = 64};

		task = rig_execute(&rig, cdb, 12, NULL, 0);
		if (select == 3) {
			assert_sense(task, 5, 0x2400);
		} else {
			assert_good(task);
			assert_int_equal(task->task.data_in_len, select == 1 ? 8 : 16);
			if (select != 1)
				assert_memory_equal(task->task.data, expected, 16);
		}
		rig_task_free(task);
	}
	task = rig_execute(&rig, RIG_CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0), NULL, 0);
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
}

static void log_sense_without_thresholds_has_the_list_of_pages_alone(void **state)
{
	static const uint8_t expected[5] = {0, 0, 0, 1, 0};
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0x4d, 0, 0x40, 0, 0, 0, 0, 0, 255, 0), NULL, 0);

	(void)state;
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 5);
	assert_memory_equal(task->task.data, expected, 5);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0x4d, 0, 0x4d, 0, 0, 0, 0, 0, 255, 0), NULL, 0);
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
}

static void stop_flushes_and_start_does_nothing(void **state)
{
	static const struct {
		uint8_t flags;
		unsigned flushes;
	} cases[] = {{0x01, 0}, {0x00, 1}, {0x04, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint8_t cdb[6] = {0x1b, 0x01, 0, 0, cases[i].flags};
		struct rig_task *task = rig_execute(&rig, cdb, 6, NULL, 0);

		assert_good(task);
		rig_task_free(task);
		assert_int_equal(rig.log_count, cases[i].flushes);
	}
	/* Nothing can be ejected, and there are no power conditions. */
	for (uint8_t flags = 0x02; flags != 0; flags = flags == 0x02 ? 0x10 : 0) {
		const uint8_t cdb[6] = {0x1b, 0, 0, 0, flags};
		struct rig_task *task = rig_execute(&rig, cdb, 6, NULL, 0);

		assert_sense(task, 5, 0x2400);
		rig_task_free(task);
	}
}

/* --- the supported commands --- */

static struct rig_task *operation_codes(uint8_t options, uint8_t opcode, uint16_t action)
{
	uint8_t cdb[12] = {0xa3, 0x0c, options, opcode};

	put_be16(cdb + 4, action);
	put_be32(cdb + 6, 65535);
	return rig_execute(&rig, cdb, sizeof(cdb), NULL, 0);
}

static void each_listed_command_is_known_and_shows_its_usage(void **state)
{
	struct rig_task *list = operation_codes(0, 0, 0);
	size_t len = get_be32(list->task.data);

	(void)state;
	assert_good(list);
	assert_int_equal(list->task.data_in_len, 4 + len);
	assert_int_equal(len, 38 * 8);
	for (size_t at = 4; at < len; at += 8) {
		const uint8_t *entry = list->task.data + at;
		bool has_action = entry[5] & 1;
		uint16_t action = get_be16(entry + 2);
		uint8_t wrong_option = has_action ? 1 : 2;
		struct rig_task *task = operation_codes(3, entry[0], action);

		assert_good(task);
		assert_int_equal(task->task.data[1], 3);
		assert_int_equal(get_be16(task->task.data + 2), get_be16(entry + 6));
		assert_int_equal(task->task.data[4], entry[0]);
		if (has_action)
			assert_int_equal(task->task.data[5], action);
		/* CONTROL: no bit of it is looked at. */
		assert_int_equal(task->task.data[3 + get_be16(entry + 6)], 0);
		rig_task_free(task);
		task = operation_codes(wrong_option, entry[0], action);
		assert_sense(task, 5, 0x2400);
		rig_task_free(task);
	}
	rig_task_free(list);
}

static void bits_outside_the_usage_are_refused_everywhere(void **state)
{
	struct rig_task *list = operation_codes(0, 0, 0);
	size_t len = get_be32(list->task.data);

	(void)state;
	for (size_t at = 4; at < len; at += 8) {
		const uint8_t *entry = list->task.data + at;
		bool has_action = entry[5] & 1;
		struct rig_task *usage = operation_codes(3, entry[0], get_be16(entry + 2));
		unsigned cdb_len = get_be16(entry + 6);

		for (unsigned bit = 8; bit < cdb_len * 8; bit++) {
			uint8_t cdb[16] = {entry[0], has_action ? entry[3] : 0};
			uint8_t used = usage->task.data[4 + bit / 8];
			struct rig_task *task;

			if (bit / 8 == 1 && has_action)
				used |= 0x1f;
			if (used & (1 << bit % 8))
				continue;
			cdb[bit / 8] |= (uint8_t)(1 << bit % 8);
			task = rig_execute(&rig, cdb, sizeof(cdb), NULL, 0);
			assert_sense(task, 5, 0x2400);
			assert_int_equal(task->task.sense[15], 0xc8 | bit % 8);
			assert_int_equal(get_be16(task->task.sense + 16), bit / 8);
			rig_task_free(task);
		}
		rig_task_free(usage);
	}
	rig_task_free(list);
}

static void what_is_not_listed_is_refused(void **state)
{
	/* RESERVE, PERSISTENT RESERVE IN, EXTENDED COPY, READ BUFFER, FORMAT UNIT, SANITIZE. */
	static const uint8_t opcodes[] = {0x16, 0x17, 0x5e, 0x5f, 0x83, 0x3c, 0x04, 0x48, 0x7f};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		uint8_t cdb[16] = {opcodes[i]};
		struct rig_task *task = rig_execute(&rig, cdb, sizeof(cdb), NULL, 0);

		assert_sense(task, 5, 0x2000);
		rig_task_free(task);
		task = operation_codes(1, opcodes[i], 0);
		assert_good(task);
		assert_int_equal(task->task.data_in_len, 4);
		assert_int_equal(task->task.data[1], 1);
		rig_task_free(task);
	}
}

static void timeouts_are_given_when_asked_for(void **state)
{
	struct rig_task *task = operation_codes(0x80, 0, 0);

	(void)state;
	assert_good(task);
	assert_int_equal(get_be32(task->task.data), 38 * 20);
	assert_int_equal(task->task.data[4 + 5] & 2, 2);
	assert_int_equal(get_be16(task->task.data + 4 + 8), 10);
	rig_task_free(task);
}

static void task_management_functions_are_listed(void **state)
{
	struct rig_task *task =
		rig_execute(&rig, RIG_CDB(0xa3, 0x0d, 0x80, 0, 0, 0, 0, 0, 0, 16, 0, 0), NULL, 0);

	(void)state;
	assert_good(task);
	assert_int_equal(task->task.data_in_len, 16);
	assert_int_equal(task->task.data[0], 0xda);
	rig_task_free(task);
	task = rig_execute(&rig, RIG_CDB(0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0), NULL, 0);
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
}

static void aca_attribute_is_refused(void **state)
{
	struct rig_task *task = rig_task_new(&rig, RIG_CDB(0, 0, 0, 0, 0, 0), 0);

	(void)state;
	task->task.attribute = TASK_ACA;
	assert_false(rig_prepare(task, NULL));
	assert_sense(task, 5, 0x4900);
	rig_task_free(task);
}

/* --- a LUN that is not there --- */

static struct rig_task *execute_absent(const uint8_t *cdb, size_t cdb_len)
{
	struct rig_task *task = rig_task_new(&rig, cdb, cdb_len, 0);

	task->task.lun = NULL;
	put_be64(&task->task.lun_number, UINT64_C(0x0001000000000000));
	if (rig_prepare(task, NULL)) {
		rig_run(task);
		rig_settle(&rig);
		assert_int_equal(task->done_count, 1);
	}
	return task;
}

static void absent_lun_has_three_answers(void **state)
{
	struct rig_task *task = execute_absent(RIG_CDB(0x12, 0, 0, 0, 96, 0));

	(void)state;
	assert_good(task);
	assert_int_equal(task->task.data[0], 0x7f);
	rig_task_free(task);
	task = execute_absent(RIG_CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0));
	assert_good(task);
	assert_int_equal(get_be32(task->task.data), 8);
	rig_task_free(task);
	task = execute_absent(RIG_CDB(0x03, 0, 0, 0, 18, 0));
	assert_good(task);
	assert_int_equal(get_be16(task->task.data + 12), 0x2500);
	rig_task_free(task);
}

static void absent_lun_refuses_all_else(void **state)
{
	static const uint8_t opcodes[] = {0x00, 0x28, 0x2a, 0x1a, 0xc0};
	struct rig_task *task;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		uint8_t cdb[16] = {opcodes[i]};

		task = execute_absent(cdb, sizeof(cdb));
		assert_sense(task, 5, 0x2500);
		rig_task_free(task);
	}
	task = execute_absent(RIG_CDB(0x12, 0x01, 0x83, 0, 96, 0));
	assert_sense(task, 5, 0x2400);
	rig_task_free(task);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(inquiry_is_cut_to_the_allocation_length),
		RIG_TEST(every_listed_page_is_there_and_no_other),
		RIG_TEST(page_code_without_evpd_is_refused),
		RIG_TEST(block_limits_are_those_of_the_block),
		RIG_TEST(capacity_tells_blocks_and_provisioning),
		RIG_TEST(capacity_refuses_address_and_pmi),
		RIG_TEST(report_luns_has_lun_0),
		RIG_TEST(log_sense_without_thresholds_has_the_list_of_pages_alone),
		RIG_TEST(stop_flushes_and_start_does_nothing),
		RIG_TEST(each_listed_command_is_known_and_shows_its_usage),
		RIG_TEST(bits_outside_the_usage_are_refused_everywhere),
		RIG_TEST(what_is_not_listed_is_refused),
		RIG_TEST(timeouts_are_given_when_asked_for),
		RIG_TEST(task_management_functions_are_listed),
		RIG_TEST(aca_attribute_is_refused),
		RIG_TEST(absent_lun_has_three_answers),
		RIG_TEST(absent_lun_refuses_all_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
