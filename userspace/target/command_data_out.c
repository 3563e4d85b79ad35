/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data-Out (RFC 7143, 11.7). All data of a command arrives in order: DataPDUInOrder and
 * DataSequenceInOrder are Yes, so what comes next is known to the byte, and anything else ends
 * the command before it touches its buffer. The LUN field is not looked at: some initiators
 * leave it empty.
 */
#include "target/command.h"

#include "target/session.h"

/* What the initiator may send now. */
struct data_out_burst {
	uint32_t next;
	uint32_t end;
	uint32_t data_sn;
};

static const struct pdu_data_out *data_out_request(const struct session *session)
{
	return (const struct pdu_data_out *)&session->conn->rx.bhs;
}

static bool data_out_is_unsolicited(const struct pdu_data_out *request)
{
	return get_be32(request->target_transfer_tag) == PDU_TAG_NONE;
}

static bool command_takes_data(const struct command *command)
{
	return command_opcode(command) == PDU_SCSI_COMMAND &&
	       (command->stage == COMMAND_WAITING || command->stage == COMMAND_COLLECTING);
}

/* False: the PDU is not for this command, and dealt with. */
static bool data_out_find_burst(struct session *session, struct command *command,
				struct data_out_burst *out_burst)
{
	const struct pdu_data_out *request = data_out_request(session);
	const struct command_r2t *r2t = &command->r2ts[command->r2t_first];

	if (data_out_is_unsolicited(request)) {
		if (!command->is_unsolicited_open) {
			command_scsi_fail(command, SENSE_ABORTED_COMMAND, ASC_UNEXPECTED_DATA);
			return false;
		}
		*out_burst = (struct data_out_burst){command->received, command->unsolicited_end,
						     command->unsolicited_data_sn};
		return true;
	}
	if (command->r2t_count == 0 ||
	    get_be32(request->target_transfer_tag) != r2t->target_transfer_tag) {
		conn_reject(session->conn, REJECT_INVALID_PDU_FIELD);
		return false;
	}
	*out_burst = (struct data_out_burst){r2t->next, r2t->end, r2t->data_sn};
	return true;
}

/* The next bytes, no more than were asked for, and the final bit exactly at their end. */
static bool data_out_fits(const struct pdu_data_out *request, const struct data_out_burst *burst,
			  uint32_t len)
{
	bool is_final = request->flags & PDU_FINAL;

	return get_be32(request->buffer_offset) == burst->next && len <= burst->end - burst->next &&
	       get_be32(request->data_sn) == burst->data_sn &&
	       is_final == (len == burst->end - burst->next);
}

void command_data_out_header(struct session *session)
{
	struct conn_rx *rx = &session->conn->rx;
	const struct pdu_data_out *request = data_out_request(session);
	struct command *command = session_find(session, get_be32(request->initiator_task_tag));
	struct data_out_burst burst;
	uint32_t kept_end;

	/* Of a command that is over: the initiator could not know yet. */
	if (!command || !command_takes_data(command) ||
	    !data_out_find_burst(session, command, &burst))
		return;
	if (!data_out_fits(request, &burst, rx->data_left)) {
		command_scsi_fail(command, SENSE_ABORTED_COMMAND, ASC_INCORRECT_AMOUNT);
		return;
	}
	rx->command = command;
	kept_end = MIN(command->wanted, command->buffer.size);
	if (burst.next < kept_end) {
		rx->to = command->buffer.data + burst.next;
		rx->to_left = MIN(rx->data_left, kept_end - burst.next);
	}
}

static void command_count_data(struct command *command, const struct pdu_data_out *request,
			       uint32_t len)
{
	struct command_r2t *r2t = &command->r2ts[command->r2t_first];

	command->received += len;
	if (data_out_is_unsolicited(request)) {
		command->unsolicited_data_sn++;
		if (request->flags & PDU_FINAL)
			command->is_unsolicited_open = false;
		return;
	}
	r2t->next += len;
	r2t->data_sn++;
	if (r2t->next == r2t->end) {
		command->r2t_first = (command->r2t_first + 1) % KEYS_MAX_OUTSTANDING_R2T;
		command->r2t_count--;
	}
}

void command_data_out_received(struct session *session, bool is_digest_good)
{
	const struct pdu_data_out *request = data_out_request(session);
	struct command *command = session->conn->rx.command;

	if (!command || !command_takes_data(command))
		return;
	if (!is_digest_good) {
		conn_reject(session->conn, REJECT_DATA_DIGEST_ERROR);
		command_scsi_spoil(command, 0, SENSE_ABORTED_COMMAND, ASC_CRC_ERROR);
	}
	command_count_data(command, request, pdu_data_len(&session->conn->rx.bhs));
	if (command->is_due)
		command_scsi_advance(command);
}
