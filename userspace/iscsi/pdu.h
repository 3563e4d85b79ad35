/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all PDUs of iSCSI share (RFC 7143, 11.1 and 11.2): the basic header segment, opcodes,
 * lengths, additional headers, digests. The headers of each kind, as they are on the wire, stand
 * in pdu_request.h (initiator to target) and pdu_response.h (target to initiator). All fields
 * are bytes, so a header may lie anywhere in a buffer; numbers are read and written with
 * get_beNN and put_beNN.
 */
#ifndef ISCSI_PDU_H
#define ISCSI_PDU_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define PDU_BHS_SIZE	 48
#define PDU_DIGEST_SIZE	 4
#define PDU_AHS_LEN_MAX	 (255 * 4)
#define PDU_DATA_LEN_MAX 0xffffff

/* A task tag or transfer tag that names nothing. */
#define PDU_TAG_NONE UINT32_C(0xffffffff)

/* Byte 0. */
#define PDU_IMMEDIATE	0x40
#define PDU_OPCODE_MASK 0x3f

enum pdu_opcode {
	PDU_NOP_OUT = 0x00,
	PDU_SCSI_COMMAND = 0x01,
	PDU_TASK_REQUEST = 0x02,
	PDU_LOGIN_REQUEST = 0x03,
	PDU_TEXT_REQUEST = 0x04,
	PDU_DATA_OUT = 0x05,
	PDU_LOGOUT_REQUEST = 0x06,
	PDU_SNACK = 0x10,
	PDU_NOP_IN = 0x20,
	PDU_SCSI_RESPONSE = 0x21,
	PDU_TASK_RESPONSE = 0x22,
	PDU_LOGIN_RESPONSE = 0x23,
	PDU_TEXT_RESPONSE = 0x24,
	PDU_DATA_IN = 0x25,
	PDU_LOGOUT_RESPONSE = 0x26,
	PDU_R2T = 0x31,
	PDU_ASYNC = 0x32,
	PDU_REJECT = 0x3f,
};

/* Byte 1 of most kinds. */
#define PDU_FINAL    0x80
#define PDU_CONTINUE 0x40 /* text: more of this text follows in the next PDU */

struct pdu_bhs {
	uint8_t opcode; /* with PDU_IMMEDIATE */
	uint8_t flags;
	uint8_t specific_2[2];
	uint8_t total_ahs_length; /* in words of four bytes */
	uint8_t data_segment_length[3];
	uint8_t lun[8];
	uint8_t initiator_task_tag[4];
	uint8_t specific_20[28];
};
static_assert(sizeof(struct pdu_bhs) == PDU_BHS_SIZE, "a BHS has 48 bytes");

/* True for what an initiator may send. */
bool pdu_is_request(uint8_t opcode);

static inline uint32_t pdu_ahs_len(const struct pdu_bhs *bhs)
{
	return (uint32_t)bhs->total_ahs_length * 4;
}

static inline uint32_t pdu_data_len(const struct pdu_bhs *bhs)
{
	return get_be24(bhs->data_segment_length);
}

/* Segments are padded with zeros to words of four bytes. */
static inline uint32_t pdu_pad_len(uint32_t len)
{
	return -len & 3;
}

/*
 * Digests (RFC 7143, 13.1): CRC32C, low byte first on the wire. The header's covers BHS and AHS,
 * the data's the data and its padding.
 */
void pdu_header_digest(const void *header, size_t len, uint8_t out_digest[PDU_DIGEST_SIZE]);
void pdu_data_digest(const void *data, size_t len, uint8_t out_digest[PDU_DIGEST_SIZE]);

/* --- additional header segments (11.2.2) --- */

enum ahs_type {
	AHS_EXTENDED_CDB = 1,
	AHS_BIDI_READ_LENGTH = 2,
};

struct ahs {
	enum ahs_type type;
	const uint8_t *data; /* after AHSType; the extended CDB skips its reserved byte */
	uint32_t len;
};

/*
 * Take the next AHS of `len` bytes at `*at` on: 1 and *at moves behind it, 0 at the end, -EPROTO
 * if its length is 0 or leads beyond the end, or its type is none of the two.
 */
int ahs_next(const uint8_t *segment, uint32_t len, uint32_t *at, struct ahs *out_ahs);

#endif
