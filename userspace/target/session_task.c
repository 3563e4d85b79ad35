/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Task management (RFC 7143, 4.2.3 and 11.5). A function is answered when every command that it
 * ended has really ended, its last I/O included: until then it waits in export->resets. All
 * commands of a function carry its number; a function is complete when no command is left with
 * its number or an older one.
 *
 * We do not wait for Data-Out that was asked for and whose command is gone (4.2.3.3): initiators
 * stop sending it, and what comes all the same is thrown away.
 */
#include "iscsi/serial.h"
#include "target/session.h"

static const struct pdu_task_request *task_request(const struct command *command)
{
	return (const struct pdu_task_request *)&command->bhs;
}

static bool task_lun_exists(const struct command *command)
{
	return command_lun_is_zero(get_be64(command->bhs.lun));
}

static void task_respond(struct command *command, enum task_response response)
{
	command->response = (uint8_t)response;
	command_answer(command);
}

/* Victims are marked; answer once they are gone. */
static void task_wait(struct command *command)
{
	struct export *export = command->session->export;

	command->stage = COMMAND_RUNNING;
	command->response = TASK_FUNCTION_COMPLETE;
	list_append(&export->resets, &command->queue);
	export_command_ended(export);
}

static uint32_t task_number(struct command *command)
{
	command->task_number = ++command->session->export->abort_number;
	return command->task_number;
}

static void task_abort_one(struct session *session, struct command *command)
{
	const struct pdu_task_request *request = task_request(command);
	struct command *victim = session_find(session, get_be32(request->referenced_task_tag));
	uint32_t ref_cmd_sn = get_be32(request->ref_cmd_sn);

	if (victim && command_opcode(victim) == PDU_SCSI_COMMAND) {
		command_abort(victim, task_number(command));
		task_wait(command);
		return;
	}
	/* Not here yet, and then it must not begin later; on one connection it never will. */
	if (!command->is_immediate && serial_is_before(ref_cmd_sn, command->cmd_sn) &&
	    !serial_is_before(ref_cmd_sn, session->exp_cmd_sn))
		task_respond(command, TASK_FUNCTION_COMPLETE);
	else
		task_respond(command, TASK_DOES_NOT_EXIST);
}

static void task_abort_set(struct session *session, struct command *command)
{
	lun_abort_tasks(session->export->lun, session->nexus);
	session_abort_scsi(session, task_number(command));
	task_wait(command);
}

static void task_abort_all(struct session *session, struct command *command)
{
	uint32_t number = task_number(command);

	list_for_each (&session->export->sessions, other, struct session, link)
		session_abort_scsi(other, number);
	task_wait(command);
}

static void task_clear_set(struct session *session, struct command *command)
{
	lun_clear_tasks(session->export->lun, session->nexus);
	task_abort_all(session, command);
}

static void task_reset(struct session *session, struct command *command)
{
	lun_reset(session->export->lun);
	task_abort_all(session, command);
}

static void task_reset_cold(struct session *session, struct command *command)
{
	command->ends_sessions = true;
	task_reset(session, command);
}

static const struct task_row {
	void (*run)(struct session *session, struct command *command);
	bool is_of_lun;
	enum task_response otherwise; /* the answer where nothing is run */
} task_table[] = {
	[TASK_ABORT_TASK] = {task_abort_one, true, 0},
	[TASK_ABORT_TASK_SET] = {task_abort_set, true, 0},
	[TASK_CLEAR_ACA] = {NULL, true, TASK_FUNCTION_NOT_SUPPORTED},
	[TASK_CLEAR_TASK_SET] = {task_clear_set, true, 0},
	[TASK_LOGICAL_UNIT_RESET] = {task_reset, true, 0},
	[TASK_TARGET_WARM_RESET] = {task_reset, false, 0},
	[TASK_TARGET_COLD_RESET] = {task_reset_cold, false, 0},
	[TASK_REASSIGN] = {NULL, false, TASK_REASSIGN_NOT_SUPPORTED},
};

void session_manage_task(struct session *session, struct command *command)
{
	unsigned function = task_request(command)->function & TASK_FUNCTION_MASK;
	const struct task_row *row;

	if (function == 0 || function >= ARRAY_SIZE(task_table)) {
		task_respond(command, TASK_FUNCTION_NOT_SUPPORTED);
		return;
	}
	row = &task_table[function];
	if (row->is_of_lun && !task_lun_exists(command))
		task_respond(command, TASK_LUN_DOES_NOT_EXIST);
	else if (!row->run)
		task_respond(command, row->otherwise);
	else
		row->run(session, command);
}
