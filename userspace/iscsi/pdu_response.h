/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Headers that a target sends (RFC 7143, 11.4, 11.6 to 11.9, 11.11, 11.13, 11.15, 11.17, 11.19).
 * All of them have StatSN, ExpCmdSN and MaxCmdSN at the same place.
 */
#ifndef ISCSI_PDU_RESPONSE_H
#define ISCSI_PDU_RESPONSE_H

#include "iscsi/pdu.h"

/* What the sender of any response fills in, or leaves. */
struct pdu_response {
	uint8_t opcode;
	uint8_t flags;
	uint8_t specific_2[2];
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t lun[8];
	uint8_t initiator_task_tag[4];
	uint8_t target_transfer_tag[4]; /* NOP-In, Text, Data-In, R2T */
	uint8_t stat_sn[4];
	uint8_t exp_cmd_sn[4];
	uint8_t max_cmd_sn[4];
	uint8_t specific_36[12];
};
static_assert(sizeof(struct pdu_response) == PDU_BHS_SIZE, "any response");

struct pdu_scsi_response { /* 11.4 */
	uint8_t opcode;
	uint8_t flags;
	uint8_t response;
	uint8_t status;
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t reserved_8[8];
	uint8_t initiator_task_tag[4];
	uint8_t snack_tag[4];
	uint8_t stat_sn[4];
	uint8_t exp_cmd_sn[4];
	uint8_t max_cmd_sn[4];
	uint8_t exp_data_sn[4];
	uint8_t bidi_residual_count[4];
	uint8_t residual_count[4];
};
static_assert(sizeof(struct pdu_scsi_response) == PDU_BHS_SIZE, "SCSI Response");

/* Of SCSI Response and Data-In with status. */
#define SCSI_RESPONSE_OVERFLOW	0x04
#define SCSI_RESPONSE_UNDERFLOW 0x02

struct pdu_data_in { /* 11.7 */
	uint8_t opcode;
	uint8_t flags;
	uint8_t reserved_2;
	uint8_t status;
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t lun[8];
	uint8_t initiator_task_tag[4];
	uint8_t target_transfer_tag[4];
	uint8_t stat_sn[4];
	uint8_t exp_cmd_sn[4];
	uint8_t max_cmd_sn[4];
	uint8_t data_sn[4];
	uint8_t buffer_offset[4];
	uint8_t residual_count[4];
};
static_assert(sizeof(struct pdu_data_in) == PDU_BHS_SIZE, "Data-In");

#define DATA_IN_STATUS 0x01

enum task_response {
	TASK_FUNCTION_COMPLETE = 0,
	TASK_DOES_NOT_EXIST = 1,
	TASK_LUN_DOES_NOT_EXIST = 2,
	TASK_REASSIGN_NOT_SUPPORTED = 4,
	TASK_FUNCTION_NOT_SUPPORTED = 5,
};

struct pdu_r2t { /* 11.8 */
	uint8_t opcode;
	uint8_t flags;
	uint8_t reserved_2[2];
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t lun[8];
	uint8_t initiator_task_tag[4];
	uint8_t target_transfer_tag[4];
	uint8_t stat_sn[4];
	uint8_t exp_cmd_sn[4];
	uint8_t max_cmd_sn[4];
	uint8_t r2t_sn[4];
	uint8_t buffer_offset[4];
	uint8_t desired_data_transfer_length[4];
};
static_assert(sizeof(struct pdu_r2t) == PDU_BHS_SIZE, "R2T");

struct pdu_async { /* 11.9 */
	uint8_t opcode;
	uint8_t flags;
	uint8_t reserved_2[2];
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t lun[8];
	uint8_t all_ones[4];
	uint8_t reserved_20[4];
	uint8_t stat_sn[4];
	uint8_t exp_cmd_sn[4];
	uint8_t max_cmd_sn[4];
	uint8_t event;
	uint8_t vendor_code;
	uint8_t parameter_1[2];
	uint8_t parameter_2[2];
	uint8_t parameter_3[2];
	uint8_t reserved_44[4];
};
static_assert(sizeof(struct pdu_async) == PDU_BHS_SIZE, "Asynchronous Message");

#define ASYNC_LOGOUT_REQUEST 1

struct pdu_login_response { /* 11.13 */
	uint8_t opcode;
	uint8_t flags;
	uint8_t version_max;
	uint8_t version_active;
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t isid[6];
	uint8_t tsih[2];
	uint8_t initiator_task_tag[4];
	uint8_t reserved_20[4];
	uint8_t stat_sn[4];
	uint8_t exp_cmd_sn[4];
	uint8_t max_cmd_sn[4];
	uint8_t status[2]; /* class, detail */
	uint8_t reserved_38[10];
};
static_assert(sizeof(struct pdu_login_response) == PDU_BHS_SIZE, "Login Response");

enum login_status { /* 11.13.5: class << 8 | detail */
	LOGIN_SUCCESS = 0x0000,
	LOGIN_INITIATOR_ERROR = 0x0200,
	LOGIN_AUTHENTICATION_FAILURE = 0x0201,
	LOGIN_AUTHORIZATION_FAILURE = 0x0202,
	LOGIN_NOT_FOUND = 0x0203,
	LOGIN_UNSUPPORTED_VERSION = 0x0205,
	LOGIN_TOO_MANY_CONNECTIONS = 0x0206,
	LOGIN_MISSING_PARAMETER = 0x0207,
	LOGIN_CANNOT_INCLUDE_IN_SESSION = 0x0208,
	LOGIN_SESSION_TYPE_NOT_SUPPORTED = 0x0209,
	LOGIN_SESSION_DOES_NOT_EXIST = 0x020a,
	LOGIN_INVALID_REQUEST = 0x020b,
	LOGIN_SERVICE_UNAVAILABLE = 0x0301,
	LOGIN_OUT_OF_RESOURCES = 0x0302,
};

struct pdu_logout_response { /* 11.15; Task Management Function Response (11.6) is the same */
	uint8_t opcode;
	uint8_t flags;
	uint8_t response;
	uint8_t reserved_3;
	uint8_t total_ahs_length;
	uint8_t data_segment_length[3];
	uint8_t reserved_8[8];
	uint8_t initiator_task_tag[4];
	uint8_t reserved_20[4];
	uint8_t stat_sn[4];
	uint8_t exp_cmd_sn[4];
	uint8_t max_cmd_sn[4];
	uint8_t reserved_36[4];
	uint8_t time2wait[2];
	uint8_t time2retain[2];
	uint8_t reserved_44[4];
};
static_assert(sizeof(struct pdu_logout_response) == PDU_BHS_SIZE, "Logout Response");

enum logout_response {
	LOGOUT_DONE = 0,
	LOGOUT_CID_NOT_FOUND = 1,
	LOGOUT_RECOVERY_NOT_SUPPORTED = 2,
};

enum reject_reason { /* 11.17.1 */
	REJECT_DATA_DIGEST_ERROR = 0x02,
	REJECT_PROTOCOL_ERROR = 0x04,
	REJECT_COMMAND_NOT_SUPPORTED = 0x05,
	REJECT_IMMEDIATE_COMMAND = 0x06, /* too many of them */
	REJECT_TASK_IN_PROGRESS = 0x07,
	REJECT_INVALID_PDU_FIELD = 0x09,
	REJECT_LONG_OPERATION = 0x0a, /* out of resources just now: it may be sent again */
};

#endif
