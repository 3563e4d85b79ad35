/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * REPORT SUPPORTED OPERATION CODES (SPC-4, 6.35), told from the table by which commands are
 * carried out, and REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS (6.36).
 */
#include <assert.h>

#include "base/bytes.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

#define RCTD 0x80

enum reporting_options {
	REPORT_ALL = 0,
	REPORT_OPCODE = 1,	   /* one without service actions */
	REPORT_SERVICE_ACTION = 2, /* one with */
	REPORT_EITHER = 3,
};

static enum reporting_options options_of(const struct task *task)
{
	return (enum reporting_options)(task->cdb[2] & 7);
}

/* The row that is asked about; NULL: not served. */
static const struct lun_command *command_asked(const struct task *task, bool *out_has_opcode)
{
	return lun_command_find(task->lun, task->cdb[3], get_be16(task->cdb + 4), out_has_opcode);
}

static bool has_service_actions(const struct lun_command *command, bool has_opcode)
{
	return command ? command->scsi.has_service_action : has_opcode;
}

bool report_operation_codes_prepare(struct task *task)
{
	enum reporting_options options = options_of(task);
	bool has_opcode;
	const struct lun_command *command = command_asked(task, &has_opcode);
	bool has_actions = has_service_actions(command, has_opcode);

	if (options > REPORT_EITHER)
		return task_refuse_field(task, 2, 2);
	/* The wrong question for this operation code. */
	if (options == REPORT_OPCODE && has_actions)
		return task_refuse_field(task, 2, 2);
	if (options == REPORT_SERVICE_ACTION && command && !has_actions)
		return task_refuse_field(task, 2, 2);
	return task_prepare_return(task, get_be32(task->cdb + 6));
}

static size_t report_all(const struct task *task, uint8_t *data)
{
	bool has_timeouts = task->cdb[2] & RCTD;
	size_t len = REPORT_OPCODE_HEADER_LEN;

	for (const struct lun_command *command = lun_command_next(task->lun, NULL); command;
	     command = lun_command_next(task->lun, command)) {
		assert(len + REPORT_OPCODE_ENTRY_LEN <= LUN_PARAMETER_BYTES);
		len += report_opcodes_encode(data + len, &command->scsi, has_timeouts);
	}
	report_opcodes_encode_header(data, len - REPORT_OPCODE_HEADER_LEN);
	return len;
}

static size_t report_one(const struct task *task, uint8_t *data)
{
	bool has_opcode;
	const struct lun_command *command = command_asked(task, &has_opcode);

	/* 011b: without service actions, the field must be 0 (SPC-4, table 277). */
	if (command && !command->scsi.has_service_action && options_of(task) == REPORT_EITHER &&
	    get_be16(task->cdb + 4) != 0)
		command = NULL;
	return report_opcode_encode_one(data, command ? &command->scsi : NULL, task->cdb[2] & RCTD);
}

void report_operation_codes_run(struct task *task)
{
	uint8_t data[LUN_PARAMETER_BYTES];
	size_t len =
		options_of(task) == REPORT_ALL ? report_all(task, data) : report_one(task, data);

	task_return(task, data, len);
}

bool report_functions_prepare(struct task *task)
{
	uint32_t allocation_length = get_be32(task->cdb + 6);

	/* SPC-4, 6.36: at least the four bytes of the basic format. */
	if (allocation_length < 4)
		return task_refuse_field(task, 6, 7);
	return task_prepare_return(task, allocation_length);
}

void report_functions_run(struct task *task)
{
	uint8_t data[REPORT_FUNCTIONS_LEN_MAX];

	task_return(task, data, report_functions_encode(data, task->cdb[2] & 0x80));
}
