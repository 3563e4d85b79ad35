/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers, one PDU at a time: R2Ts while a command collects its data, then Data-In and status,
 * or the one response that other kinds have. Status travels in the last Data-In where it can.
 */
#include <string.h>

#include "target/command.h"
#include "target/session.h"

static struct conn *answer_conn(const struct command *command)
{
	return command->session->conn;
}

static void answer_begin(struct command *command, struct conn_tx_pdu *pdu, uint8_t opcode)
{
	pdu->bhs.opcode = opcode;
	pdu->bhs.flags = PDU_FINAL;
	put_be32(pdu->bhs.initiator_task_tag, command->initiator_task_tag);
}

/* The last PDU: its place in the window is free before the PDU tells how large that is. */
static void answer_commit_last(struct command *command, struct conn_tx_pdu *pdu, const void *data,
			       uint32_t len)
{
	session_uncount(command->session, command);
	conn_tx_commit(answer_conn(command), pdu, CONN_TX_STATUS, data, len);
	command_end(command);
}

/* --- R2T --- */

static void answer_r2t(struct command *command, struct conn_tx_pdu *pdu)
{
	struct session *session = command->session;
	const struct key_values *values = &session->keys.values;
	struct pdu_r2t *request = (struct pdu_r2t *)&pdu->bhs;
	struct command_r2t *r2t = &command->r2ts[(command->r2t_first + command->r2t_count) %
						 KEYS_MAX_OUTSTANDING_R2T];
	uint32_t len = MIN(values->max_burst_length, command->wanted - command->requested);

	*r2t = (struct command_r2t){.target_transfer_tag = session_new_transfer_tag(session),
				    .next = command->requested,
				    .end = command->requested + len};
	command->r2t_count++;
	answer_begin(command, pdu, PDU_R2T);
	memcpy(request->lun, command->bhs.lun, sizeof(request->lun));
	put_be32(request->target_transfer_tag, r2t->target_transfer_tag);
	put_be32(request->r2t_sn, command->r2t_sn++);
	put_be32(request->buffer_offset, command->requested);
	put_be32(request->desired_data_transfer_length, len);
	command->requested += len;
	if (!command_wants_r2t(command, values->max_outstanding_r2t))
		list_remove(&command->queue);
	conn_tx_commit(session->conn, pdu, CONN_TX_NEXT, NULL, 0);
}

/* --- SCSI: data and status --- */

/* What the command transferred against what the initiator expected (11.4.5). */
static uint8_t answer_residual(const struct command *command, uint8_t out_count[4])
{
	const struct task *task = &command->task;
	uint32_t expected = command->expected_data_transfer_length;
	uint32_t actual = task->data_out_len > 0 ? task->data_out_len : task->data_in_len;

	put_be32(out_count, actual > expected ? actual - expected : expected - actual);
	if (actual == expected)
		return 0;
	return actual > expected ? SCSI_RESPONSE_OVERFLOW : SCSI_RESPONSE_UNDERFLOW;
}

static uint32_t answer_data_in_len(const struct command *command)
{
	return MIN(command->task.data_in_len, command->task.data_in_wanted);
}

/* Status GOOD without sense can go with the last data. */
static bool answer_can_collapse(const struct command *command)
{
	return command->task.status == 0 && command->task.sense_len == 0;
}

static void answer_data_in(struct command *command, struct conn_tx_pdu *pdu)
{
	struct conn *conn = answer_conn(command);
	struct pdu_data_in *response = (struct pdu_data_in *)&pdu->bhs;
	uint32_t max_burst = command->session->keys.values.max_burst_length;
	uint32_t offset = command->sent, total = answer_data_in_len(command);
	uint32_t burst_left = max_burst - offset % max_burst;
	uint32_t len = MIN(MIN(conn->max_send_len, burst_left), total - offset);
	bool is_last = offset + len == total;

	answer_begin(command, pdu, PDU_DATA_IN);
	pdu->command = command;
	put_be32(response->target_transfer_tag, PDU_TAG_NONE);
	put_be32(response->data_sn, command->data_sn++);
	put_be32(response->buffer_offset, offset);
	if (!is_last && len < burst_left)
		response->flags = 0;
	command->sent += len;
	if (!is_last || !answer_can_collapse(command)) {
		conn_tx_commit(conn, pdu, CONN_TX_NONE, command->buffer.data + offset, len);
		return;
	}
	response->flags |= DATA_IN_STATUS | answer_residual(command, response->residual_count);
	answer_commit_last(command, pdu, command->buffer.data + offset, len);
}

static void answer_scsi_response(struct command *command, struct conn_tx_pdu *pdu)
{
	const struct task *task = &command->task;
	struct pdu_scsi_response *response = (struct pdu_scsi_response *)&pdu->bhs;
	uint32_t len = 0;

	answer_begin(command, pdu, PDU_SCSI_RESPONSE);
	response->status = task->status;
	response->flags |= answer_residual(command, response->residual_count);
	put_be32(response->exp_data_sn, command->data_sn);
	if (task->sense_len > 0) {
		put_be16(pdu->small, task->sense_len);
		memcpy(pdu->small + 2, task->sense, task->sense_len);
		len = 2U + task->sense_len;
	}
	answer_commit_last(command, pdu, pdu->small, len);
}

static void answer_scsi(struct command *command, struct conn_tx_pdu *pdu)
{
	if (command->stage == COMMAND_COLLECTING)
		answer_r2t(command, pdu);
	else if (command->sent < answer_data_in_len(command))
		answer_data_in(command, pdu);
	else
		answer_scsi_response(command, pdu);
}

/* --- other kinds --- */

static void answer_nop(struct command *command, struct conn_tx_pdu *pdu)
{
	struct pdu_response *response = (struct pdu_response *)&pdu->bhs;

	answer_begin(command, pdu, PDU_NOP_IN);
	pdu->command = command;
	memcpy(response->lun, command->bhs.lun, sizeof(response->lun));
	put_be32(response->target_transfer_tag, PDU_TAG_NONE);
	answer_commit_last(command, pdu, command->buffer.data,
			   MIN(command->data_len, answer_conn(command)->max_send_len));
}

static void answer_text(struct command *command, struct conn_tx_pdu *pdu)
{
	struct pdu_response *response = (struct pdu_response *)&pdu->bhs;

	answer_begin(command, pdu, PDU_TEXT_RESPONSE);
	pdu->command = command;
	response->flags = command->text_flags;
	memcpy(response->lun, command->bhs.lun, sizeof(response->lun));
	put_be32(response->target_transfer_tag,
		 command->text_flags & PDU_FINAL ? PDU_TAG_NONE
						 : command->session->text.target_transfer_tag);
	answer_commit_last(command, pdu, command->buffer.data, command->data_len);
}

static void answer_logout(struct command *command, struct conn_tx_pdu *pdu)
{
	struct session *session = command->session;
	bool is_end = session->logout == command;

	answer_begin(command, pdu, PDU_LOGOUT_RESPONSE);
	pdu->bhs.specific_2[0] = command->response;
	pdu->command = command;
	answer_commit_last(command, pdu, NULL, 0);
	if (is_end)
		conn_finish(session->conn, "the initiator logged out");
}

static void answer_task(struct command *command, struct conn_tx_pdu *pdu)
{
	struct session *session = command->session;
	bool is_end = command->ends_sessions;

	answer_begin(command, pdu, PDU_TASK_RESPONSE);
	pdu->bhs.specific_2[0] = command->response;
	answer_commit_last(command, pdu, NULL, 0);
	if (is_end)
		export_reset_cold(session->export);
}

void command_answer_next(struct command *command)
{
	struct conn_tx_pdu *pdu = conn_tx_new(answer_conn(command));

	assert(pdu);
	switch (command_opcode(command)) {
	case PDU_SCSI_COMMAND:
		answer_scsi(command, pdu);
		break;
	case PDU_NOP_OUT:
		answer_nop(command, pdu);
		break;
	case PDU_TEXT_REQUEST:
		answer_text(command, pdu);
		break;
	case PDU_LOGOUT_REQUEST:
		answer_logout(command, pdu);
		break;
	default:
		answer_task(command, pdu);
		break;
	}
}
