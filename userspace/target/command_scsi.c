/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SCSI command from its header to lun_run: its buffer, its immediate data, when to ask for more
 * (R2T), and what ends it before it is run. A task that the LUN prepared is run in every case,
 * if only to be ended (task.h).
 */
#include "target/command.h"

#include <string.h>

#include "target/session.h"

#define SAM_TASK_SET_FULL 0x28

static const struct pdu_scsi_command *scsi_request(const struct command *command)
{
	return (const struct pdu_scsi_command *)&command->bhs;
}

static bool scsi_is_write(const struct command *command)
{
	return scsi_request(command)->flags & SCSI_COMMAND_WRITE;
}

static void scsi_done(struct task *task);

static void scsi_fill_task(struct command *command)
{
	const struct pdu_scsi_command *request = scsi_request(command);
	uint32_t edtl = get_be32(request->expected_data_transfer_length);
	struct task *task = &command->task;

	command->expected_data_transfer_length = edtl;
	task->lun_number = get_be64(request->lun);
	task->lun = command_lun_is_zero(task->lun_number) ? command->session->export->lun : NULL;
	task->nexus = command->session->nexus;
	task->attribute = request->flags & SCSI_COMMAND_ATTRIBUTE_MASK;
	memcpy(task->cdb, request->cdb, sizeof(task->cdb));
	task->data_out_offered = scsi_is_write(command) ? edtl : 0;
	task->data_in_wanted = request->flags & SCSI_COMMAND_READ ? edtl : 0;
	task->done = scsi_done;
}

/* Memory for the data of the command. */
static bool scsi_get_buffer(struct command *command, uint32_t size)
{
	struct conn *conn = command->session->conn;

	if (size <= command->buffer.size)
		return true;
	return !command->buffer.data && size <= BUFFER_SIZE_MAX &&
	       buffers_get(&conn->reactor->buffers, size, &command->buffer) == 0;
}

static void scsi_prepare(struct command *command)
{
	struct task *task = &command->task;
	uint32_t size;

	scsi_fill_task(command);
	if (!lun_prepare(task)) {
		task->data_in_len = 0;
		task->data_out_len = 0;
		return;
	}
	command->is_prepared = true;
	command->wanted = MIN(task->data_out_len, task->data_out_offered);
	size = MAX(task->data_out_len, task->data_in_max);
	if (!scsi_get_buffer(command, size)) {
		command->wanted = 0;
		command_scsi_spoil(command, SAM_TASK_SET_FULL, 0, 0);
		return;
	}
	task->data = command->buffer.data;
}

/* Data that came with the command although it must not (RFC 7143, 11.3.4, 13.11, 13.14). */
static void scsi_check_immediate(struct command *command)
{
	const struct key_values *values = &command->session->keys.values;
	uint32_t len = pdu_data_len(&command->bhs);

	if (len == 0)
		return;
	if (!scsi_is_write(command) || !values->immediate_data ||
	    len > values->first_burst_length || len > command->expected_data_transfer_length)
		command_scsi_spoil(command, 0, SENSE_ABORTED_COMMAND, ASC_UNEXPECTED_DATA);
}

static void scsi_open_unsolicited(struct command *command)
{
	const struct key_values *values = &command->session->keys.values;

	command->unsolicited_end =
		MIN(values->first_burst_length, command->expected_data_transfer_length);
	command->is_unsolicited_open = scsi_is_write(command) && !values->initial_r2t &&
				       !command->is_spoiled &&
				       !(scsi_request(command)->flags & PDU_FINAL);
}

static void scsi_place_data(struct command *command)
{
	struct conn_rx *rx = &command->session->conn->rx;

	rx->to = command->buffer.data;
	rx->to_left = MIN(MIN(rx->data_left, command->wanted), command->buffer.size);
}

void command_scsi_park(struct command *command)
{
	uint32_t edtl = get_be32(scsi_request(command)->expected_data_transfer_length);

	command->expected_data_transfer_length = edtl;
	if (scsi_is_write(command) && edtl > 0) {
		/* How much of it the command takes is not known yet: keep all. */
		command->wanted = MIN(edtl, BUFFER_SIZE_MAX);
		if (!scsi_get_buffer(command, command->wanted)) {
			command->wanted = 0;
			command_scsi_spoil(command, SAM_TASK_SET_FULL, 0, 0);
		}
	}
	scsi_open_unsolicited(command);
	scsi_place_data(command);
}

void command_scsi_begin(struct command *command)
{
	scsi_prepare(command);
	scsi_check_immediate(command);
	if (command->is_received) {
		command_scsi_advance(command); /* it was parked, its data is here */
		return;
	}
	scsi_open_unsolicited(command);
	if (command->is_prepared)
		scsi_place_data(command);
}

void command_scsi_received(struct command *command, bool is_digest_good)
{
	if (!is_digest_good)
		command_scsi_spoil(command, 0, SENSE_ABORTED_COMMAND, ASC_CRC_ERROR);
	command->received += pdu_data_len(&command->bhs);
	if (command->is_due)
		command_scsi_advance(command);
}

void command_scsi_spoil(struct command *command, uint8_t status, uint8_t key, uint16_t asc)
{
	if (command->is_spoiled)
		return; /* what went wrong first is told */
	command->is_spoiled = true;
	command->failed_status = status;
	command->failed_key = key;
	command->failed_asc = asc;
}

void command_scsi_fail(struct command *command, uint8_t key, uint16_t asc)
{
	command_scsi_spoil(command, 0, key, asc);
	command->is_unsolicited_open = false;
	command->r2t_count = 0;
	if (command->is_due)
		command_scsi_advance(command);
}

void command_scsi_advance(struct command *command)
{
	if (!command->is_prepared) {
		command_answer(command); /* the LUN refused it */
		return;
	}
	command->stage = COMMAND_COLLECTING;
	if (command->is_unsolicited_open)
		return;
	if (command->r2t_count == 0 &&
	    (command->is_spoiled || command->received >= command->wanted)) {
		command->task.is_aborted |= command->is_spoiled;
		command_scsi_run(command);
		return;
	}
	command->requested = MAX(command->requested, command->received);
	if (command_wants_r2t(command, command->session->keys.values.max_outstanding_r2t))
		command_queue(command);
}

void command_scsi_run(struct command *command)
{
	list_remove(&command->queue);
	command->stage = COMMAND_RUNNING;
	lun_run(&command->task);
}

static void scsi_done(struct task *task)
{
	struct command *command = container_of(task, struct command, task);

	command->is_prepared = false;
	command->is_silent |= task->is_aborted && !command->is_spoiled;
	if (command->is_spoiled) {
		task->data_in_len = 0;
		task->status = command->failed_status;
		task->sense_len = 0;
		if (command->failed_key != 0)
			task_fail(task, command->failed_key, command->failed_asc);
	}
	command_answer(command);
}
