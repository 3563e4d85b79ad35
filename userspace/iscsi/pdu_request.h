/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers that an initiator sends (RFC 7143, 11.3, 11.5, 11.7, 11.10, 11.12, 11.14, 11.16, 11.18).
 */
#ifndef ISCSI_PDU_REQUEST_H
#define ISCSI_PDU_REQUEST_H

#include "iscsi/pdu.h"

struct pdu_scsi_command { /* 11.3 */
	uint8_t opcode;
	uint8_t flags;
	uint8_t reserved_2[2];
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t lun[8];
	uint8_t initiator_task_tag[4];
	uint8_t expected_data_transfer_length[4];
	uint8_t cmd_sn[4];
	uint8_t exp_stat_sn[4];
	uint8_t cdb[16];
};
static_assert(sizeof(struct pdu_scsi_command) == PDU_BHS_SIZE, "SCSI Command");

#define SCSI_COMMAND_READ	    0x40
#define SCSI_COMMAND_WRITE	    0x20
#define SCSI_COMMAND_ATTRIBUTE_MASK 0x07

struct pdu_task_request { /* 11.5 */
	uint8_t opcode;
	uint8_t function; /* with PDU_FINAL */
	uint8_t reserved_2[2];
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t lun[8];
	uint8_t initiator_task_tag[4];
	uint8_t referenced_task_tag[4];
	uint8_t cmd_sn[4];
	uint8_t exp_stat_sn[4];
	uint8_t ref_cmd_sn[4];
	uint8_t exp_data_sn[4];
	uint8_t reserved_40[8];
};
static_assert(sizeof(struct pdu_task_request) == PDU_BHS_SIZE, "Task Management Function Request");

#define TASK_FUNCTION_MASK 0x7f

enum task_function {
	TASK_ABORT_TASK = 1,
	TASK_ABORT_TASK_SET = 2,
	TASK_CLEAR_ACA = 3,
	TASK_CLEAR_TASK_SET = 4,
	TASK_LOGICAL_UNIT_RESET = 5,
	TASK_TARGET_WARM_RESET = 6,
	TASK_TARGET_COLD_RESET = 7,
	TASK_REASSIGN = 8,
};

struct pdu_data_out { /* 11.7 */
	uint8_t opcode;
	uint8_t flags;
	uint8_t reserved_2[2];
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t lun[8];
	uint8_t initiator_task_tag[4];
	uint8_t target_transfer_tag[4];
	uint8_t reserved_24[4];
	uint8_t exp_stat_sn[4];
	uint8_t reserved_32[4];
	uint8_t data_sn[4];
	uint8_t buffer_offset[4];
	uint8_t reserved_44[4];
};
static_assert(sizeof(struct pdu_data_out) == PDU_BHS_SIZE, "Data-Out");

struct pdu_text_request { /* 11.10 */
	uint8_t opcode;
	uint8_t flags;
	uint8_t reserved_2[2];
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t lun[8];
	uint8_t initiator_task_tag[4];
	uint8_t target_transfer_tag[4];
	uint8_t cmd_sn[4];
	uint8_t exp_stat_sn[4];
	uint8_t reserved_32[16];
};
static_assert(sizeof(struct pdu_text_request) == PDU_BHS_SIZE, "Text Request");

struct pdu_login_request { /* 11.12 */
	uint8_t opcode;
	uint8_t flags;
	uint8_t version_max;
	uint8_t version_min;
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t isid[6];
	uint8_t tsih[2];
	uint8_t initiator_task_tag[4];
	uint8_t cid[2];
	uint8_t reserved_22[2];
	uint8_t cmd_sn[4];
	uint8_t exp_stat_sn[4];
	uint8_t reserved_32[16];
};
static_assert(sizeof(struct pdu_login_request) == PDU_BHS_SIZE, "Login Request");

#define LOGIN_TRANSIT	0x80
#define LOGIN_CSG(byte) ((byte) >> 2 & 3)
#define LOGIN_NSG(byte) ((byte)&3)

enum login_stage {
	LOGIN_SECURITY_NEGOTIATION = 0,
	LOGIN_OPERATIONAL_NEGOTIATION = 1,
	LOGIN_FULL_FEATURE_PHASE = 3,
};

struct pdu_logout_request { /* 11.14 */
	uint8_t opcode;
	uint8_t reason; /* with PDU_FINAL */
	uint8_t reserved_2[2];
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t reserved_8[8];
	uint8_t initiator_task_tag[4];
	uint8_t cid[2];
	uint8_t reserved_22[2];
	uint8_t cmd_sn[4];
	uint8_t exp_stat_sn[4];
	uint8_t reserved_32[16];
};
static_assert(sizeof(struct pdu_logout_request) == PDU_BHS_SIZE, "Logout Request");

#define LOGOUT_REASON_MASK 0x7f

enum logout_reason {
	LOGOUT_CLOSE_SESSION = 0,
	LOGOUT_CLOSE_CONNECTION = 1,
	LOGOUT_REMOVE_FOR_RECOVERY = 2,
};

struct pdu_nop_out { /* 11.18 */
	uint8_t opcode;
	uint8_t flags;
	uint8_t reserved_2[2];
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t lun[8];
	uint8_t initiator_task_tag[4];
	uint8_t target_transfer_tag[4];
	uint8_t cmd_sn[4];
	uint8_t exp_stat_sn[4];
	uint8_t reserved_32[16];
};
static_assert(sizeof(struct pdu_nop_out) == PDU_BHS_SIZE, "NOP-Out");

#endif
