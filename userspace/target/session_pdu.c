/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Request PDUs in full feature phase: which are taken, in which order they begin (CmdSN), and
 * who carries them out. A header is looked at when it is there, so that its data can go straight
 * to its place; what is refused has its data thrown away.
 */
#include <errno.h>
#include <string.h>

#include "iscsi/serial.h"
#include "target/session.h"

static struct conn_rx *session_rx(struct session *session)
{
	return &session->conn->rx;
}

/* --- carrying out --- */

/* Kinds whose answer needs their whole PDU; SCSI commands have their own file. */
static void session_perform(struct session *session, struct command *command)
{
	switch (command_opcode(command)) {
	case PDU_NOP_OUT:
		command_answer(command);
		break;
	case PDU_TASK_REQUEST:
		session_manage_task(session, command);
		break;
	case PDU_TEXT_REQUEST:
		session_take_text(session, command);
		break;
	default:
		session_take_logout(session, command);
		break;
	}
}

static void session_begin(struct session *session, struct command *command)
{
	command->is_due = true;
	session_count(session, command);
	if (command_opcode(command) == PDU_SCSI_COMMAND)
		command_scsi_begin(command);
	else if (command->is_received)
		session_perform(session, command);
}

static struct command *session_next_parked(struct session *session)
{
	list_for_each (&session->parked, command, struct command, queue)
		if (command->cmd_sn == session->exp_cmd_sn)
			return command;
	return NULL;
}

/* The command that was waited for is here (or refused); those parked behind it follow. */
static void session_move_on(struct session *session)
{
	struct command *command;

	session->exp_cmd_sn++;
	while ((command = session_next_parked(session))) {
		list_remove(&command->queue);
		session->exp_cmd_sn++;
		session_begin(session, command);
	}
}

/* --- headers --- */

/* A number in the window, and not seen before: else the command is ignored (4.2.2.1). */
static bool session_wants_number(struct session *session, uint32_t cmd_sn)
{
	if (!serial_is_within(cmd_sn, session->exp_cmd_sn, session_max_cmd_sn(session)))
		return false;
	list_for_each (&session->parked, command, struct command, queue)
		if (command->cmd_sn == cmd_sn)
			return false;
	return true;
}

/* RFC 7143, 11.2.2: additional headers that lie about their length are no header. */
static bool session_ahs_is_valid(struct session *session)
{
	const struct conn_rx *rx = session_rx(session);
	struct ahs ahs;
	uint32_t at = 0;
	int ret;

	while ((ret = ahs_next(rx->ahs, pdu_ahs_len(&rx->bhs), &at, &ahs)) > 0)
		;
	return ret == 0;
}

static bool session_scsi_flags_are_valid(const struct pdu_scsi_command *request)
{
	bool is_read = request->flags & SCSI_COMMAND_READ;
	bool is_write = request->flags & SCSI_COMMAND_WRITE;

	if (is_read && is_write)
		return false; /* bidirectional commands: none exist for disks */
	return is_read || is_write || get_be32(request->expected_data_transfer_length) == 0;
}

/* Why a command is rejected, or 0. */
static uint8_t session_judge(struct session *session)
{
	const struct pdu_bhs *bhs = &session_rx(session)->bhs;
	uint32_t tag = get_be32(bhs->initiator_task_tag);

	if (tag == PDU_TAG_NONE)
		return REJECT_PROTOCOL_ERROR;
	if (session_find(session, tag))
		return REJECT_TASK_IN_PROGRESS;
	if (!session_ahs_is_valid(session))
		return REJECT_INVALID_PDU_FIELD;
	if ((bhs->opcode & PDU_OPCODE_MASK) == PDU_SCSI_COMMAND &&
	    !session_scsi_flags_are_valid((const void *)bhs))
		return REJECT_INVALID_PDU_FIELD;
	if (bhs->opcode & PDU_IMMEDIATE && session->immediate_used == SESSION_IMMEDIATE_MAX)
		return REJECT_IMMEDIATE_COMMAND;
	return 0;
}

/* NOP-Out and text: the data is needed later. */
static bool session_place_data(struct session *session, struct command *command)
{
	struct conn_rx *rx = session_rx(session);
	uint32_t len = rx->data_left;

	if (len == 0)
		return true;
	if (buffers_get(&session->conn->reactor->buffers, len, &command->buffer) < 0)
		return false;
	command->data_len = len;
	rx->to = command->buffer.data;
	rx->to_left = len;
	return true;
}

/* A command whose turn has not come: keep what it brings. */
static void session_park(struct session *session, struct command *command)
{
	list_append(&session->parked, &command->queue);
	if (command_opcode(command) == PDU_SCSI_COMMAND)
		command_scsi_park(command);
}

static void session_command_header(struct session *session)
{
	struct conn_rx *rx = session_rx(session);
	const struct pdu_scsi_command *request = (const void *)&rx->bhs;
	bool is_immediate = request->opcode & PDU_IMMEDIATE;
	uint32_t cmd_sn = get_be32(request->cmd_sn);
	struct command *command = NULL;
	uint8_t reason;

	if (!is_immediate && !session_wants_number(session, cmd_sn))
		return;
	reason = session_judge(session);
	if (reason == 0) {
		command = session_new_command(session, &rx->bhs);
		reason = command ? 0 : REJECT_LONG_OPERATION;
	}
	if (command && command_opcode(command) != PDU_SCSI_COMMAND &&
	    !session_place_data(session, command)) {
		command_end(command);
		reason = REJECT_LONG_OPERATION;
	}
	if (reason != 0) {
		conn_reject(session->conn, reason);
		if (!is_immediate && cmd_sn == session->exp_cmd_sn)
			session_move_on(session);
		return;
	}
	rx->command = command;
	if (is_immediate) {
		session_begin(session, command);
	} else if (cmd_sn != session->exp_cmd_sn) {
		session_park(session, command);
	} else {
		session_begin(session, command);
		session_move_on(session);
	}
}

static bool session_serves(const struct session *session, uint8_t opcode)
{
	switch (opcode) {
	case PDU_NOP_OUT:
	case PDU_TEXT_REQUEST:
	case PDU_LOGOUT_REQUEST:
		return true;
	case PDU_SCSI_COMMAND:
	case PDU_TASK_REQUEST:
	case PDU_DATA_OUT:
		return session->export; /* not in discovery */
	default:
		return false;
	}
}

void session_header(struct session *session)
{
	struct conn *conn = session->conn;
	const struct pdu_bhs *bhs = &conn->rx.bhs;
	uint8_t opcode = bhs->opcode & PDU_OPCODE_MASK;

	if (conn->rx.data_left > KEYS_MAX_RECV_DATA_SEGMENT_LENGTH) {
		conn_reject(conn, REJECT_PROTOCOL_ERROR);
		conn_finish(conn, "a PDU longer than agreed");
	} else if (opcode == PDU_LOGIN_REQUEST) {
		conn_reject(conn, REJECT_PROTOCOL_ERROR);
		conn_finish(conn, "login in full feature phase");
	} else if (!session_serves(session, opcode)) {
		conn_reject(conn, REJECT_COMMAND_NOT_SUPPORTED);
	} else if (opcode == PDU_DATA_OUT) {
		command_data_out_header(session);
	} else if (opcode == PDU_NOP_OUT && get_be32(bhs->initiator_task_tag) == PDU_TAG_NONE) {
		/* The answer to our NOP-In, or a sign of life: nothing to do (11.18). */
	} else {
		session_command_header(session);
	}
}

void session_pdu(struct session *session, bool is_digest_good)
{
	struct conn *conn = session->conn;
	struct command *command = conn->rx.command;

	if ((conn->rx.bhs.opcode & PDU_OPCODE_MASK) == PDU_DATA_OUT) {
		command_data_out_received(session, is_digest_good);
		return;
	}
	if (!command || command->stage != COMMAND_WAITING)
		return;
	if (!is_digest_good)
		conn_reject(conn, REJECT_DATA_DIGEST_ERROR);
	command->is_received = true;
	if (command_opcode(command) == PDU_SCSI_COMMAND) {
		command_scsi_received(command, is_digest_good);
	} else if (!is_digest_good) {
		command_end(command); /* the initiator sends it again (7.8) */
	} else if (command->is_due) {
		session_perform(session, command);
	}
}
