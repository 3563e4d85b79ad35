/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages in frames, fed in pieces of every size. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "rpc/frame.h"

static void header_is_a_flag_and_a_length(void **state)
{
	static const uint8_t golden[] = {0, 0x01, 0x02, 0x03, 0x04};
	uint8_t header[FRAME_HEADER_SIZE];

	frame_header_encode(header, 0x01020304);
	assert_memory_equal(header, golden, sizeof(golden));
}

/* Feed all, in pieces of `piece` bytes; returns the last result, counts messages. */
static int feed(struct frame_reader *reader, const uint8_t *data, size_t len, size_t piece,
		unsigned *out_messages)
{
	int ret = 0;

	while (len > 0 && ret >= 0) {
		size_t used = 0, message_len;

		ret = frame_reader_feed(reader, data, MIN(len, piece), &used);
		if (ret == 1) {
			uint8_t *message = frame_reader_take(reader, &message_len);

			assert_int_equal(message_len, *out_messages ? 0 : 3);
			assert_memory_equal(message, "abc", message_len);
			free(message);
			*out_messages += 1;
		}
		data += used;
		len -= used;
	}
	return ret;
}

static void messages_come_out_whatever_the_pieces(void **state)
{
	static const uint8_t bytes[] = {0, 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0};

	for (size_t piece = 1; piece <= sizeof(bytes); piece++) {
		struct frame_reader reader;
		unsigned messages = 0;

		frame_reader_init(&reader, 100);
		assert_int_equal(feed(&reader, bytes, sizeof(bytes), piece, &messages), 1);
		assert_int_equal(messages, 2);
		assert_false(frame_reader_is_inside(&reader));
		frame_reader_fini(&reader);
	}
}

static void cut_message_is_seen_to_be_inside(void **state)
{
	static const uint8_t bytes[] = {0, 0, 0, 0, 3, 'a', 'b', 'c'};

	for (size_t len = 1; len < sizeof(bytes); len++) {
		struct frame_reader reader;
		unsigned messages = 0;

		frame_reader_init(&reader, 100);
		assert_int_equal(feed(&reader, bytes, len, 100, &messages), 0);
		assert_true(frame_reader_is_inside(&reader));
		frame_reader_fini(&reader);
	}
}

static void bad_headers_have_their_errors(void **state)
{
	static const struct {
		uint8_t header[FRAME_HEADER_SIZE];
		int ret;
	} rows[] = {
		{{1, 0, 0, 0, 1}, -EOPNOTSUPP},		  {{2, 0, 0, 0, 1}, -EBADMSG},
		{{0xff, 0, 0, 0, 0}, -EBADMSG},		  {{0, 0, 0, 0, 101}, -EMSGSIZE},
		{{0, 0xff, 0xff, 0xff, 0xff}, -EMSGSIZE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct frame_reader reader;
		unsigned messages = 0;

		frame_reader_init(&reader, 100);
		assert_int_equal(feed(&reader, rows[i].header, FRAME_HEADER_SIZE, 2, &messages),
				 rows[i].ret);
		frame_reader_fini(&reader);
	}
}

static void memory_grows_with_the_data_not_with_the_promise(void **state)
{
	static const uint8_t bytes[100] = {0, 0x00, 0x40, 0x00, 0x00}; /* 4 MiB are announced */
	struct frame_reader reader;
	unsigned messages = 0;

	frame_reader_init(&reader, 4 << 20);
	assert_int_equal(feed(&reader, bytes, sizeof(bytes), 100, &messages), 0);
	assert_true(reader.size <= 1024);
	frame_reader_fini(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_a_flag_and_a_length),
		cmocka_unit_test(messages_come_out_whatever_the_pieces),
		cmocka_unit_test(cut_message_is_seen_to_be_inside),
		cmocka_unit_test(bad_headers_have_their_errors),
		cmocka_unit_test(memory_grows_with_the_data_not_with_the_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
