/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any CDB with any Data-Out, many in flight, completed in order, aborted and reset at any time.
 * The input is a list of steps: a byte says which, the bytes after it are its arguments; where the
 * input ends, zeros follow.
 *
 * What must hold: each task that was prepared is done exactly once and never inside a call, its
 * answer is of a form that SAM allows, no byte outside its buffer is touched (they are exactly as
 * long as asked for), the block is never asked for what it cannot do (the rig checks), and in the
 * end the LUN is idle.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "scsi/opcode.h"
#include "tests/unit/target/lun_rig.h"

#define IN_FLIGHT_MAX 8
#define STEPS_MAX     200
#define DATA_SIZE     (512U << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t opcodes[] = {
	TEST_UNIT_READY,
	REQUEST_SENSE,
	READ_6,
	WRITE_6,
	INQUIRY,
	MODE_SELECT_6,
	MODE_SENSE_6,
	START_STOP_UNIT,
	PREVENT_ALLOW_MEDIUM_REMOVAL,
	READ_CAPACITY_10,
	READ_10,
	WRITE_10,
	WRITE_AND_VERIFY_10,
	VERIFY_10,
	PRE_FETCH_10,
	SYNCHRONIZE_CACHE_10,
	WRITE_SAME_10,
	UNMAP,
	LOG_SENSE,
	MODE_SELECT_10,
	MODE_SENSE_10,
	READ_16,
	COMPARE_AND_WRITE,
	WRITE_16,
	WRITE_AND_VERIFY_16,
	VERIFY_16,
	PRE_FETCH_16,
	SYNCHRONIZE_CACHE_16,
	WRITE_SAME_16,
	SERVICE_ACTION_IN_16,
	REPORT_LUNS,
	MAINTENANCE_IN,
	READ_12,
	WRITE_12,
	WRITE_AND_VERIFY_12,
	VERIFY_12,
};

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

static struct rig_task *in_flight[IN_FLIGHT_MAX];

static void answer_check(const struct rig_task *rig_task)
{
	const struct task *task = &rig_task->task;
	uint8_t response = task->sense[0] & 0x7f;

	assert(task->data_in_len <= task->data_in_max);
	switch (task->status) {
	case SCSI_GOOD:
		assert(task->sense_len == 0);
		break;
	case SCSI_CHECK_CONDITION:
		assert(task->sense_len >= 8 && task->sense_len <= TASK_SENSE_SIZE);
		assert(response == 0x70 || response == 0x72);
		assert(task->data_in_len == 0);
		break;
	case SCSI_TASK_ABORTED:
		assert(task->is_aborted);
		assert(task->sense_len == 0 && task->data_in_len == 0);
		break;
	default:
		assert(task->status == SCSI_BUSY);
		break;
	}
}

/* Give back the tasks that are done. */
static void reap(void)
{
	for (unsigned i = 0; i < IN_FLIGHT_MAX; i++) {
		if (!in_flight[i] || in_flight[i]->done_count == 0)
			continue;
		assert(in_flight[i]->done_count == 1);
		answer_check(in_flight[i]);
		rig_task_free(in_flight[i]);
		in_flight[i] = NULL;
	}
}

/* Mostly an operation code that is served, with few bits set, small numbers, and no CONTROL. */
static void cdb_take(struct input *input, uint8_t *cdb)
{
	uint8_t style = take(input);

	for (unsigned i = 0; i < TASK_CDB_SIZE; i++)
		cdb[i] = take(input);
	if (style == 0)
		return;
	cdb[0] = opcodes[cdb[0] % ARRAY_SIZE(opcodes)];
	if (cdb[0] == SERVICE_ACTION_IN_16)
		cdb[1] = 0x10 | (cdb[1] & 0x02);
	else if (cdb[0] == MAINTENANCE_IN)
		cdb[1] = 0x0c | (cdb[1] & 0x01);
	else if (style & 1)
		cdb[1] &= 0x18;
	for (unsigned i = 2; (style & 2) && i < TASK_CDB_SIZE; i++)
		cdb[i] = (style >> 2) & (1U << (i & 3)) ? cdb[i] & 3 : 0;
}

/* --- shapes: what random bytes hit too seldom --- */

static uint8_t out[DATA_SIZE];

static void unmap_shape(struct input *input, uint8_t *cdb)
{
	unsigned count = take(input) % 4;

	memset(out, 0, 64);
	out[1] = (uint8_t)(6 + 16 * count);
	out[3] = (uint8_t)(16 * count);
	for (unsigned i = 0; i < count; i++) {
		out[8 + 16 * i + 7] = take(input);
		out[8 + 16 * i + 11] = take(input);
	}
	out[take(input) % 16] ^= take(input) & 1;
	cdb[8] = (uint8_t)(8 + 16 * count);
}

static void mode_select_shape(struct input *input, uint8_t *cdb)
{
	static const uint8_t list[] = {0,    0, 0,    0,    0x08, 0x12, 0x04, 0, 0, 0, 0,
				       0,    0, 0,    0,    0,	  0,	0,    0, 0, 0, 0,
				       0,    0, 0x0a, 0x0a, 0,	  0x10, 0,    0, 0, 0, 0xff,
				       0xff, 0, 0,    0,    0x5c, 0x02, 0,    0};
	uint8_t where = take(input) % sizeof(list);

	memcpy(out, list, sizeof(list));
	out[where] ^= take(input);
	out[6] ^= take(input) & 0x04;
	out[28] ^= take(input) & 0x08;
	cdb[0] = MODE_SELECT_6;
	cdb[1] = 0x10;
	cdb[4] = 36;
}

static void inquiry_shape(struct input *input, uint8_t *cdb)
{
	static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};

	cdb[1] = 1;
	cdb[2] = pages[take(input) % ARRAY_SIZE(pages)];
	cdb[3] = take(input) & 1;
	cdb[4] = take(input);
}

/* Bring a CDB and its Data-Out nearer to what is right; the Data-Out that it offers. */
static uint32_t shape(struct input *input, uint8_t *cdb)
{
	memset(cdb + 1, 0, TASK_CDB_SIZE - 1);
	switch (cdb[0]) {
	case UNMAP:
		unmap_shape(input, cdb);
		break;
	case MODE_SELECT_6:
	case MODE_SELECT_10:
		mode_select_shape(input, cdb);
		break;
	case INQUIRY:
		inquiry_shape(input, cdb);
		break;
	case COMPARE_AND_WRITE:
		cdb[13] = take(input) & 7;
		return cdb[13] * 1024U;
	case SERVICE_ACTION_IN_16:
		cdb[1] = 0x12;
		cdb[13] = take(input);
		break;
	default:
		cdb[1] = take(input) & 0x1e;
		cdb[4] = cdb[8] = cdb[9] = cdb[13] = take(input);
		break;
	}
	return DATA_SIZE;
}

static void command_start(struct input *input)
{
	uint8_t cdb[TASK_CDB_SIZE];
	unsigned slot = take(input) % IN_FLIGHT_MAX;
	uint8_t how = take(input);
	uint32_t offered = (uint32_t)take(input) << (how & 0x0f);
	struct rig_task *task;

	if (in_flight[slot])
		return;
	cdb_take(input, cdb);
	for (unsigned i = 0; i < 64; i++)
		out[i] = how & 0x80 ? 0 : take(input);
	if (how & 0x08)
		offered = shape(input, cdb);
	task = rig_task_new(&rig, cdb, sizeof(cdb), MIN(offered, DATA_SIZE));
	task->task.attribute = (enum task_attribute)(take(input) % 5);
	if (how & 0x40)
		task->task.nexus = rig.other;
	if ((how & 0x30) == 0x30)
		task->task.lun = NULL;
	if (!rig_prepare(task, out)) {
		assert(task->done_count == 0);
		answer_check(task);
		rig_task_free(task);
		return;
	}
	in_flight[slot] = task;
}

/* Its data has come, or never will. */
static void command_run(struct input *input)
{
	struct rig_task *task = in_flight[take(input) % IN_FLIGHT_MAX];

	if (!task || task->was_run)
		return;
	if (take(input) == 0)
		task->task.is_aborted = true;
	rig_run(task);
}

static void disturb(struct input *input)
{
	switch (take(input) % 6) {
	case 0:
		lun_abort_tasks(rig.lun, rig.nexus);
		break;
	case 1:
		lun_clear_tasks(rig.lun, rig.other);
		break;
	case 2:
		lun_reset(rig.lun);
		break;
	case 3:
		lun_capacity_changed(rig.lun);
		break;
	default:
		rig.fail_kind = (enum block_kind)(take(input) % 6);
		rig.fail_error = -(1 + take(input) % 120);
		break;
	}
}

static void step(struct input *input)
{
	switch (take(input) % 8) {
	case 0:
	case 1:
		command_start(input);
		break;
	case 2:
	case 3:
	case 4:
		command_run(input);
		break;
	case 5:
		rig_complete_one(&rig);
		break;
	case 6:
		rig_run_posts(&rig);
		break;
	default:
		disturb(input);
		break;
	}
	reap();
}

static void finish(void)
{
	for (unsigned i = 0; i < IN_FLIGHT_MAX; i++) {
		if (in_flight[i] && !in_flight[i]->was_run)
			rig_run(in_flight[i]);
	}
	rig_settle(&rig);
	reap();
	for (unsigned i = 0; i < IN_FLIGHT_MAX; i++)
		assert(!in_flight[i]);
	assert(lun_is_idle(rig.lun));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.at = data, .left = size};
	struct block_limits limits = rig_limits();

	limits.size_bytes = 512U << 10;
	if (take(&input) & 1)
		limits.logical_block_bytes = 4096;
	limits.is_thin = !(take(&input) == 1);
	rig_start_with(&rig, &limits);
	for (unsigned i = 0; i < STEPS_MAX && input.left > 0; i++)
		step(&input);
	finish();
	rig_stop(&rig);
	return 0;
}
