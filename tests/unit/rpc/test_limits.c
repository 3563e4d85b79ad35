/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many at once, peers that are slow or say nothing, and a server that stops under them. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "rpc/clock.h"
#include "tests/unit/rpc/served.h"

#define END NGHTTP2_FLAG_END_STREAM

static void count(struct peer *peer, int32_t stream_id, uint32_t count_of, uint32_t delay_ms,
		  uint32_t filler_len)
{
	Berth__Test__CountRequest request = BERTH__TEST__COUNT_REQUEST__INIT;
	uint8_t message[64];

	request.count = count_of;
	request.delay_ms = delay_ms;
	request.filler_len = filler_len;
	peer_call(peer, stream_id, "Count");
	peer_message(peer, END, stream_id, message,
		     protobuf_c_message_pack(&request.base, message));
}

static bool has_data(struct peer *peer, int32_t stream_id)
{
	return peer->streams[stream_id / 2].data_len > 0;
}

/* --- many --- */

static void two_hundred_calls_are_in_flight_over_one_connection(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){.worker_count = 200});

	peer_greet(served->peer);
	/* All must be under way at once, or 200 times 100 ms would be too long to wait for. */
	uint64_t start_ms = clock_now_ms();

	for (int32_t id = 1; id < 400; id += 2)
		peer_say(served->peer, id, "in flight", 100);
	for (int32_t id = 1; id < 400; id += 2)
		peer_assert_status(served->peer, id, RPC_OK, "");
	assert_true(clock_now_ms() - start_ms < 10000);
	served_free(served);
}

static void calls_past_the_limit_are_refused_and_the_others_served(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){.call_max = 3});

	peer_greet(served->peer);
	for (int32_t id = 1; id <= 5; id += 2)
		peer_say(served->peer, id, "in flight", 300);
	peer_say(served->peer, 7, "one too many", 0);
	peer_assert_status(served->peer, 7, RPC_RESOURCE_EXHAUSTED,
			   "3 calls are under way, which is the limit: try again later");
	for (int32_t id = 1; id <= 5; id += 2)
		peer_assert_status(served->peer, id, RPC_OK, "");
	served_free(served);
}

static void listeners_do_not_starve_unary_calls(void **state)
{
	struct served *served =
		served_new(&(struct rpc_server_settings){.worker_count = 1, .stream_max = 5});

	peer_greet(served->peer);
	for (int32_t id = 1; id <= 9; id += 2)
		count(served->peer, id, 0, 60000, 0);
	for (int32_t id = 1; id <= 9; id += 2)
		peer_wait_until(served->peer, has_data, id);
	count(served->peer, 11, 0, 60000, 0);
	peer_assert_status(served->peer, 11, RPC_RESOURCE_EXHAUSTED,
			   "5 callers listen already, which is the limit");
	peer_say(served->peer, 13, "unary", 0);
	peer_assert_status(served->peer, 13, RPC_OK, "");
	served_free(served);
}

static void longest_idle_connection_makes_room(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){.connection_max = 2});
	struct peer *busy = peer_new(served->path);
	struct peer *third;

	peer_greet(served->peer);
	peer_say(served->peer, 1, "then idle", 0);
	peer_assert_status(served->peer, 1, RPC_OK, "");
	peer_greet(busy);
	peer_say(busy, 1, "busy for good", 60000);
	peer_say(busy, 3, "until the other one is idle enough", 1200);
	third = peer_new(served->path);
	peer_greet(third);
	peer_wait_closed(third); /* no room yet */
	peer_free(third);
	peer_assert_status(busy, 3, RPC_OK, "");
	served_assert_alive(served);
	peer_wait_closed(served->peer);
	assert_true(served->peer->has_goaway);
	peer_say(busy, 5, "was left alone", 0);
	peer_assert_status(busy, 5, RPC_OK, "");
	peer_free(busy);
	served_free(served);
}

/* --- slow --- */

static void silence_before_the_preface_is_hung_up_on(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){.greeting_ms = 50});
	struct pollfd hangup = {.fd = served->peer->fd};

	peer_send(served->peer, NGHTTP2_CLIENT_MAGIC, 10);
	/* Without reading: the peer would acknowledge SETTINGS, which is no preface. */
	assert_int_equal(poll(&hangup, 1, PEER_WAIT_MS), 1);
	served_free(served);
}

static void silence_after_the_preface_is_allowed(void **state)
{
	struct served *served = served_new(
		&(struct rpc_server_settings){.greeting_ms = 50, .request_ms = 50, .stall_ms = 50});

	peer_greet(served->peer);
	peer_say(served->peer, 1, "longer than all limits", 200);
	peer_assert_status(served->peer, 1, RPC_OK, "");
	peer_say(served->peer, 3, "and again", 200);
	peer_assert_status(served->peer, 3, RPC_OK, "");
	served_free(served);
}

static void request_that_never_ends_is_given_up(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){.request_ms = 50});

	peer_greet(served->peer);
	peer_call(served->peer, 1, "Say");
	peer_assert_status(served->peer, 1, RPC_DEADLINE_EXCEEDED,
			   "the request did not arrive in time");
	served_free(served);
}

static void answer_that_is_never_taken_is_dropped(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){.stall_ms = 50});
	const struct peer_stream *stream;

	peer_send(served->peer, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
	/* A window of no bytes: the answer can never be sent. */
	peer_frame(served->peer, NGHTTP2_SETTINGS, 0, 0, "\x00\x04\x00\x00\x00\x00", 6);
	peer_say(served->peer, 1, "not wanted", 0);
	stream = peer_wait(served->peer, 1);
	assert_true(stream->is_reset);
	assert_int_equal(stream->data_len, 0);
	served_free(served);
}

static long memory_used_kib(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

/* One that wants everything, gives all the windows there are, and reads nothing. */
static void peer_that_never_reads_is_cut_off_in_bounded_memory(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){.stall_ms = 300});
	struct pollfd hangup = {.fd = served->peer->fd};
	long before_kib = memory_used_kib();

	peer_send(served->peer, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
	peer_frame(served->peer, NGHTTP2_SETTINGS, 0, 0, "\x00\x04\x7f\xff\xff\xff", 6);
	peer_frame(served->peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\x7f\xff\x00\x00", 4);
	for (int32_t id = 1; id < 40; id += 2)
		count(served->peer, id, 0, 0, 100000);
	served_assert_alive(served);
	assert_int_equal(poll(&hangup, 1, PEER_WAIT_MS), 1); /* without reading */
	assert_true(memory_used_kib() - before_kib < 100 * 1024);
	served_free(served);
}

/* --- stopping --- */

static void stop_lets_unary_calls_finish_and_ends_streams(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){0});
	uint64_t start_ms = clock_now_ms();

	peer_greet(served->peer);
	count(served->peer, 1, 0, 60000, 0);
	peer_wait_until(served->peer, has_data, 1);
	peer_say(served->peer, 3, "finish me", 300);
	peer_say(served->peer, 5, "settle", 0);
	peer_assert_status(served->peer, 5, RPC_OK, ""); /* so 3 is under way */
	served_assert_alive(served);
	rpc_server_stop(served->server, 20000);
	assert_true(clock_now_ms() - start_ms < 15000);
	peer_assert_status(served->peer, 1, RPC_UNAVAILABLE, "the server is stopping");
	peer_assert_status(served->peer, 3, RPC_OK, "");
	peer_wait_closed(served->peer);
	assert_true(served->peer->has_goaway);
	served_discard(served);
}

static void stop_past_its_grace_cancels_what_is_left(void **state)
{
	struct served *served = served_new(&(struct rpc_server_settings){.worker_count = 2});

	peer_greet(served->peer);
	for (int32_t id = 1; id < 40; id += 2) /* two run, the others wait */
		peer_say(served->peer, id, "too slow", 60000);
	peer_frame(served->peer, NGHTTP2_PING, 0, 0, "settled?", 8);
	rpc_server_stop(served->server, 100);
	for (int32_t id = 1; id < 40; id += 2)
		peer_wait(served->peer, id);
	assert_true(served->peer->is_closed || served->peer->has_goaway);
	served_discard(served);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_hundred_calls_are_in_flight_over_one_connection),
		cmocka_unit_test(calls_past_the_limit_are_refused_and_the_others_served),
		cmocka_unit_test(listeners_do_not_starve_unary_calls),
		cmocka_unit_test(longest_idle_connection_makes_room),
		cmocka_unit_test(silence_before_the_preface_is_hung_up_on),
		cmocka_unit_test(silence_after_the_preface_is_allowed),
		cmocka_unit_test(request_that_never_ends_is_given_up),
		cmocka_unit_test(answer_that_is_never_taken_is_dropped),
		cmocka_unit_test(peer_that_never_reads_is_cut_off_in_bounded_memory),
		cmocka_unit_test(stop_lets_unary_calls_finish_and_ends_streams),
		cmocka_unit_test(stop_past_its_grace_cancels_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
