/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iscsi/pdu.h"

#include <errno.h>

#include "base/crc32c.h"

bool pdu_is_request(uint8_t opcode)
{
	opcode &= PDU_OPCODE_MASK;
	return opcode <= PDU_LOGOUT_REQUEST || opcode == PDU_SNACK;
}

void pdu_header_digest(const void *header, size_t len, uint8_t out_digest[PDU_DIGEST_SIZE])
{
	put_le32(out_digest, crc32c(0, header, len));
}

void pdu_data_digest(const void *data, size_t len, uint8_t out_digest[PDU_DIGEST_SIZE])
{
	static const uint8_t zeros[3];
	uint32_t crc = crc32c(0, data, len);

	put_le32(out_digest, crc32c(crc, zeros, pdu_pad_len((uint32_t)len)));
}

/* AHSLength counts what follows AHSType; its first byte is reserved or belongs to the CDB. */
#define AHS_HEAD_SIZE 3

int ahs_next(const uint8_t *segment, uint32_t len, uint32_t *at, struct ahs *out_ahs)
{
	uint32_t content_len, whole_len;

	if (*at == len)
		return 0;
	if (len - *at < AHS_HEAD_SIZE + 1)
		return -EPROTO;
	content_len = get_be16(segment + *at);
	whole_len = AHS_HEAD_SIZE + content_len;
	whole_len += pdu_pad_len(whole_len);
	if (content_len == 0 || whole_len > len - *at)
		return -EPROTO;
	switch (segment[*at + 2]) {
	case AHS_EXTENDED_CDB:
		break;
	case AHS_BIDI_READ_LENGTH:
		if (content_len != 5)
			return -EPROTO;
		break;
	default:
		return -EPROTO;
	}
	*out_ahs = (struct ahs){.type = (enum ahs_type)segment[*at + 2],
				.data = segment + *at + AHS_HEAD_SIZE + 1,
				.len = content_len - 1};
	*at += whole_len;
	return 1;
}
