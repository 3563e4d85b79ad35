/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sense data (SPC-4, 4.5.2 descriptor format, 4.5.3 fixed format), current errors only: berth
 * ends a command with the error that it is about, so there are no deferred ones.
 */
#include "scsi/sense.h"

#include <string.h>

#include "base/bytes.h"

#define RESPONSE_FIXED	    0x70
#define RESPONSE_DESCRIPTOR 0x72

#define FIXED_VALID 0x80

#define DESCRIPTOR_INFORMATION	      0x00
#define DESCRIPTOR_SENSE_KEY_SPECIFIC 0x02

/* The three bytes of a field pointer (SPC-4, table 47). */
static void field_pointer_encode(const struct sense *sense, uint8_t *out)
{
	out[0] = 0x80; /* SKSV */
	if (sense->field == SENSE_FIELD_IN_CDB)
		out[0] |= 0x40; /* C/D */
	if (sense->has_field_bit)
		out[0] |= (uint8_t)(0x08 | (sense->field_bit & 7)); /* BPV */
	put_be16(out + 1, sense->field_byte);
}

static size_t fixed_encode(const struct sense *sense, uint8_t *out)
{
	memset(out, 0, SENSE_FIXED_LEN);
	out[0] = RESPONSE_FIXED;
	out[2] = sense->key;
	if (sense->has_information && sense->information <= UINT32_MAX) {
		out[0] |= FIXED_VALID;
		put_be32(out + 3, (uint32_t)sense->information);
	}
	out[7] = SENSE_FIXED_LEN - 8;
	put_be16(out + 12, sense->code);
	if (sense->field != SENSE_FIELD_NONE)
		field_pointer_encode(sense, out + 15);
	return SENSE_FIXED_LEN;
}

static size_t descriptor_encode(const struct sense *sense, uint8_t *out)
{
	uint8_t *at = out + 8;

	memset(out, 0, SENSE_DESCRIPTOR_MAX);
	out[0] = RESPONSE_DESCRIPTOR;
	out[1] = sense->key;
	put_be16(out + 2, sense->code);
	if (sense->has_information) {
		at[0] = DESCRIPTOR_INFORMATION;
		at[1] = 0x0a;
		at[2] = FIXED_VALID;
		put_be64(at + 4, sense->information);
		at += 12;
	}
	if (sense->field != SENSE_FIELD_NONE) {
		at[0] = DESCRIPTOR_SENSE_KEY_SPECIFIC;
		at[1] = 0x06;
		field_pointer_encode(sense, at + 4);
		at += 8;
	}
	out[7] = (uint8_t)(at - out - 8);
	return (size_t)(at - out);
}

size_t sense_encode(const struct sense *sense, bool is_descriptor_format, uint8_t *out)
{
	return is_descriptor_format ? descriptor_encode(sense, out) : fixed_encode(sense, out);
}
