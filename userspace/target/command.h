/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command: any request PDU that has an initiator task tag and gets an answer, from its header
 * to the last byte of that answer. A slot of its session. SCSI commands carry a struct task.
 *
 *   WAITING     for the rest of its PDU, or for its turn (CmdSN)
 *   COLLECTING  Data-Out (SCSI)
 *   RUNNING     in the LUN; or task management and logout, waiting for others to end
 *   ANSWERING   in session->answers: the answer goes out PDU by PDU as there is room
 *   ENDED       the last PDU is queued, or none will be; the slot goes back when nothing points
 *               to its memory any more (the socket, in or out)
 */
#ifndef TARGET_COMMAND_H
#define TARGET_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "iscsi/keys.h"
#include "iscsi/pdu.h"
#include "iscsi/pdu_request.h"
#include "iscsi/pdu_response.h"
#include "target/buffers.h"
#include "target/task.h"

struct session;

enum command_stage {
	COMMAND_WAITING,
	COMMAND_COLLECTING,
	COMMAND_RUNNING,
	COMMAND_ANSWERING,
	COMMAND_ENDED,
};

struct command_r2t {
	uint32_t target_transfer_tag;
	uint32_t next; /* offset of the next byte expected */
	uint32_t end;
	uint32_t data_sn;
};

struct command {
	struct list_node link;	/* session->tags[] */
	struct list_node queue; /* session->parked, ->answers, or export->resets */
	struct session *session;
	enum command_stage stage;
	uint32_t initiator_task_tag;
	uint32_t cmd_sn;
	struct pdu_bhs bhs;
	bool is_immediate;
	bool is_counted;       /* in the command window or among the immediate ones */
	bool is_due;	       /* all commands before it have begun */
	bool is_received;      /* its PDU is whole */
	bool is_silent;	       /* aborted: no answer */
	uint32_t abort_number; /* of the task management that wants it gone; 0: none */
	unsigned tx_count;     /* queued PDUs that point into it */
	uint8_t response;      /* task management, logout */
	uint32_t task_number;  /* task management: that its victims carry */
	bool ends_sessions;    /* task management: TARGET COLD RESET */

	struct buffer buffer;
	uint32_t data_len;  /* NOP-Out, text: bytes in it */
	uint8_t text_flags; /* of the Text Response to send */

	/* SCSI. */
	struct task task;
	bool is_prepared; /* in the LUN's task set: must be run */
	bool is_unsolicited_open;
	uint32_t expected_data_transfer_length;
	uint32_t wanted;	  /* Data-Out that is kept: the rest is thrown away */
	uint32_t received;	  /* Data-Out so far, in order */
	uint32_t unsolicited_end; /* FirstBurstLength or less */
	uint32_t unsolicited_data_sn;
	uint32_t requested; /* R2Ts reach to here */
	uint32_t r2t_sn;
	unsigned r2t_first;
	unsigned r2t_count;
	struct command_r2t r2ts[KEYS_MAX_OUTSTANDING_R2T];
	bool is_spoiled;       /* it will fail, with: */
	uint8_t failed_status; /* 0: CHECK CONDITION and what follows */
	uint8_t failed_key;
	uint16_t failed_asc;
	uint32_t sent; /* Data-In queued so far */
	uint32_t data_sn;
};

static inline enum pdu_opcode command_opcode(const struct command *command)
{
	return (enum pdu_opcode)(command->bhs.opcode & PDU_OPCODE_MASK);
}

/* The logical unit number 0, in peripheral or in flat addressing (SAM-5, 4.7). */
static inline bool command_lun_is_zero(uint64_t lun_number)
{
	return (lun_number & ~(UINT64_C(1) << 62)) == 0;
}

/* R2Ts that may be sent now. */
static inline bool command_wants_r2t(const struct command *command, uint32_t max_outstanding)
{
	return command->stage == COMMAND_COLLECTING && !command->is_unsolicited_open &&
	       !command->is_spoiled && command->requested < command->wanted &&
	       command->r2t_count < max_outstanding;
}

/* --- command.c: what holds for every kind --- */

/* The answer is ready: queue it, or end where none is wanted. */
void command_answer(struct command *command);

/* There are PDUs to send for it: let session_fill come by. */
void command_queue(struct command *command);

/* No PDU of it will be queued any more. May give the slot back. */
void command_end(struct command *command);

/* Give the slot back if it has ended and nothing points to it. */
void command_release(struct command *command);

/* Nobody wants an answer; it ends as soon as the LUN allows. `number`: see abort_number. */
void command_abort(struct command *command, uint32_t number);

/* --- command_scsi.c: a SCSI command up to its run --- */

/* Its turn has not come: keep what it brings. */
void command_scsi_park(struct command *command);

/* Its turn: the LUN looks at it, and its data gets a place. */
void command_scsi_begin(struct command *command);

/* Its own PDU is whole. */
void command_scsi_received(struct command *command, bool is_digest_good);

/* Data arrived, or ceased to be wanted: run it, ask for more, or wait. */
void command_scsi_advance(struct command *command);

/* Once the data is here it ends with this status, or with CHECK CONDITION if status is 0. */
void command_scsi_spoil(struct command *command, uint8_t status, uint8_t key, uint16_t asc);

/* The same at once: no more of its data is taken. */
void command_scsi_fail(struct command *command, uint8_t key, uint16_t asc);

/* Hand it to the LUN. */
void command_scsi_run(struct command *command);

#define SENSE_ABORTED_COMMAND 0x0b
#define ASC_UNEXPECTED_DATA   0x0c0c /* RFC 7143, 11.4.7.2 */
#define ASC_INCORRECT_AMOUNT  0x0c0d
#define ASC_CRC_ERROR	      0x4705

/* --- command_data_out.c --- */

void command_data_out_header(struct session *session);
void command_data_out_received(struct session *session, bool is_digest_good);

/* --- command_answer.c --- */

/* Queue one more PDU of a command in session->answers; there is room. */
void command_answer_next(struct command *command);

#endif
