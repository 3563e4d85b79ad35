/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a task fails: the one place where sense data is made, and the one table that turns what
 * a struct block answers into SCSI.
 */
#include <errno.h>
#include <stddef.h>

#include "base/compiler.h"
#include "scsi/opcode.h"
#include "target/lun_state.h"

_Static_assert(SENSE_LEN_MAX <= TASK_SENSE_SIZE, "a task has room for all sense data");

void task_fail_sense(struct task *task, const struct sense *sense)
{
	bool is_descriptor = task->lun && task->lun->mode.descriptor_sense;

	task->status = SCSI_CHECK_CONDITION;
	task->data_in_len = 0;
	task->sense_len = (uint8_t)sense_encode(sense, is_descriptor, task->sense);
}

void task_fail(struct task *task, uint8_t key, uint16_t asc_ascq)
{
	struct sense sense = {.key = key, .code = asc_ascq};

	task_fail_sense(task, &sense);
}

bool task_refuse(struct task *task, enum sense_code code)
{
	task_fail(task, SENSE_KEY_ILLEGAL_REQUEST, code);
	return false;
}

bool task_refuse_field(struct task *task, unsigned byte, unsigned bit)
{
	struct sense sense = {
		.key = SENSE_KEY_ILLEGAL_REQUEST,
		.code = SENSE_INVALID_FIELD_IN_CDB,
		.field = SENSE_FIELD_IN_CDB,
		.field_byte = (uint16_t)byte,
		.has_field_bit = true,
		.field_bit = (uint8_t)bit,
	};

	task_fail_sense(task, &sense);
	return false;
}

void task_fail_parameter(struct task *task, unsigned byte)
{
	struct sense sense = {
		.key = SENSE_KEY_ILLEGAL_REQUEST,
		.code = SENSE_INVALID_FIELD_IN_PARAMETER_LIST,
		.field = SENSE_FIELD_IN_DATA,
		.field_byte = (uint16_t)byte,
	};

	task_fail_sense(task, &sense);
}

/* The errors of block/block.h. What is not here is a fault of ours. */
static const struct {
	int error;
	uint8_t key;
	uint16_t read_code;
	uint16_t write_code;
} errors[] = {
	{-EIO, SENSE_KEY_MEDIUM_ERROR, SENSE_UNRECOVERED_READ_ERROR, SENSE_WRITE_ERROR},
	{-ENXIO, SENSE_KEY_MEDIUM_ERROR, SENSE_UNRECOVERED_READ_ERROR, SENSE_WRITE_ERROR},
	{-ENODATA, SENSE_KEY_MEDIUM_ERROR, SENSE_UNRECOVERED_READ_ERROR, SENSE_WRITE_ERROR},
	/* SBC-3, 4.7.3.4: Linux makes ENOSPC of it. */
	{-ENOSPC, SENSE_KEY_DATA_PROTECT, SENSE_SPACE_ALLOCATION_FAILED_WRITE_PROTECT,
	 SENSE_SPACE_ALLOCATION_FAILED_WRITE_PROTECT},
	{-EROFS, SENSE_KEY_DATA_PROTECT, SENSE_WRITE_PROTECTED, SENSE_WRITE_PROTECTED},
};

void task_fail_errno(struct task *task, enum block_kind kind, int error)
{
	bool is_read = kind == BLOCK_READ || kind == BLOCK_MAP;

	/* The device is closing: the initiator comes back later, to us or to our successor. */
	if (error == -ESHUTDOWN) {
		task->status = SCSI_BUSY;
		task->data_in_len = 0;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].error == error) {
			task_fail(task, errors[i].key,
				  is_read ? errors[i].read_code : errors[i].write_code);
			return;
		}
	}
	task_fail(task, SENSE_KEY_HARDWARE_ERROR, SENSE_INTERNAL_TARGET_FAILURE);
}
