/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scsi/log.h"

#include <string.h>

#include "base/bytes.h"

#define HEADER_LEN    4
#define PARAMETER_LEN 12

#define DS		0x80 /* the parameters are not saved */
#define BINARY_LIST	0x03 /* FORMAT AND LINKING of a parameter */
#define SCOPE_DEDICATED 0x01
#define SCOPE_SHARED	0x02

size_t log_encode_supported(uint8_t *out, bool has_provisioning)
{
	size_t count = has_provisioning ? 2 : 1;

	memset(out, 0, HEADER_LEN);
	put_be16(out + 2, (uint16_t)count);
	out[HEADER_LEN] = LOG_SUPPORTED_PAGES;
	out[HEADER_LEN + 1] = LOG_LOGICAL_BLOCK_PROVISIONING;
	return HEADER_LEN + count;
}

static uint8_t *count_encode(uint8_t *at, uint16_t code, uint32_t count, uint8_t scope)
{
	memset(at, 0, PARAMETER_LEN);
	put_be16(at, code);
	at[2] = BINARY_LIST;
	at[3] = PARAMETER_LEN - 4;
	put_be32(at + 4, count);
	at[8] = scope;
	return at + PARAMETER_LEN;
}

size_t log_encode_provisioning(uint8_t *out, uint16_t first_code,
			       const struct log_provisioning *counts)
{
	uint8_t *at = out + HEADER_LEN;

	if (first_code <= LOG_AVAILABLE_COUNT)
		at = count_encode(at, LOG_AVAILABLE_COUNT, counts->available, SCOPE_SHARED);
	if (first_code <= LOG_USED_COUNT)
		at = count_encode(at, LOG_USED_COUNT, counts->used, SCOPE_DEDICATED);
	out[0] = DS | LOG_LOGICAL_BLOCK_PROVISIONING;
	out[1] = 0;
	put_be16(out + 2, (uint16_t)(at - out - HEADER_LEN));
	return (size_t)(at - out);
}
