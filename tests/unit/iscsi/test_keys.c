/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Negotiation: one row for each key and offer, with the answer and the result it must have. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "iscsi/keys.h"

static const struct row {
	const char *key;
	const char *offer;
	const char *answer; /* NULL: none */
	size_t result;	    /* where in struct key_values */
	uint32_t expected;
} rows[] = {
#define TO(member) offsetof(struct key_values, member)
	{"HeaderDigest", "None", "None", TO(header_digest), 0},
	{"HeaderDigest", "CRC32C,None", "CRC32C", TO(header_digest), 1},
	{"HeaderDigest", "None,CRC32C", "None", TO(header_digest), 0},
	{"DataDigest", "X-new,CRC32C", "CRC32C", TO(data_digest), 1},
	{"DataDigest", "X-new", "Reject", TO(data_digest), 0},
	{"DataDigest", "", "Reject", TO(data_digest), 0},
	{"MaxConnections", "8", "1", TO(max_connections), 1},
	{"MaxConnections", "0", "Reject", TO(max_connections), 1},
	{"InitialR2T", "No", "No", TO(initial_r2t), 0},
	{"InitialR2T", "Yes", "Yes", TO(initial_r2t), 1},
	{"InitialR2T", "maybe", "Reject", TO(initial_r2t), 1},
	{"ImmediateData", "Yes", "Yes", TO(immediate_data), 1},
	{"ImmediateData", "No", "No", TO(immediate_data), 0},
	{"MaxRecvDataSegmentLength", "512", NULL, TO(initiator_max_recv_data_segment_length), 512},
	{"MaxRecvDataSegmentLength", "0xffffff", NULL, TO(initiator_max_recv_data_segment_length),
	 0xffffff},
	{"MaxBurstLength", "16777215", "1048576", TO(max_burst_length), 1048576},
	{"MaxBurstLength", "512", "512", TO(max_burst_length), 512},
	{"MaxBurstLength", "511", "Reject", TO(max_burst_length), 262144},
	{"MaxBurstLength", "16777216", "Reject", TO(max_burst_length), 262144},
	{"FirstBurstLength", "1048576", "262144", TO(first_burst_length), 262144},
	{"FirstBurstLength", "65536", "65536", TO(first_burst_length), 65536},
	{"DefaultTime2Wait", "5", "5", TO(default_time2wait), 5},
	{"DefaultTime2Wait", "3601", "Reject", TO(default_time2wait), 2},
	{"DefaultTime2Retain", "20", "0", TO(default_time2retain), 0},
	{"MaxOutstandingR2T", "1", "1", TO(max_outstanding_r2t), 1},
	{"MaxOutstandingR2T", "65535", "8", TO(max_outstanding_r2t), 8},
	{"DataPDUInOrder", "No", "Yes", TO(data_pdu_in_order), 1},
	{"DataSequenceInOrder", "No", "Yes", TO(data_sequence_in_order), 1},
	{"ErrorRecoveryLevel", "2", "0", TO(error_recovery_level), 0},
	{"ErrorRecoveryLevel", "3", "Reject", TO(error_recovery_level), 0},
	{"iSCSIProtocolLevel", "2", "1", TO(protocol_level), 1},
	{"TaskReporting", "FastAbort,RFC3720", "RFC3720", TO(protocol_level), 1},
	{"TaskReporting", "FastAbort", "Reject", TO(protocol_level), 1},
	{"IFMarker", "No", "Reject", TO(protocol_level), 1},
	{"OFMarkInt", "1~2", "Reject", TO(protocol_level), 1},
};

static int offer(struct keys *keys, const char *key, const char *value, char *answer)
{
	struct text_pair pair = {.key = key, .value = value, .is_ascii = true};
	struct text_writer writer = {.data = answer, .size = 128};
	int ret;

	memset(answer, 0, 128);
	ret = keys_offer(keys, &pair, &writer);
	assert_false(writer.is_cut);
	return ret;
}

static void each_offer_has_its_answer_and_result(void **state)
{
	char answer[128], expected[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct keys keys;
		uint32_t result;

		keys_init(&keys);
		assert_int_equal(offer(&keys, row->key, row->offer, answer), 0);
		snprintf(expected, sizeof(expected), "%s=%s", row->key,
			 row->answer ? row->answer : "");
		assert_string_equal(answer, row->answer ? expected : "");
		memcpy(&result, (char *)&keys.values + row->result, sizeof(result));
		if (result != row->expected)
			fail_msg("%s=%s gives %u, expected %u", row->key, row->offer, result,
				 row->expected);
	}
}

static void untouched_keys_have_the_standards_defaults(void **state)
{
	struct keys keys;

	(void)state;
	keys_init(&keys);
	assert_int_equal(keys.values.initial_r2t, 1);
	assert_int_equal(keys.values.immediate_data, 1);
	assert_int_equal(keys.values.initiator_max_recv_data_segment_length, 8192);
	assert_int_equal(keys.values.max_burst_length, 262144);
	assert_int_equal(keys.values.first_burst_length, 65536);
	assert_int_equal(keys.values.max_outstanding_r2t, 1);
	assert_int_equal(keys.values.header_digest, 0);
	assert_int_equal(keys_finish(&keys), 0);
}

static void wrong_declarations_fail_the_login(void **state)
{
	static const char *const bad[] = {"511", "16777216", "0", "", "Yes", "NotUnderstood"};
	char answer[128];
	struct keys keys;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		keys_init(&keys);
		assert_int_equal(offer(&keys, "MaxRecvDataSegmentLength", bad[i], answer), -EPROTO);
	}
}

static void a_key_is_settled_once(void **state)
{
	char answer[128];
	struct keys keys;

	(void)state;
	keys_init(&keys);
	assert_int_equal(offer(&keys, "ImmediateData", "Yes", answer), 0);
	assert_int_equal(offer(&keys, "ImmediateData", "Yes", answer), -EPROTO);
	assert_int_equal(offer(&keys, "X-other", "Yes", answer), -ENOENT);
	assert_string_equal(answer, "");
}

static void first_burst_fits_the_burst_in_any_order(void **state)
{
	static const char *const names[] = {"FirstBurstLength", "MaxBurstLength"};
	static const char *const values[] = {"131072", "65536"};
	char answer[128];
	struct keys keys;

	(void)state;
	for (int first = 0; first < 2; first++) {
		keys_init(&keys);
		for (int i = 0; i < 2; i++)
			assert_int_equal(offer(&keys, names[first ^ i], values[first ^ i], answer),
					 0);
		assert_int_equal(keys_finish(&keys), -EPROTO);
	}
	/* Both are cut to what we can do: what was offered is wrong all the same. */
	keys_init(&keys);
	assert_int_equal(offer(&keys, "FirstBurstLength", "8388608", answer), 0);
	assert_int_equal(offer(&keys, "MaxBurstLength", "4194304", answer), 0);
	assert_int_equal(keys_finish(&keys), -EPROTO);
	keys_init(&keys);
	assert_int_equal(offer(&keys, "FirstBurstLength", "16777215", answer), 0);
	assert_int_equal(offer(&keys, "MaxBurstLength", "16777215", answer), 0);
	assert_int_equal(keys_finish(&keys), 0);
}

static void full_feature_phase_takes_declarations_only(void **state)
{
	struct text_pair length = {"MaxRecvDataSegmentLength", "1024", true};
	struct text_pair burst = {"MaxBurstLength", "1024", true};
	char answer[128] = "";
	struct text_writer writer = {.data = answer, .size = sizeof(answer)};
	struct keys keys;

	(void)state;
	keys_init(&keys);
	assert_int_equal(keys_offer_in_full_feature(&keys, &length, &writer), 0);
	assert_int_equal(keys.values.initiator_max_recv_data_segment_length, 1024);
	assert_int_equal(writer.len, 0);
	assert_int_equal(keys_offer_in_full_feature(&keys, &burst, &writer), 0);
	assert_string_equal(answer, "MaxBurstLength=Reject");
	assert_int_equal(keys.values.max_burst_length, 262144);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_offer_has_its_answer_and_result),
		cmocka_unit_test(untouched_keys_have_the_standards_defaults),
		cmocka_unit_test(wrong_declarations_fail_the_login),
		cmocka_unit_test(a_key_is_settled_once),
		cmocka_unit_test(first_burst_fits_the_burst_in_any_order),
		cmocka_unit_test(full_feature_phase_takes_declarations_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
