/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameter data of REPORT LUNS, REPORT SUPPORTED OPERATION CODES and REPORT SUPPORTED TASK
 * MANAGEMENT FUNCTIONS (SPC-4, 6.33, 6.35 and 6.36).
 */
#ifndef SCSI_REPORT_H
#define SCSI_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPORT_LUNS_LEN_MAX	  16
#define REPORT_OPCODE_HEADER_LEN  4
#define REPORT_OPCODE_ENTRY_LEN	  20 /* with its timeouts descriptor */
#define REPORT_OPCODE_ONE_LEN_MAX 32
#define REPORT_FUNCTIONS_LEN_MAX  16

/* A command as the reports show it. */
struct scsi_command {
	uint8_t opcode;
	bool has_service_action;
	uint8_t service_action;
	uint8_t cdb_len;
	/* The CDB usage data (SPC-4, 6.35.3): ones for the bits that are looked at; the operation
	 * code and the service action stand as they are. */
	uint8_t usage[16];
};

/* The list of `count` (0 or 1) LUNs; the one is LUN 0. Returns the length. */
size_t report_luns_encode(uint8_t *out, unsigned count);

/* The header of a list of all commands whose entries take `entries_len` bytes. */
void report_opcodes_encode_header(uint8_t *out, size_t entries_len);

/* One entry of that list, with a timeouts descriptor (that knows no timeout) if RCTD is set. */
size_t report_opcodes_encode(uint8_t *out, const struct scsi_command *command, bool has_timeouts);

/* The one_command format; a command of NULL is not supported. */
size_t report_opcode_encode_one(uint8_t *out, const struct scsi_command *command,
				bool has_timeouts);

/* ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET, TARGET RESET. */
size_t report_functions_encode(uint8_t *out, bool is_extended);

#endif
