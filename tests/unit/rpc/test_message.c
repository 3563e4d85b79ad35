/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages: setters, encoding, and decoding of what a peer must not send. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rpc/call.h"
#include "rpc/frame.h"
#include "rpc/message.h"
#include "tests/unit/rpc/rpc_echo.pb-c.h"

#define REPLY &berth__test__say_reply__descriptor

static int decode(const char *bytes, size_t len, size_t field_max, struct error *err)
{
	ProtobufCMessage *message = NULL;
	int ret = message_decode(REPLY, (const uint8_t *)bytes, len, field_max, &message, err);

	message_free(message);
	return ret;
}

static void setters_own_what_they_set(void **state)
{
	Berth__Test__SayReply *reply = (Berth__Test__SayReply *)message_new(REPLY);

	assert_int_equal(rpc_set_string(&reply->text, "one"), 0);
	assert_int_equal(rpc_set_string(&reply->text, "two"), 0);
	assert_string_equal(reply->text, "two");
	assert_int_equal(rpc_set_string(&reply->text, NULL), 0);
	assert_string_equal(reply->text, "");
	assert_int_equal(rpc_set_text(&reply->text, "%d GiB", 3), 0);
	assert_string_equal(reply->text, "3 GiB");
	message_free(&reply->base);
}

static void fresh_message_can_be_freed(void **state)
{
	message_free(message_new(REPLY));
	message_free(NULL);
}

static void repeated_fields_grow(void **state)
{
	Berth__Test__SayReply *reply = (Berth__Test__SayReply *)message_new(REPLY);

	for (unsigned i = 0; i < 1000; i++) {
		Berth__Test__SayRequest *request =
			rpc_add_message(&reply->n_requests, &reply->requests,
					&berth__test__say_request__descriptor);

		assert_non_null(request);
		request->delay_ms = i;
		assert_int_equal(rpc_add_string(&reply->n_all, &reply->all, "x"), 0);
	}
	assert_int_equal(reply->n_requests, 1000);
	assert_int_equal(reply->n_all, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(reply->requests[i]->delay_ms, i);
		assert_string_equal(reply->all[i], "x");
	}
	message_free(&reply->base);
}

static void setters_keep_strings_utf8(void **state)
{
	Berth__Test__SayReply *reply = (Berth__Test__SayReply *)message_new(REPLY);

	assert_int_equal(rpc_set_string(&reply->text, "/mnt/\xff\xc3\xbc\xc3"), 0);
	assert_string_equal(reply->text, "/mnt/?ü?");
	message_free(&reply->base);
}

static void encoded_message_is_framed(void **state)
{
	static const uint8_t golden[] = {0, 0, 0, 0, 4, 0x0a, 2, 'h', 'i'};
	Berth__Test__SayReply reply = BERTH__TEST__SAY_REPLY__INIT;
	uint8_t *data;
	size_t len;

	reply.text = (char *)"hi";
	assert_int_equal(message_encode(&reply.base, &data, &len, NULL), 0);
	assert_int_equal(len, sizeof(golden));
	assert_memory_equal(data, golden, len);
	free(data);
}

static void empty_message_is_only_a_header(void **state)
{
	Berth__Test__SayReply reply = BERTH__TEST__SAY_REPLY__INIT;
	uint8_t *data;
	size_t len;

	assert_int_equal(message_encode(&reply.base, &data, &len, NULL), 0);
	assert_int_equal(len, FRAME_HEADER_SIZE);
	free(data);
	assert_int_equal(decode("", 0, 10, NULL), 0);
}

static void incomplete_message_is_not_encoded(void **state)
{
	Berth__Test__SayReply reply = BERTH__TEST__SAY_REPLY__INIT;
	char *strings[] = {NULL};
	struct error err = {0};
	uint8_t *data;
	size_t len;

	reply.n_all = 1;
	reply.all = strings;
	assert_int_equal(message_encode(&reply.base, &data, &len, &err), -EIO);
	assert_string_equal(err.text,
			    "the berth.test.SayReply to send has a field without content");
}

static void strings_must_be_text(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{"\x0a\x03"
		 "a\0b",
		 5},
		{"\x0a\x02\xc3\x28", 4},
		{"\x12\x01\xff", 3},	     /* in a repeated field */
		{"\x1a\x03\x0a\x01\xff", 5}, /* in a submessage */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = {0};

		assert_int_equal(decode(rows[i].bytes, rows[i].len, 10, &err), -EINVAL);
		assert_non_null(strstr(err.text, "must be UTF-8 without NUL"));
	}
	assert_int_equal(decode("\x1a\x04\x22\x02\xff\x00", 6, 10, NULL), 0); /* bytes may */
}

static void malformed_bytes_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{"\x0a", 1}, /* no length */
		{"\x0a\x05"
		 "ab",
		 4},							  /* too short */
		{"\x80", 1},						  /* a tag that goes on */
		{"\x20", 1},						  /* no value */
		{"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* a number too long */
		{"\x0b", 1},						  /* a group */
		{"\x0f", 1},						  /* wire type 7 */
		{"\x9d\x06\x01\x02\x03", 5}, /* 32 bits of an unknown field, cut */
		{"\x99\x06\x01\x02\x03", 5}, /* 64 bits */
		{"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, /* a length of 2^64 - 1 */
		{"\x00\x01", 2},				      /* field 0 */
		{"\x08\x01", 2}, /* a number where a string belongs */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(decode(rows[i].bytes, rows[i].len, 10, NULL), -EINVAL);
}

static void unknown_fields_are_passed_over(void **state)
{
	assert_int_equal(
		decode("\x98\x06\x01\x9d\x06\x01\x02\x03\x04\x9a\x06\x01\xff", 13, 10, NULL), 0);
}

static void fields_are_counted(void **state)
{
	struct error err = {0};

	assert_int_equal(decode("\x1a\x00\x1a\x00\x1a\x00", 6, 3, NULL), 0);
	assert_int_equal(decode("\x1a\x00\x1a\x00\x1a\x00", 6, 2, &err), -EINVAL);
	assert_string_equal(err.text, "the message has too many fields");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setters_own_what_they_set),
		cmocka_unit_test(fresh_message_can_be_freed),
		cmocka_unit_test(repeated_fields_grow),
		cmocka_unit_test(setters_keep_strings_utf8),
		cmocka_unit_test(encoded_message_is_framed),
		cmocka_unit_test(empty_message_is_only_a_header),
		cmocka_unit_test(incomplete_message_is_not_encoded),
		cmocka_unit_test(strings_must_be_text),
		cmocka_unit_test(malformed_bytes_are_refused),
		cmocka_unit_test(unknown_fields_are_passed_over),
		cmocka_unit_test(fields_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
