/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a logical unit tells about LUNs, commands and task management (SPC-4, 6.33 to 6.36). */
#include "scsi/report.h"

#include <string.h>

#include "base/bytes.h"

#define TIMEOUTS_LEN 12

/* Byte 5 of an entry in the list of all commands. */
#define ENTRY_CTDP     0x02
#define ENTRY_SERVACTV 0x01

/* Byte 1 in the one_command format. */
#define ONE_CTDP	  0x80
#define ONE_NOT_SUPPORTED 0x01
#define ONE_SUPPORTED	  0x03

/* SPC-4, 6.36: byte 0. */
#define FUNCTION_ATS  0x80
#define FUNCTION_ATSS 0x40
#define FUNCTION_CTSS 0x10
#define FUNCTION_LURS 0x08
#define FUNCTION_TRS  0x02

size_t report_luns_encode(uint8_t *out, unsigned count)
{
	memset(out, 0, REPORT_LUNS_LEN_MAX);
	put_be32(out, 8 * count);
	return 8 + 8 * (size_t)count;
}

/* No timeout is known: they depend on the disk and the network (SPC-4, 6.35.4). */
static size_t timeouts_encode(uint8_t *out)
{
	memset(out, 0, TIMEOUTS_LEN);
	put_be16(out, TIMEOUTS_LEN - 2);
	return TIMEOUTS_LEN;
}

void report_opcodes_encode_header(uint8_t *out, size_t entries_len)
{
	put_be32(out, (uint32_t)entries_len);
}

size_t report_opcodes_encode(uint8_t *out, const struct scsi_command *command, bool has_timeouts)
{
	memset(out, 0, 8);
	out[0] = command->opcode;
	if (command->has_service_action) {
		put_be16(out + 2, command->service_action);
		out[5] |= ENTRY_SERVACTV;
	}
	put_be16(out + 6, command->cdb_len);
	if (!has_timeouts)
		return 8;
	out[5] |= ENTRY_CTDP;
	return 8 + timeouts_encode(out + 8);
}

size_t report_opcode_encode_one(uint8_t *out, const struct scsi_command *command, bool has_timeouts)
{
	size_t len = 4;

	memset(out, 0, len);
	if (!command) {
		out[1] = ONE_NOT_SUPPORTED;
		return len;
	}
	out[1] = ONE_SUPPORTED;
	put_be16(out + 2, command->cdb_len);
	memcpy(out + len, command->usage, command->cdb_len);
	len += command->cdb_len;
	if (has_timeouts) {
		out[1] |= ONE_CTDP;
		len += timeouts_encode(out + len);
	}
	return len;
}

size_t report_functions_encode(uint8_t *out, bool is_extended)
{
	size_t len = is_extended ? 16 : 4;

	memset(out, 0, len);
	out[0] = FUNCTION_ATS | FUNCTION_ATSS | FUNCTION_CTSS | FUNCTION_LURS | FUNCTION_TRS;
	if (is_extended)
		out[3] = 0x0c; /* ADDITIONAL DATA LENGTH */
	return len;
}
