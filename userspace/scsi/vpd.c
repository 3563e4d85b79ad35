/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vital product data pages (SPC-4, 7.8; SBC-3, 6.6).
 *
 * Identity. A volume is its UUID, and the UUID is in page 80h as text and in page 83h three
 * times: whole as a UUID designator (SPC-5, 7.7.6.12), whole as text in a T10 vendor ID based
 * designator for initiators that know only SPC-4, and 60 bits of it as an NAA designator,
 * because udev, multipath and ESXi look for one first. The NAA is 3h, locally assigned:
 * formats 2h, 5h and 6h begin with a company identifier that IEEE would have to assign to us.
 * The 60 bits are the last ones of the UUID, all random in version 4.
 */
#include <string.h>

#include "base/bytes.h"
#include "scsi/inquiry.h"

#define HEADER_LEN 4

/* Byte 0 and 1 of a designator. */
#define CODE_BINARY 0x01
#define CODE_ASCII  0x02
#define CODE_UTF8   0x03

#define PROTOCOL_ISCSI 0x50

#define PIV		0x80
#define ABOUT_LUN	0x00
#define ABOUT_PORT	0x10
#define ABOUT_DEVICE	0x20
#define TYPE_VENDOR	0x0
#define TYPE_T10	0x1
#define TYPE_NAA	0x3
#define TYPE_PORT_INDEX 0x4
#define TYPE_SCSI_NAME	0x8
#define TYPE_UUID	0xa

#define NAA_LOCALLY_ASSIGNED 0x30

static const uint8_t served_pages[] = {
	VPD_SUPPORTED_PAGES, VPD_UNIT_SERIAL_NUMBER,	       VPD_DEVICE_IDENTIFICATION,
	VPD_BLOCK_LIMITS,    VPD_BLOCK_DEVICE_CHARACTERISTICS, VPD_LOGICAL_BLOCK_PROVISIONING,
};

/* A page of `len` bytes, zero but for its header. */
static size_t page_start(uint8_t *page, enum vpd_page code, size_t len)
{
	memset(page, 0, len);
	page[1] = (uint8_t)code;
	put_be16(page + 2, (uint16_t)(len - HEADER_LEN));
	return len;
}

size_t vpd_encode_supported_pages(uint8_t *page)
{
	size_t len = page_start(page, VPD_SUPPORTED_PAGES, HEADER_LEN + sizeof(served_pages));

	memcpy(page + HEADER_LEN, served_pages, sizeof(served_pages));
	return len;
}

size_t vpd_encode_serial(uint8_t *page, const struct uuid *uuid)
{
	char text[UUID_TEXT_SIZE];
	size_t text_len = strlen(uuid_format(uuid, text));
	size_t len = page_start(page, VPD_UNIT_SERIAL_NUMBER, HEADER_LEN + text_len);

	memcpy(page + HEADER_LEN, text, text_len);
	return len;
}

/* The header of a designator (SPC-4, table 564); returns where its value goes. */
static uint8_t *designator_start(uint8_t *at, uint8_t code_set, uint8_t type, size_t len)
{
	at[0] = code_set;
	at[1] = type;
	at[2] = 0;
	at[3] = (uint8_t)len;
	memset(at + 4, 0, len);
	return at + 4;
}

static uint8_t *naa_encode(uint8_t *at, const struct uuid *uuid)
{
	uint8_t *value = designator_start(at, CODE_BINARY, ABOUT_LUN | TYPE_NAA, 8);

	memcpy(value, uuid->bytes + 8, 8);
	value[0] = (uint8_t)(NAA_LOCALLY_ASSIGNED | (value[0] & 0x0f));
	return value + 8;
}

static uint8_t *uuid_encode(uint8_t *at, const struct uuid *uuid)
{
	uint8_t *value = designator_start(at, CODE_BINARY, ABOUT_LUN | TYPE_UUID, 18);

	value[0] = 0x10; /* a UUID of RFC 4122 */
	memcpy(value + 2, uuid->bytes, 16);
	return value + 18;
}

static uint8_t *t10_encode(uint8_t *at, const struct uuid *uuid)
{
	char text[UUID_TEXT_SIZE];
	size_t text_len = strlen(uuid_format(uuid, text));
	uint8_t *value =
		designator_start(at, CODE_ASCII, ABOUT_LUN | TYPE_T10, SCSI_VENDOR_LEN + text_len);

	memcpy(value, scsi_vendor, SCSI_VENDOR_LEN);
	memcpy(value + SCSI_VENDOR_LEN, text, text_len);
	return value + SCSI_VENDOR_LEN + text_len;
}

/* The volume's name, for people: vendor specific, because it need not be unique. */
static uint8_t *label_encode(uint8_t *at, const char *label)
{
	size_t len = strnlen(label, 64);

	if (len == 0)
		return at;
	memcpy(designator_start(at, CODE_UTF8, ABOUT_LUN | TYPE_VENDOR, len), label, len);
	return at + 4 + len;
}

/* A SCSI name string ends with at least one NUL and is padded to four bytes (SPC-4, 7.8.6.11). */
static uint8_t *name_encode(uint8_t *at, uint8_t about, const char *name)
{
	size_t name_len = strnlen(name, 251);
	size_t len = (name_len + 1 + 3) & ~(size_t)3;

	memcpy(designator_start(at, PROTOCOL_ISCSI | CODE_UTF8, PIV | about | TYPE_SCSI_NAME, len),
	       name, name_len);
	return at + 4 + len;
}

/* RELATIVE TARGET PORT IDENTIFIER: there is one target port, 1. */
static uint8_t *port_index_encode(uint8_t *at)
{
	uint8_t *value = designator_start(at, PROTOCOL_ISCSI | CODE_BINARY,
					  PIV | ABOUT_PORT | TYPE_PORT_INDEX, 4);

	put_be16(value + 2, 1);
	return value + 4;
}

size_t vpd_encode_identification(uint8_t *page, const struct vpd_names *names)
{
	uint8_t *at = page + HEADER_LEN;

	page_start(page, VPD_DEVICE_IDENTIFICATION, HEADER_LEN);
	at = naa_encode(at, &names->uuid);
	at = t10_encode(at, &names->uuid);
	at = uuid_encode(at, &names->uuid);
	at = label_encode(at, names->label);
	if (names->target_port[0] != '\0')
		at = name_encode(at, ABOUT_PORT, names->target_port);
	at = port_index_encode(at);
	at = name_encode(at, ABOUT_DEVICE, names->target_name);
	put_be16(page + 2, (uint16_t)(at - page - HEADER_LEN));
	return (size_t)(at - page);
}

size_t vpd_encode_limits(uint8_t *page, const struct vpd_limits *limits)
{
	size_t len = page_start(page, VPD_BLOCK_LIMITS, 64);

	page[4] = 0x01; /* WSNZ: a WRITE SAME of no blocks is refused */
	page[5] = limits->maximum_compare_and_write_length;
	put_be16(page + 6, limits->optimal_transfer_length_granularity);
	put_be32(page + 8, limits->maximum_transfer_length);
	put_be32(page + 12, limits->optimal_transfer_length);
	put_be32(page + 20, limits->maximum_unmap_lba_count);
	put_be32(page + 24, limits->maximum_unmap_block_descriptor_count);
	put_be32(page + 28, limits->optimal_unmap_granularity);
	if (limits->optimal_unmap_granularity != 0)
		put_be32(page + 32, UINT32_C(1) << 31); /* UGAVALID, alignment 0 */
	put_be64(page + 36, limits->maximum_write_same_length);
	return len;
}

size_t vpd_encode_characteristics(uint8_t *page)
{
	size_t len = page_start(page, VPD_BLOCK_DEVICE_CHARACTERISTICS, 64);

	put_be16(page + 4, 1); /* MEDIUM ROTATION RATE: none */
	return len;
}

size_t vpd_encode_provisioning(uint8_t *page, bool is_thin, uint8_t threshold_exponent)
{
	size_t len = page_start(page, VPD_LOGICAL_BLOCK_PROVISIONING, 8);

	page[4] = threshold_exponent;
	if (is_thin) {
		page[5] = 0xe4; /* LBPU, LBPWS, LBPWS10; LBPRZ 001b: zeros */
		page[6] = 0x02; /* thin */
	}
	return len;
}
