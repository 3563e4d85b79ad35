/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A LUN that is not there still has three answers (SPC-4, 5.12): INQUIRY says that no device
 * can be there, REPORT LUNS tells what is, and REQUEST SENSE gives as data the sense that all
 * other commands fail with.
 */
#include "target/lun_absent.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "scsi/opcode.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

static void absent_inquiry_run(struct task *task)
{
	uint8_t page[INQUIRY_LEN_MAX];

	task_return(task, page, inquiry_encode_absent(page));
}

static void absent_sense_run(struct task *task)
{
	struct sense sense = {
		.key = SENSE_KEY_ILLEGAL_REQUEST,
		.code = SENSE_LOGICAL_UNIT_NOT_SUPPORTED,
	};
	uint8_t data[SENSE_LEN_MAX];

	task_return(task, data, sense_encode(&sense, task->cdb[1] & 0x01, data));
}

/* Vital product data of nothing: there are no pages. */
static bool absent_inquiry_prepare(struct task *task)
{
	if (task->cdb[1] != 0)
		return task_refuse_field(task, 1, 0);
	if (task->cdb[2] != 0)
		return task_refuse_field(task, 2, 7);
	return task_prepare_return(task, get_be16(task->cdb + 3));
}

static const struct lun_command absent_commands[] = {
	{{.opcode = INQUIRY}, 0, absent_inquiry_prepare, absent_inquiry_run},
	{{.opcode = REQUEST_SENSE}, 0, request_sense_prepare, absent_sense_run},
	{{.opcode = REPORT_LUNS}, 0, report_luns_prepare, report_luns_run},
};

bool lun_absent_prepare(struct task *task)
{
	for (size_t i = 0; i < ARRAY_SIZE(absent_commands); i++) {
		if (absent_commands[i].scsi.opcode != task->cdb[0])
			continue;
		task->command = &absent_commands[i];
		return task->command->prepare(task);
	}
	return task_refuse(task, SENSE_LOGICAL_UNIT_NOT_SUPPORTED);
}
