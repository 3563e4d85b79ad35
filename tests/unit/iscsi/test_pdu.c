/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers, additional headers, digests and sequence numbers, against bytes of the standard. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "iscsi/pdu.h"
#include "iscsi/pdu_request.h"
#include "iscsi/pdu_response.h"
#include "iscsi/serial.h"

/* RFC 7143, 11.3: each field where its figure has it. */
static void scsi_command_has_its_golden_bytes(void **state)
{
	static const uint8_t golden[PDU_BHS_SIZE] = {
		0x41, 0xa1, 0,	0,  0x02, 0x00, 0x10, 0x00, /* opcode .. DataSegmentLength */
		0,    1,    0,	0,  0,	  0,	0,    0,    /* LUN */
		1,    2,    3,	4,  5,	  6,	7,    8,    /* ITT, EDTL */
		9,    10,   11, 12, 13,	  14,	15,   16,   /* CmdSN, ExpStatSN */
		0x2a, 0,    0,	0,  0,	  1,	0,    0,    8, 0,
	};
	struct pdu_scsi_command request;

	(void)state;
	memcpy(&request, golden, sizeof(request));
	assert_int_equal(request.opcode, PDU_SCSI_COMMAND | PDU_IMMEDIATE);
	assert_int_equal(request.flags, PDU_FINAL | SCSI_COMMAND_WRITE | 1);
	assert_int_equal(pdu_ahs_len((const struct pdu_bhs *)&request), 8);
	assert_int_equal(pdu_data_len((const struct pdu_bhs *)&request), 4096);
	assert_int_equal(get_be64(request.lun), UINT64_C(1) << 48);
	assert_int_equal(get_be32(request.initiator_task_tag), 0x01020304);
	assert_int_equal(get_be32(request.expected_data_transfer_length), 0x05060708);
	assert_int_equal(get_be32(request.cmd_sn), 0x090a0b0c);
	assert_int_equal(get_be32(request.exp_stat_sn), 0x0d0e0f10);
	assert_int_equal(request.cdb[0], 0x2a);
}

#define OFFSET(type, member, offset)                                                               \
	static_assert(offsetof(struct type, member) == (offset), #type "." #member)

/* The figures of RFC 7143, section 11. */
OFFSET(pdu_scsi_response, response, 2);
OFFSET(pdu_scsi_response, status, 3);
OFFSET(pdu_scsi_response, exp_data_sn, 36);
OFFSET(pdu_scsi_response, residual_count, 44);
OFFSET(pdu_task_request, referenced_task_tag, 20);
OFFSET(pdu_task_request, ref_cmd_sn, 32);
OFFSET(pdu_data_out, target_transfer_tag, 20);
OFFSET(pdu_data_out, data_sn, 36);
OFFSET(pdu_data_out, buffer_offset, 40);
OFFSET(pdu_data_in, status, 3);
OFFSET(pdu_data_in, data_sn, 36);
OFFSET(pdu_data_in, buffer_offset, 40);
OFFSET(pdu_data_in, residual_count, 44);
OFFSET(pdu_r2t, r2t_sn, 36);
OFFSET(pdu_r2t, buffer_offset, 40);
OFFSET(pdu_r2t, desired_data_transfer_length, 44);
OFFSET(pdu_async, event, 36);
OFFSET(pdu_async, parameter_3, 42);
OFFSET(pdu_text_request, target_transfer_tag, 20);
OFFSET(pdu_login_request, version_min, 3);
OFFSET(pdu_login_request, isid, 8);
OFFSET(pdu_login_request, tsih, 14);
OFFSET(pdu_login_request, cid, 20);
OFFSET(pdu_login_request, cmd_sn, 24);
OFFSET(pdu_login_response, status, 36);
OFFSET(pdu_logout_request, cid, 20);
OFFSET(pdu_logout_response, time2wait, 40);
OFFSET(pdu_logout_response, time2retain, 42);
OFFSET(pdu_nop_out, target_transfer_tag, 20);
OFFSET(pdu_response, stat_sn, 24);
OFFSET(pdu_response, max_cmd_sn, 32);

static void requests_are_told_from_responses(void **state)
{
	unsigned count = 0;

	(void)state;
	for (unsigned opcode = 0; opcode < 64; opcode++)
		count += pdu_is_request((uint8_t)opcode);
	assert_int_equal(count, 8);
	assert_true(pdu_is_request(PDU_SNACK));
	assert_true(pdu_is_request(PDU_SCSI_COMMAND | PDU_IMMEDIATE));
	assert_false(pdu_is_request(PDU_NOP_IN));
}

static void segments_are_padded_to_words(void **state)
{
	(void)state;
	assert_int_equal(pdu_pad_len(0), 0);
	assert_int_equal(pdu_pad_len(1), 3);
	assert_int_equal(pdu_pad_len(3), 1);
	assert_int_equal(pdu_pad_len(4), 0);
	assert_int_equal(pdu_pad_len(PDU_DATA_LEN_MAX), 1);
}

/* The examples of RFC 3720, B.4 (the CRCs of RFC 7143). */
static void digests_are_those_of_the_standard(void **state)
{
	uint8_t data[32] = {0}, digest[4];

	(void)state;
	pdu_header_digest(data, sizeof(data), digest);
	assert_memory_equal(digest, "\xaa\x36\x91\x8a", 4);
	memset(data, 0xff, sizeof(data));
	pdu_data_digest(data, sizeof(data), digest);
	assert_memory_equal(digest, "\x43\xab\xa8\x62", 4);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	pdu_data_digest(data, sizeof(data), digest);
	assert_memory_equal(digest, "\x4e\x79\xdd\x46", 4);
}

static void data_digest_covers_the_padding(void **state)
{
	uint8_t data[32] = {1, 2, 3}, padded[4], whole[4];

	(void)state;
	pdu_data_digest(data, 29, padded);
	pdu_data_digest(data, 32, whole);
	assert_memory_equal(padded, whole, 4);
}

static void additional_headers_are_walked(void **state)
{
	static const uint8_t segment[] = {
		0, 5, AHS_BIDI_READ_LENGTH, 0, 0, 0, 2, 0, /* a length */
		0, 4, AHS_EXTENDED_CDB,	    0, 7, 8, 9, 0, /* a CDB of 3 bytes, padded */
	};
	struct ahs ahs;
	uint32_t at = 0;

	(void)state;
	assert_int_equal(ahs_next(segment, sizeof(segment), &at, &ahs), 1);
	assert_int_equal(ahs.type, AHS_BIDI_READ_LENGTH);
	assert_int_equal(ahs.len, 4);
	assert_int_equal(get_be32(ahs.data), 512);
	assert_int_equal(ahs_next(segment, sizeof(segment), &at, &ahs), 1);
	assert_int_equal(ahs.type, AHS_EXTENDED_CDB);
	assert_int_equal(ahs.len, 3);
	assert_int_equal(ahs.data[2], 9);
	assert_int_equal(ahs_next(segment, sizeof(segment), &at, &ahs), 0);
}

static void lying_additional_headers_are_refused(void **state)
{
	static const uint8_t bad[][8] = {
		{0, 0, 1, 0}, {0, 6, 1, 0, 0, 0, 0, 0}, {255, 255, 1, 0}, {0, 1, 3, 0},
		{0, 1, 0, 0}, {0, 4, 2, 0, 0, 0, 0, 0},
	};
	struct ahs ahs;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t at = 0;

		assert_int_equal(ahs_next(bad[i], 8, &at, &ahs), -EPROTO);
		assert_int_equal(at, 0);
	}
}

static void sequence_numbers_wrap(void **state)
{
	(void)state;
	assert_true(serial_is_before(1, 2));
	assert_true(serial_is_before(0xffffffff, 0));
	assert_false(serial_is_before(0, 0xffffffff));
	assert_false(serial_is_before(5, 5));
	assert_false(serial_is_before(0, 0x80000000));
	assert_false(serial_is_before(0x80000000, 0));
}

static void windows_wrap_and_close(void **state)
{
	(void)state;
	assert_true(serial_is_within(0xfffffffe, 0xfffffffe, 5));
	assert_true(serial_is_within(5, 0xfffffffe, 5));
	assert_false(serial_is_within(6, 0xfffffffe, 5));
	assert_false(serial_is_within(0xfffffffd, 0xfffffffe, 5));
	assert_true(serial_is_within(7, 7, 7));
	assert_false(serial_is_within(7, 7, 6));
	assert_false(serial_is_within(6, 7, 6));
	assert_false(serial_is_within(0, 0, 0xffffffff));
	assert_false(serial_is_within(7 + 0x80000000, 7, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scsi_command_has_its_golden_bytes),
		cmocka_unit_test(requests_are_told_from_responses),
		cmocka_unit_test(segments_are_padded_to_words),
		cmocka_unit_test(digests_are_those_of_the_standard),
		cmocka_unit_test(data_digest_covers_the_padding),
		cmocka_unit_test(additional_headers_are_walked),
		cmocka_unit_test(lying_additional_headers_are_refused),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(windows_wrap_and_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
