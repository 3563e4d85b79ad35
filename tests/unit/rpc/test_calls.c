/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our client against our server, in one process: what a handler says arrives, and how. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "rpc/client.h"
#include "rpc/clock.h"
#include "rpc/message.h"
#include "tests/unit/rpc/rpc_echo.h"

#define TIMEOUT_MS 20000

struct fixture {
	struct rpc_server *server;
	struct rpc_client *client;
	char folder[32];
	char address[64];
};

static struct rpc_client *new_client(const char *address)
{
	struct rpc_client *client;
	struct error err;

	assert_int_equal(rpc_client_new(address, &client, &err), 0);
	return client;
}

static struct rpc_server *new_server(const char *address, char *bound)
{
	struct rpc_server_settings settings = {
		.methods = echo_methods,
		.method_count = ECHO_METHOD_COUNT,
	};
	struct rpc_server *server;
	struct error err;

	assert_int_equal(rpc_server_new(&settings, &server, &err), 0);
	assert_int_equal(rpc_server_listen(server, address, bound, &err), 0);
	assert_int_equal(rpc_server_start(server, &err), 0);
	return server;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	strcpy(fixture->folder, "/tmp/berth-rpc-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	(void)snprintf(fixture->address, sizeof(fixture->address), "unix:%s/api", fixture->folder);
	fixture->server = new_server(fixture->address, NULL);
	fixture->client = new_client(fixture->address);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	rpc_client_free(fixture->client);
	rpc_server_stop(fixture->server, 1000);
	assert_int_equal(rmdir(fixture->folder), 0); /* so the socket is gone */
	free(fixture);
	return 0;
}

static int say(struct rpc_client *client, const Berth__Test__SayRequest *request,
	       Berth__Test__SayReply **out_reply, unsigned timeout_ms, struct error *err)
{
	ProtobufCMessage *reply;
	int ret = rpc_client_call(client, "/berth.test.Echo/Say", &request->base,
				  &berth__test__say_reply__descriptor, timeout_ms, &reply, err);

	if (ret == 0)
		*out_reply = (Berth__Test__SayReply *)reply;
	return ret;
}

static Berth__Test__SayReply *must_say(struct rpc_client *client,
				       const Berth__Test__SayRequest *request)
{
	Berth__Test__SayReply *reply = NULL;
	struct error err = {0};

	if (say(client, request, &reply, TIMEOUT_MS, &err) < 0)
		fail_msg("%s", err.text);
	assert_non_null(reply);
	return reply;
}

static void assert_echo(struct rpc_client *client, const char *text)
{
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	Berth__Test__SayReply *reply;

	request.text = (char *)text;
	reply = must_say(client, &request);
	assert_string_equal(reply->text, text);
	message_free(&reply->base);
}

static void reply_carries_strings_and_messages(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	Berth__Test__SayReply *reply;

	request.text = (char *)"grüße";
	request.copies = 5;
	reply = must_say(fixture->client, &request);
	assert_string_equal(reply->text, "grüße");
	assert_int_equal(reply->n_all, 5);
	assert_string_equal(reply->all[4], "grüße");
	assert_int_equal(reply->n_requests, 5);
	assert_string_equal(reply->requests[4]->text, "grüße 4");
	message_free(&reply->base);
}

static void handler_error_arrives_with_its_sentence(void **state)
{
	static const int codes[] = {EINVAL,    ENOENT,	  EEXIST, EBUSY,  ENOSPC, EPERM,
				    ETIMEDOUT, ECANCELED, ENOSYS, EAGAIN, ERANGE, ENODATA};
	struct fixture *fixture = *state;
	Berth__Test__FailRequest request = BERTH__TEST__FAIL_REQUEST__INIT;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct error err = {0};
		ProtobufCMessage *reply;

		request.code = codes[i];
		request.text.data = (uint8_t *)"pool 'x' is 100% full, größer?";
		request.text.len = strlen((char *)request.text.data);
		assert_int_equal(rpc_client_call(fixture->client, "/berth.test.Echo/Fail",
						 &request.base, &berth__test__say_reply__descriptor,
						 TIMEOUT_MS, &reply, &err),
				 -codes[i]);
		assert_string_equal(err.text, "pool 'x' is 100% full, größer?");
	}
}

static void control_characters_do_not_reach_the_reader(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__FailRequest request = BERTH__TEST__FAIL_REQUEST__INIT;
	struct error err = {0};
	ProtobufCMessage *reply;

	request.code = EINVAL;
	request.text.data = (uint8_t *)"a\nb\x1b[31mc\xff\r";
	request.text.len = strlen((char *)request.text.data);
	assert_int_equal(rpc_client_call(fixture->client, "/berth.test.Echo/Fail", &request.base,
					 &berth__test__say_reply__descriptor, TIMEOUT_MS, &reply,
					 &err),
			 -EINVAL);
	assert_string_equal(err.text, "a b [31mc? ");
}

static void unknown_method_is_unimplemented(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	struct error err = {0};
	ProtobufCMessage *reply;

	assert_int_equal(rpc_client_call(fixture->client, "/berth.test.Echo/Nothing", &request.base,
					 &berth__test__say_reply__descriptor, TIMEOUT_MS, &reply,
					 &err),
			 -ENOSYS);
	assert_string_equal(err.text, "this server has no method '/berth.test.Echo/Nothing'");
	assert_echo(fixture->client, "and goes on");
}

static void deadline_ends_the_call_and_the_handler(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	uint64_t start_ms = clock_now_ms();
	Berth__Test__SayReply *reply;
	struct error err = {0};

	request.text = (char *)"late";
	request.delay_ms = 60000;
	assert_int_equal(say(fixture->client, &request, &reply, 50, &err), -ETIMEDOUT);
	assert_true(clock_now_ms() - start_ms < 10000);
	assert_echo(fixture->client, "and goes on");
}

static void handler_knows_the_time_left(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	Berth__Test__SayReply *reply;

	request.text = (char *)"now";
	reply = must_say(fixture->client, &request);
	assert_in_range(reply->remaining_ms, TIMEOUT_MS / 2, TIMEOUT_MS);
	message_free(&reply->base);
}

static void large_message_goes_both_ways(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	size_t len = RPC_MESSAGE_MAX_BYTES - 64;
	Berth__Test__SayReply *reply;

	request.text = malloc(len + 1);
	assert_non_null(request.text);
	memset(request.text, 'y', len);
	request.text[len] = '\0';
	reply = must_say(fixture->client, &request);
	assert_int_equal(strlen(reply->text), len);
	message_free(&reply->base);
	free(request.text);
}

static void message_over_the_limit_is_not_sent(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	Berth__Test__SayReply *reply;
	struct error err = {0};

	request.payload.len = RPC_MESSAGE_MAX_BYTES;
	request.payload.data = calloc(1, request.payload.len);
	assert_int_equal(say(fixture->client, &request, &reply, TIMEOUT_MS, &err), -EMSGSIZE);
	free(request.payload.data);
	assert_echo(fixture->client, "and goes on");
}

static void reply_over_the_limit_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	char text[1001];
	Berth__Test__SayReply *reply;
	struct error err = {0};

	memset(text, 'z', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	request.text = text;
	request.copies = 2500;
	assert_int_equal(say(fixture->client, &request, &reply, TIMEOUT_MS, &err), -ENOSPC);
	assert_echo(fixture->client, "and goes on");
}

/* --- streams --- */

struct counter {
	unsigned seen;
	unsigned stop_after;
};

static bool count_each(void *owner, const ProtobufCMessage *message)
{
	struct counter *counter = owner;

	assert_int_equal(((const Berth__Test__SayReply *)message)->payload_len, counter->seen);
	counter->seen++;
	return counter->stop_after == 0 || counter->seen < counter->stop_after;
}

static int stream(struct rpc_client *client, const Berth__Test__CountRequest *request,
		  struct counter *counter, unsigned timeout_ms, struct error *err)
{
	return rpc_client_stream(client, "/berth.test.Echo/Count", &request->base,
				 &berth__test__say_reply__descriptor, timeout_ms, count_each,
				 counter, err);
}

static void stream_brings_every_message_in_order(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__CountRequest request = BERTH__TEST__COUNT_REQUEST__INIT;
	struct counter counter = {0};
	struct error err = {0};

	request.count = 1000;
	request.filler_len = 1000;
	assert_int_equal(stream(fixture->client, &request, &counter, TIMEOUT_MS, &err), 0);
	assert_int_equal(counter.seen, 1000);
}

static unsigned cancelled_handlers(struct rpc_client *client)
{
	Berth__Test__CancelledRequest request = BERTH__TEST__CANCELLED_REQUEST__INIT;
	ProtobufCMessage *reply;
	struct error err = {0};
	unsigned count;

	assert_int_equal(rpc_client_call(client, "/berth.test.Echo/Cancelled", &request.base,
					 &berth__test__cancelled_reply__descriptor, TIMEOUT_MS,
					 &reply, &err),
			 0);
	count = ((Berth__Test__CancelledReply *)reply)->count;
	message_free(reply);
	return count;
}

static void wait_for_cancelled(struct rpc_client *client, unsigned count)
{
	uint64_t until_ms = clock_now_ms() + TIMEOUT_MS;

	while (cancelled_handlers(client) < count)
		assert_true(clock_now_ms() < until_ms);
}

static void stopping_a_stream_cancels_its_handler(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__CountRequest request = BERTH__TEST__COUNT_REQUEST__INIT;
	struct counter counter = {.stop_after = 3};
	struct error err = {0};
	unsigned before = cancelled_handlers(fixture->client);

	assert_int_equal(stream(fixture->client, &request, &counter, 0, &err), 0);
	assert_int_equal(counter.seen, 3);
	wait_for_cancelled(fixture->client, before + 1);
}

static void stream_past_its_deadline_times_out(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__CountRequest request = BERTH__TEST__COUNT_REQUEST__INIT;
	struct counter counter = {0};
	struct error err = {0};
	unsigned before = cancelled_handlers(fixture->client);

	request.delay_ms = 5;
	assert_int_equal(stream(fixture->client, &request, &counter, 200, &err), -ETIMEDOUT);
	assert_true(counter.seen > 0);
	wait_for_cancelled(fixture->client, before + 1);
}

/* --- the server's life --- */

static void nobody_there_says_what_to_try(void **state)
{
	struct rpc_client *client = new_client("unix:/nonexistent/api");
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	Berth__Test__SayReply *reply;
	struct error err = {0};

	assert_int_equal(say(client, &request, &reply, TIMEOUT_MS, &err), -ECONNREFUSED);
	assert_string_equal(err.text, "nobody listens on unix:/nonexistent/api: is the server "
				      "running, and is this its address?");
	rpc_client_free(client);
}

static void client_connects_again_after_a_restart(void **state)
{
	struct fixture *fixture = *state;
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	Berth__Test__SayReply *reply;
	struct error err = {0};

	assert_echo(fixture->client, "before");
	rpc_server_stop(fixture->server, 1000);
	assert_int_equal(say(fixture->client, &request, &reply, TIMEOUT_MS, &err), -ECONNREFUSED);
	fixture->server = new_server(fixture->address, NULL);
	assert_echo(fixture->client, "after");
}

static void tcp_works_on_both_families(void **state)
{
	static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0", "localhost:0"};

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		char bound[RPC_ADDRESS_SIZE];
		struct rpc_server *server = new_server(addresses[i], bound);
		struct rpc_client *client = new_client(bound);

		assert_echo(client, bound);
		rpc_client_free(client);
		rpc_server_stop(server, 1000);
	}
}

static void live_socket_is_not_taken_over(void **state)
{
	struct fixture *fixture = *state;
	struct rpc_server_settings settings = {.methods = echo_methods, .method_count = 1};
	struct rpc_server *second;
	struct error err = {0};

	assert_int_equal(rpc_server_new(&settings, &second, &err), 0);
	assert_int_equal(rpc_server_listen(second, fixture->address, NULL, &err), -EADDRINUSE);
	rpc_server_stop(second, 0);
	assert_echo(fixture->client, "still there");
}

static void socket_is_for_its_owner_only(void **state)
{
	struct fixture *fixture = *state;
	struct stat st;

	assert_int_equal(stat(fixture->address + strlen("unix:"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* --- many at once --- */

struct crowd_member {
	pthread_t thread;
	const char *address;
	unsigned calls;
	unsigned good;
};

static void *crowd_run(void *argument)
{
	struct crowd_member *member = argument;
	struct rpc_client *client = new_client(member->address);
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	struct error err;

	request.text = (char *)"crowd";
	request.delay_ms = 1;
	for (unsigned i = 0; i < member->calls; i++) {
		Berth__Test__SayReply *reply = NULL;

		if (say(client, &request, &reply, TIMEOUT_MS, &err) < 0 || !reply)
			continue;
		member->good += strcmp(reply->text, "crowd") == 0;
		message_free(&reply->base);
	}
	rpc_client_free(client);
	return NULL;
}

static void two_hundred_connections_are_served_at_once(void **state)
{
	struct fixture *fixture = *state;
	static struct crowd_member members[200];

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		members[i] = (struct crowd_member){.address = fixture->address, .calls = 5};
		assert_int_equal(pthread_create(&members[i].thread, NULL, crowd_run, &members[i]),
				 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		pthread_join(members[i].thread, NULL);
		assert_int_equal(members[i].good, 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reply_carries_strings_and_messages, setup,
						teardown),
		cmocka_unit_test_setup_teardown(handler_error_arrives_with_its_sentence, setup,
						teardown),
		cmocka_unit_test_setup_teardown(control_characters_do_not_reach_the_reader, setup,
						teardown),
		cmocka_unit_test_setup_teardown(unknown_method_is_unimplemented, setup, teardown),
		cmocka_unit_test_setup_teardown(deadline_ends_the_call_and_the_handler, setup,
						teardown),
		cmocka_unit_test_setup_teardown(handler_knows_the_time_left, setup, teardown),
		cmocka_unit_test_setup_teardown(large_message_goes_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(message_over_the_limit_is_not_sent, setup,
						teardown),
		cmocka_unit_test_setup_teardown(reply_over_the_limit_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(stream_brings_every_message_in_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(stopping_a_stream_cancels_its_handler, setup,
						teardown),
		cmocka_unit_test_setup_teardown(stream_past_its_deadline_times_out, setup,
						teardown),
		cmocka_unit_test(nobody_there_says_what_to_try),
		cmocka_unit_test_setup_teardown(client_connects_again_after_a_restart, setup,
						teardown),
		cmocka_unit_test(tcp_works_on_both_families),
		cmocka_unit_test_setup_teardown(live_socket_is_not_taken_over, setup, teardown),
		cmocka_unit_test_setup_teardown(socket_is_for_its_owner_only, setup, teardown),
		cmocka_unit_test_setup_teardown(two_hundred_connections_are_served_at_once, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
