/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a peer may do wrong, one thing a test; after each the server answers the next caller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "rpc/frame.h"
#include "tests/unit/rpc/peer.h"
#include "tests/unit/rpc/served.h"

#define END  NGHTTP2_FLAG_END_STREAM
#define PATH "/berth.test.Echo/Say"

static int setup(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){
		.request_bytes_max = 3 << 20,
	});

	*state = served;
	return 0;
}

static int teardown(void **state)
{
	served_free(*state);
	return 0;
}

/* --- before there is a stream --- */

static void garbage_instead_of_the_preface_is_hung_up_on(void **state)
{
	struct served *served = *state;
	static const char text[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

	peer_send(served->peer, text, strlen(text));
	peer_wait_closed(served->peer);
}

static void frame_of_the_wrong_size_ends_the_connection(void **state)
{
	struct served *served = *state;

	peer_greet(served->peer);
	peer_frame(served->peer, NGHTTP2_SETTINGS, 0, 0, "12345", 5);
	peer_wait_closed(served->peer);
	assert_true(served->peer->has_goaway);
}

static void frame_over_the_limit_ends_the_connection(void **state)
{
	struct served *served = *state;
	static uint8_t data[16385];

	peer_greet(served->peer);
	peer_call(served->peer, 1, "Say");
	peer_frame(served->peer, NGHTTP2_DATA, 0, 1, data, sizeof(data));
	peer_wait_closed(served->peer);
	assert_true(served->peer->has_goaway);
}

static void broken_header_compression_ends_the_connection(void **state)
{
	struct served *served = *state;

	peer_greet(served->peer);
	peer_frame(served->peer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "\xff\xff\xff\xff",
		   4);
	peer_wait_closed(served->peer);
	assert_true(served->peer->has_goaway);
}

static void connection_cut_inside_a_frame_is_forgotten(void **state)
{
	struct served *served = *state;

	peer_greet(served->peer);
	peer_call(served->peer, 1, "Say");
	peer_send(served->peer, "\x00\x01\x00\x00\x01\x00\x00\x00\x01half", 13);
	assert_int_equal(shutdown(served->peer->fd, SHUT_WR), 0);
	peer_wait_closed(served->peer);
}

/* --- headers --- */

/* A call of Say with one field in another way, and what is said to it. */
static void assert_refused(struct served *served, const struct peer_field *changed,
			   unsigned http_status, enum rpc_status status, const char *message)
{
	struct peer_field fields[] = {
		{":method", "POST"},
		{":scheme", "http"},
		{":path", PATH},
		{":authority", "localhost"},
		{"content-type", "application/grpc"},
		{"grpc-timeout", "10S"},
		{NULL, NULL},
	};

	for (struct peer_field *field = fields; field->name; field++)
		if (strcmp(field->name, changed->name) == 0)
			field->value = changed->value;
	peer_greet(served->peer);
	peer_headers(served->peer, 0, 1, fields);
	peer_message(served->peer, END, 1, "", 0);
	peer_assert_status(served->peer, 1, status, message);
	assert_int_equal(served->peer->streams[0].http_status, http_status);
}

static void get_is_not_allowed(void **state)
{
	assert_refused(*state, &(struct peer_field){":method", "GET"}, 405, RPC_UNIMPLEMENTED,
		       "gRPC calls are POST requests");
}

static void other_content_is_an_unsupported_media_type(void **state)
{
	assert_refused(*state, &(struct peer_field){"content-type", "application/json"}, 415,
		       RPC_INVALID_ARGUMENT, "the content-type must be application/grpc");
}

static void grpc_web_is_an_unsupported_media_type(void **state)
{
	assert_refused(*state, &(struct peer_field){"content-type", "application/grpc-web"}, 415,
		       RPC_INVALID_ARGUMENT, "the content-type must be application/grpc");
}

static void content_type_may_name_the_encoding(void **state)
{
	assert_refused(*state, &(struct peer_field){"content-type", "application/grpc+proto"}, 200,
		       RPC_OK, "");
}

static void bad_timeout_is_an_invalid_argument(void **state)
{
	assert_refused(*state, &(struct peer_field){"grpc-timeout", "soon"}, 200,
		       RPC_INVALID_ARGUMENT, "grpc-timeout is not a time");
}

static void timeout_of_nothing_has_passed(void **state)
{
	assert_refused(*state, &(struct peer_field){"grpc-timeout", "0m"}, 200,
		       RPC_DEADLINE_EXCEEDED, "the deadline of the call has passed");
}

static void unknown_method_is_named(void **state)
{
	assert_refused(*state, &(struct peer_field){":path", "/berth.test.Echo/S%20y"}, 200,
		       RPC_UNIMPLEMENTED, "this server has no method '/berth.test.Echo/S%2520y'");
}

static void endless_path_is_no_method(void **state)
{
	char path[1000];

	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_refused(*state, &(struct peer_field){":path", path}, 200, RPC_UNIMPLEMENTED,
		       "this server has no method ''");
}

static void header_over_the_limit_is_refused(void **state)
{
	struct served *served = *state;
	static char value[17000];
	const struct peer_field fields[] = {
		{":method", "POST"},	     {":scheme", "http"}, {":path", PATH},
		{":authority", "localhost"}, {"x", value},	  {NULL, NULL},
	};

	memset(value, 'v', sizeof(value) - 1);
	peer_greet(served->peer);
	peer_headers(served->peer, END, 1, fields);
	peer_assert_status(served->peer, 1, RPC_RESOURCE_EXHAUSTED,
			   "the header has 17226 bytes, at most 16384 fit");
}

/* --- bodies --- */

static void assert_body(struct served *served, const char *bytes, size_t len,
			enum rpc_status status, const char *message)
{
	peer_greet(served->peer);
	peer_call(served->peer, 1, "Say");
	peer_frame(served->peer, NGHTTP2_DATA, END, 1, bytes, len);
	peer_assert_status(served->peer, 1, status, message);
}

static void compressed_message_is_unimplemented(void **state)
{
	assert_body(*state, "\x01\x00\x00\x00\x01x", 6, RPC_UNIMPLEMENTED,
		    "compressed messages are not supported");
}

static void unknown_flags_are_an_error(void **state)
{
	assert_body(*state, "\x02\x00\x00\x00\x01x", 6, RPC_INTERNAL,
		    "the frame of the message has unknown flags");
}

static void announced_size_is_refused_at_once(void **state)
{
	struct served *served = *state;

	peer_greet(served->peer);
	peer_call(served->peer, 1, "Say");
	peer_frame(served->peer, NGHTTP2_DATA, 0, 1, "\x00\x00\x40\x00\x01", 5);
	peer_assert_status(served->peer, 1, RPC_RESOURCE_EXHAUSTED,
			   "the message is too large: at most 4194304 bytes are taken");
}

static void rest_of_a_refused_request_is_stopped(void **state)
{
	struct served *served = *state;

	peer_greet(served->peer);
	peer_call(served->peer, 1, "Nothing");
	peer_assert_status(served->peer, 1, RPC_UNIMPLEMENTED,
			   "this server has no method '/berth.test.Echo/Nothing'");
	peer_say(served->peer, 3, "next", 0);
	peer_assert_status(served->peer, 3, RPC_OK, "");
	assert_true(served->peer->streams[0].is_reset);
	assert_int_equal(served->peer->streams[0].reset_code, NGHTTP2_NO_ERROR);
}

static void two_messages_are_one_too_many(void **state)
{
	assert_body(*state, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 10, RPC_UNIMPLEMENTED,
		    "the call has more than one message");
}

static void no_message_is_one_too_few(void **state)
{
	assert_body(*state, "", 0, RPC_UNIMPLEMENTED, "the call has no message");
}

static void request_without_body_has_no_message(void **state)
{
	struct served *served = *state;
	const struct peer_field fields[] = {
		{":method", "POST"},
		{":scheme", "http"},
		{":path", PATH},
		{":authority", "localhost"},
		{"content-type", "application/grpc"},
		{NULL, NULL},
	};

	peer_greet(served->peer);
	peer_headers(served->peer, END, 1, fields);
	peer_assert_status(served->peer, 1, RPC_UNIMPLEMENTED, "the call has no message");
}

static void message_cut_short_is_an_error(void **state)
{
	assert_body(*state, "\x00\x00\x00\x00\x09half", 9, RPC_INTERNAL,
		    "the request ends inside a message");
}

static void undecodable_message_is_an_invalid_argument(void **state)
{
	assert_body(*state, "\x00\x00\x00\x00\x02\x0a\x7f", 7, RPC_INVALID_ARGUMENT,
		    "the message is not a valid berth.test.SayRequest: it ends inside a field");
}

static void string_with_nul_is_an_invalid_argument(void **state)
{
	assert_body(*state, "\x00\x00\x00\x00\x05\x0a\x03x\x00y", 10, RPC_INVALID_ARGUMENT,
		    "field 'text' of berth.test.SayRequest is not valid text: it must be UTF-8 "
		    "without NUL");
}

/* What the server's SETTINGS allow holds only once they are here. */
static bool has_settings(struct peer *peer, int32_t stream_id)
{
	return peer->settings_max_streams > 0;
}

static void message_of_too_many_fields_is_an_invalid_argument(void **state)
{
	struct served *served = *state;
	static uint8_t data[16000];
	uint8_t header[FRAME_HEADER_SIZE];

	for (size_t i = 0; i < sizeof(data); i += 2)
		data[i] = 0x10; /* delay_ms = 0, again and again */
	frame_header_encode(header, 9 * sizeof(data));
	peer_greet(served->peer);
	peer_wait_until(served->peer, has_settings, 0);
	peer_call(served->peer, 1, "Say");
	peer_frame(served->peer, NGHTTP2_DATA, 0, 1, header, sizeof(header));
	for (unsigned i = 0; i < 9; i++)
		peer_frame(served->peer, NGHTTP2_DATA, i == 8 ? END : 0, 1, data, sizeof(data));
	peer_assert_status(served->peer, 1, RPC_INVALID_ARGUMENT,
			   "the message has too many fields");
}

static void requests_that_fill_the_memory_are_refused(void **state)
{
	struct served *served = *state;
	static uint8_t data[16000];
	uint8_t header[FRAME_HEADER_SIZE];
	unsigned refused = 0;

	frame_header_encode(header, 4 << 20);
	peer_greet(served->peer);
	for (int32_t id = 1; id < 200; id += 2) {
		peer_call(served->peer, id, "Say");
		peer_frame(served->peer, NGHTTP2_DATA, 0, id, header, sizeof(header));
		peer_frame(served->peer, NGHTTP2_DATA, 0, id, data, sizeof(data));
		peer_frame(served->peer, NGHTTP2_DATA, 0, id, data, sizeof(data));
		peer_frame(served->peer, NGHTTP2_DATA, 0, id, data, sizeof(data));
	}
	peer_assert_status(served->peer, 199, RPC_RESOURCE_EXHAUSTED,
			   "requests fill the memory set aside for them: try again later");
	for (int32_t id = 1; id < 200; id += 2) {
		refused += served->peer->streams[id / 2].grpc_status == RPC_RESOURCE_EXHAUSTED;
		peer_frame(served->peer, NGHTTP2_RST_STREAM, 0, id, "\x00\x00\x00\x08", 4);
	}
	assert_in_range(refused, 1, 99);
	peer_say(served->peer, 201, "room again", 0);
	peer_assert_status(served->peer, 201, RPC_OK, "");
}

/* --- floods --- */

static void rapid_resets_are_hung_up_on(void **state)
{
	struct served *served = *state;

	peer_greet(served->peer);
	for (int32_t id = 1; id < 2 * 1500; id += 2) {
		peer_say(served->peer, id, "never mind", 1000);
		peer_frame(served->peer, NGHTTP2_RST_STREAM, 0, id, "\x00\x00\x00\x08", 4);
	}
	peer_wait_closed(served->peer);
}

static void ping_flood_without_reading_is_hung_up_on(void **state)
{
	struct served *served = *state;
	char pings[17 * 1000];

	for (size_t i = 0; i < sizeof(pings); i += 17)
		memcpy(pings + i, "\x00\x00\x08\x06\x00\x00\x00\x00\x00ping-pong", 17);
	peer_greet(served->peer);
	for (unsigned i = 0; i < 100; i++)
		if (send(served->peer->fd, pings, sizeof(pings), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break; /* the server stopped reading, or hung up: both are fine */
}

static void streams_past_the_limit_are_refused(void **state)
{
	struct served *served = *state;
	const struct peer_stream *last;

	peer_greet(served->peer);
	peer_say(served->peer, 1, "settle", 0);
	peer_assert_status(served->peer, 1, RPC_OK, ""); /* our SETTINGS are acknowledged now */
	assert_int_equal(served->peer->settings_max_streams, 256);
	for (int32_t id = 3; id < 3 + 2 * 256; id += 2)
		peer_call(served->peer, id, "Say");
	peer_call(served->peer, 3 + 2 * 256, "Say");
	last = peer_wait(served->peer, 3 + 2 * 256);
	assert_true(last->is_reset || served->peer->is_closed);
}

#define BAD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BAD(garbage_instead_of_the_preface_is_hung_up_on),
		BAD(frame_of_the_wrong_size_ends_the_connection),
		BAD(frame_over_the_limit_ends_the_connection),
		BAD(broken_header_compression_ends_the_connection),
		BAD(connection_cut_inside_a_frame_is_forgotten),
		BAD(get_is_not_allowed),
		BAD(other_content_is_an_unsupported_media_type),
		BAD(grpc_web_is_an_unsupported_media_type),
		BAD(content_type_may_name_the_encoding),
		BAD(bad_timeout_is_an_invalid_argument),
		BAD(timeout_of_nothing_has_passed),
		BAD(unknown_method_is_named),
		BAD(endless_path_is_no_method),
		BAD(header_over_the_limit_is_refused),
		BAD(compressed_message_is_unimplemented),
		BAD(unknown_flags_are_an_error),
		BAD(announced_size_is_refused_at_once),
		BAD(rest_of_a_refused_request_is_stopped),
		BAD(two_messages_are_one_too_many),
		BAD(no_message_is_one_too_few),
		BAD(request_without_body_has_no_message),
		BAD(message_cut_short_is_an_error),
		BAD(undecodable_message_is_an_invalid_argument),
		BAD(string_with_nul_is_an_invalid_argument),
		BAD(message_of_too_many_fields_is_an_invalid_argument),
		BAD(requests_that_fill_the_memory_are_refused),
		BAD(rapid_resets_are_hung_up_on),
		BAD(ping_flood_without_reading_is_hung_up_on),
		BAD(streams_past_the_limit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
