/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sense data in both formats (SPC-4, 4.5): why a command ended with CHECK CONDITION.
 */
#ifndef SCSI_SENSE_H
#define SCSI_SENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SPC-4, table 46. */
enum sense_key {
	SENSE_KEY_NO_SENSE = 0x0,
	SENSE_KEY_NOT_READY = 0x2,
	SENSE_KEY_MEDIUM_ERROR = 0x3,
	SENSE_KEY_HARDWARE_ERROR = 0x4,
	SENSE_KEY_ILLEGAL_REQUEST = 0x5,
	SENSE_KEY_UNIT_ATTENTION = 0x6,
	SENSE_KEY_DATA_PROTECT = 0x7,
	SENSE_KEY_ABORTED_COMMAND = 0xb,
	SENSE_KEY_MISCOMPARE = 0xe,
};

/* ASC in the high byte, ASCQ in the low one (SPC-4, annex F). */
enum sense_code {
	SENSE_NO_ADDITIONAL_SENSE_INFORMATION = 0x0000,
	SENSE_WRITE_ERROR = 0x0c00,
	SENSE_INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT = 0x0e03,
	SENSE_UNRECOVERED_READ_ERROR = 0x1100,
	SENSE_PARAMETER_LIST_LENGTH_ERROR = 0x1a00,
	SENSE_MISCOMPARE_DURING_VERIFY = 0x1d00,
	SENSE_INVALID_COMMAND_OPERATION_CODE = 0x2000,
	SENSE_LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE = 0x2100,
	SENSE_INVALID_FIELD_IN_CDB = 0x2400,
	SENSE_LOGICAL_UNIT_NOT_SUPPORTED = 0x2500,
	SENSE_INVALID_FIELD_IN_PARAMETER_LIST = 0x2600,
	SENSE_WRITE_PROTECTED = 0x2700,
	SENSE_LOGICAL_UNIT_SOFTWARE_WRITE_PROTECTED = 0x2702,
	SENSE_SPACE_ALLOCATION_FAILED_WRITE_PROTECT = 0x2707,
	SENSE_POWER_ON_RESET_OR_BUS_DEVICE_RESET = 0x2900,
	SENSE_BUS_DEVICE_RESET_FUNCTION_OCCURRED = 0x2903,
	SENSE_MODE_PARAMETERS_CHANGED = 0x2a01,
	SENSE_CAPACITY_DATA_HAS_CHANGED = 0x2a09,
	SENSE_COMMANDS_CLEARED_BY_ANOTHER_INITIATOR = 0x2f00,
	SENSE_THIN_PROVISIONING_SOFT_THRESHOLD_REACHED = 0x3807,
	SENSE_SAVING_PARAMETERS_NOT_SUPPORTED = 0x3900,
	SENSE_INTERNAL_TARGET_FAILURE = 0x4400,
	SENSE_INVALID_MESSAGE_ERROR = 0x4900,
};

/* Where a wrong field begins: the field pointer of ILLEGAL REQUEST (SPC-4, 4.5.2.4.2). */
enum sense_field {
	SENSE_FIELD_NONE,
	SENSE_FIELD_IN_CDB,
	SENSE_FIELD_IN_DATA, /* in the parameter list */
};

struct sense {
	uint8_t key;
	uint16_t code;
	bool has_information;
	uint64_t information; /* its meaning is the command's */
	enum sense_field field;
	uint16_t field_byte;
	bool has_field_bit;
	uint8_t field_bit; /* 7 is the leftmost */
};

#define SENSE_FIXED_LEN	     18
#define SENSE_DESCRIPTOR_MAX 28
#define SENSE_LEN_MAX	     28

/*
 * Encode into `out`, which has SENSE_LEN_MAX bytes; returns the length. Information that does
 * not fit the 32 bits of the fixed format is left out there (VALID 0).
 */
size_t sense_encode(const struct sense *sense, bool is_descriptor_format, uint8_t *out);

#endif
