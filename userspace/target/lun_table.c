/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All commands of a LUN in one table. It says what is served, which bits of a CDB are looked at
 * (a one in any other is refused, and REPORT SUPPORTED OPERATION CODES tells it), and who does
 * it. What is not here is answered with INVALID COMMAND OPERATION CODE.
 *
 * Rows are in ascending order of operation code and service action. RDPROTECT, WRPROTECT and
 * VRPROTECT are not looked at: there is no protection information, so they must be 0.
 */
#include <assert.h>

#include "base/compiler.h"
#include "scsi/opcode.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

/* Fields of which every bit counts. */
#define ALL_2 0xff, 0xff
#define ALL_4 ALL_2, ALL_2
#define ALL_8 ALL_4, ALL_4

/* GROUP NUMBER: a hint that is taken and not used, as it must not stop a command. */
#define GROUP 0x1f

/* Bits of byte 1. */
#define DPO	0x10
#define FUA	0x08
#define IMMED	0x02
#define BYTCHK	0x06
#define BYTCHK1 0x02 /* WRITE AND VERIFY: 00b and 01b */
#define PF	0x10
#define SP	0x01
#define LLBAA	0x10
#define DBD	0x08
#define UNMAP_1 0x08
#define NDOB	0x01

#define PASSES	  COMMAND_PASSES_ATTENTION
#define WRITES	  (COMMAND_WRITES | COMMAND_PARTIAL)
#define VERIFIES  COMMAND_SCRATCH
#define READ_FUA  COMMAND_FUA
#define WRITE_FUA (COMMAND_WRITES | COMMAND_FUA | COMMAND_PARTIAL)
#define REWRITES  (COMMAND_WRITES | COMMAND_SCRATCH | COMMAND_EXACT)
#define PROVES	  (COMMAND_WRITES | COMMAND_SCRATCH | COMMAND_THROUGH | COMMAND_PARTIAL)
#define SWAPS	  (REWRITES | COMMAND_FUA | COMMAND_EXCLUSIVE)
#define TRIMS	  (COMMAND_WRITES | COMMAND_THIN)

#define ROW(code, len, flags, prepare, run, ...)                                                   \
	{                                                                                          \
		{.opcode = (code), .cdb_len = (len), .usage = {(code), __VA_ARGS__}}, flags,       \
			prepare, run                                                               \
	}
#define SERVICE_ROW(code, action, len, flags, prepare, run, ...)                                   \
	{                                                                                          \
		{.opcode = (code),                                                                 \
		 .has_service_action = true,                                                       \
		 .service_action = (action),                                                       \
		 .cdb_len = (len),                                                                 \
		 .usage = {(code), (action), __VA_ARGS__}},                                        \
			flags, prepare, run                                                        \
	}

/* clang-format off */
static const struct lun_command commands[] = {
ROW(TEST_UNIT_READY, 6, 0, task_prepare_nothing, lun_task_end,
    0),
ROW(REQUEST_SENSE, 6, PASSES, request_sense_prepare, request_sense_run,
    0x01, 0, 0, 0xff),
ROW(READ_6, 6, 0, read_prepare, read_run,
    0x1f, ALL_2, 0xff),
ROW(WRITE_6, 6, WRITES, write_prepare, write_run,
    0x1f, ALL_2, 0xff),
ROW(INQUIRY, 6, PASSES, inquiry_prepare, inquiry_run,
    0x01, 0xff, ALL_2),
ROW(MODE_SELECT_6, 6, 0, mode_select_prepare, mode_select_run,
    PF | SP, 0, 0, 0xff),
ROW(MODE_SENSE_6, 6, 0, mode_sense_prepare, mode_sense_run,
    DBD, 0xff, 0xff, 0xff),
ROW(START_STOP_UNIT, 6, 0, task_prepare_nothing, start_stop_unit_run,
    0x01, 0, 0, 0x05),
ROW(PREVENT_ALLOW_MEDIUM_REMOVAL, 6, 0, task_prepare_nothing, lun_task_end,
    0, 0, 0, 0x01),
ROW(READ_CAPACITY_10, 10, 0, read_capacity_10_prepare, read_capacity_10_run,
    0),
ROW(READ_10, 10, READ_FUA, read_prepare, read_run,
    DPO | FUA, ALL_4, GROUP, ALL_2),
ROW(WRITE_10, 10, WRITE_FUA, write_prepare, write_run,
    DPO | FUA, ALL_4, GROUP, ALL_2),
ROW(WRITE_AND_VERIFY_10, 10, PROVES, write_prepare, write_and_verify_run,
    DPO | BYTCHK1, ALL_4, GROUP, ALL_2),
ROW(VERIFY_10, 10, VERIFIES, verify_prepare, verify_run,
    DPO | BYTCHK, ALL_4, GROUP, ALL_2),
ROW(PRE_FETCH_10, 10, 0, range_prepare, lun_task_end,
    IMMED, ALL_4, GROUP, ALL_2),
ROW(SYNCHRONIZE_CACHE_10, 10, 0, range_prepare, synchronize_cache_run,
    IMMED, ALL_4, GROUP, ALL_2),
ROW(WRITE_SAME_10, 10, REWRITES, write_same_prepare, write_same_run,
    UNMAP_1, ALL_4, GROUP, ALL_2),
ROW(UNMAP, 10, TRIMS, unmap_prepare, unmap_run,
    0, 0, 0, 0, 0, GROUP, ALL_2),
ROW(LOG_SENSE, 10, 0, log_sense_prepare, log_sense_run,
    0, 0xff, 0xff, 0, ALL_2, ALL_2),
ROW(MODE_SELECT_10, 10, 0, mode_select_prepare, mode_select_run,
    PF | SP, 0, 0, 0, 0, 0, ALL_2),
ROW(MODE_SENSE_10, 10, 0, mode_sense_prepare, mode_sense_run,
    LLBAA | DBD, 0xff, 0xff, 0, 0, 0, ALL_2),
ROW(READ_16, 16, READ_FUA, read_prepare, read_run,
    DPO | FUA, ALL_8, ALL_4, GROUP),
ROW(COMPARE_AND_WRITE, 16, SWAPS, compare_and_write_prepare, compare_and_write_run,
    DPO | FUA, ALL_8, 0, 0, 0, 0xff, GROUP),
ROW(WRITE_16, 16, WRITE_FUA, write_prepare, write_run,
    DPO | FUA, ALL_8, ALL_4, GROUP),
ROW(WRITE_AND_VERIFY_16, 16, PROVES, write_prepare, write_and_verify_run,
    DPO | BYTCHK1, ALL_8, ALL_4, GROUP),
ROW(VERIFY_16, 16, VERIFIES, verify_prepare, verify_run,
    DPO | BYTCHK, ALL_8, ALL_4, GROUP),
ROW(PRE_FETCH_16, 16, 0, range_prepare, lun_task_end,
    IMMED, ALL_8, ALL_4, GROUP),
ROW(SYNCHRONIZE_CACHE_16, 16, 0, range_prepare, synchronize_cache_run,
    IMMED, ALL_8, ALL_4, GROUP),
ROW(WRITE_SAME_16, 16, REWRITES, write_same_prepare, write_same_run,
    UNMAP_1 | NDOB, ALL_8, ALL_4, GROUP),
SERVICE_ROW(SERVICE_ACTION_IN_16, SERVICE_READ_CAPACITY_16, 16, 0,
    read_capacity_16_prepare, read_capacity_16_run,
    0, 0, 0, 0, 0, 0, 0, 0, ALL_4),
SERVICE_ROW(SERVICE_ACTION_IN_16, SERVICE_GET_LBA_STATUS_16, 16, 0,
    get_lba_status_prepare, get_lba_status_run,
    ALL_8, ALL_4),
ROW(REPORT_LUNS, 12, PASSES, report_luns_prepare, report_luns_run,
    0, 0xff, 0, 0, 0, ALL_4),
SERVICE_ROW(MAINTENANCE_IN, SERVICE_REPORT_SUPPORTED_OPERATION_CODES, 12, 0,
    report_operation_codes_prepare, report_operation_codes_run,
    0x87, 0xff, ALL_2, ALL_4),
SERVICE_ROW(MAINTENANCE_IN, SERVICE_REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS, 12, 0,
    report_functions_prepare, report_functions_run,
    0x80, 0, 0, 0, ALL_4),
ROW(READ_12, 12, READ_FUA, read_prepare, read_run,
    DPO | FUA, ALL_4, ALL_4, GROUP),
ROW(WRITE_12, 12, WRITE_FUA, write_prepare, write_run,
    DPO | FUA, ALL_4, ALL_4, GROUP),
ROW(WRITE_AND_VERIFY_12, 12, PROVES, write_prepare, write_and_verify_run,
    DPO | BYTCHK1, ALL_4, ALL_4, GROUP),
ROW(VERIFY_12, 12, VERIFIES, verify_prepare, verify_run,
    DPO | BYTCHK, ALL_4, ALL_4, GROUP),
};
/* clang-format on */

static bool is_served(const struct lun *lun, const struct lun_command *command)
{
	return !(command->flags & COMMAND_THIN) || lun->limits.is_thin;
}

/* The first row whose operation code is not below `opcode`. */
static size_t row_search(uint8_t opcode)
{
	size_t start = 0;
	size_t end = ARRAY_SIZE(commands);

	while (start < end) {
		size_t middle = start + (end - start) / 2;

		if (commands[middle].scsi.opcode < opcode)
			start = middle + 1;
		else
			end = middle;
	}
	return start;
}

const struct lun_command *lun_command_find(const struct lun *lun, uint8_t opcode,
					   uint16_t service_action, bool *out_has_opcode)
{
	*out_has_opcode = false;
	for (size_t i = row_search(opcode); i < ARRAY_SIZE(commands); i++) {
		const struct lun_command *command = &commands[i];

		if (command->scsi.opcode != opcode)
			break;
		if (!is_served(lun, command))
			continue;
		*out_has_opcode = true;
		if (!command->scsi.has_service_action ||
		    command->scsi.service_action == service_action)
			return command;
	}
	return NULL;
}

const struct lun_command *lun_command_next(const struct lun *lun,
					   const struct lun_command *previous)
{
	const struct lun_command *command = previous ? previous + 1 : commands;

	while (command < commands + ARRAY_SIZE(commands) && !is_served(lun, command))
		command++;
	return command < commands + ARRAY_SIZE(commands) ? command : NULL;
}
