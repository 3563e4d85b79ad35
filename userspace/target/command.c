/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds for commands of every kind: answering, ending, aborting. */
#include "target/command.h"

#include <assert.h>

#include "target/session.h"

void command_answer(struct command *command)
{
	if (command->is_silent) {
		command_end(command);
		return;
	}
	command->stage = COMMAND_ANSWERING;
	command_queue(command);
}

void command_queue(struct command *command)
{
	struct session *session = command->session;

	if (!list_has_node(&command->queue))
		list_append(&session->answers, &command->queue);
	conn_flush_later(session->conn);
}

void command_end(struct command *command)
{
	assert(command->stage != COMMAND_ENDED);
	command->stage = COMMAND_ENDED;
	list_remove(&command->queue);
	session_uncount(command->session, command);
	if (command->abort_number != 0 && command->session->export)
		export_command_ended(command->session->export);
	command_release(command);
}

void command_release(struct command *command)
{
	struct session *session = command->session;
	struct conn *conn = session->conn;

	if (command->stage != COMMAND_ENDED || command->tx_count > 0 || conn->rx.command == command)
		return;
	buffers_put(&conn->reactor->buffers, &command->buffer);
	slots_put(&session->commands, command);
	if (session->is_stopping || session->logout)
		conn_settle(conn);
}

void command_abort(struct command *command, uint32_t number)
{
	if (command->stage == COMMAND_ENDED)
		return;
	command->is_silent = true;
	if (command->abort_number == 0)
		command->abort_number = number;
	list_remove(&command->queue);
	if (command->is_prepared) {
		command->task.is_aborted = true;
		if (command->stage == COMMAND_RUNNING)
			return; /* the LUN ends it */
		command_scsi_run(command);
		return;
	}
	command_end(command);
}
