/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our client as a program, for tests against other servers:
 *
 *	rpc_echo_client ADDRESS TIMEOUT_MS COMMAND
 *
 *	say TEXT [COPIES [DELAY_MS]]
 *	fail ERRNO TEXT
 *	count COUNT [STOP_AFTER]
 *	large BYTES
 *	repeat                        says each line of its input, over one connection
 *
 * prints what came back, or "ERRNO: sentence" on stderr with exit status 1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/client.h"
#include "rpc/message.h"
#include "tests/unit/rpc/rpc_echo.pb-c.h"

struct run {
	struct rpc_client *client;
	unsigned timeout_ms;
	int argc; /* arguments of the command */
	char **argv;
	unsigned seen;
	struct error err;
};

static unsigned argument(const struct run *run, int nth)
{
	return nth < run->argc ? (unsigned)strtoul(run->argv[nth], NULL, 10) : 0;
}

static int call(struct run *run, const char *path, const ProtobufCMessage *message,
		Berth__Test__SayReply **out_reply)
{
	ProtobufCMessage *reply = NULL;
	int ret = rpc_client_call(run->client, path, message, &berth__test__say_reply__descriptor,
				  run->timeout_ms, &reply, &run->err);

	if (ret == 0)
		*out_reply = (Berth__Test__SayReply *)reply;
	return ret;
}

static int say(struct run *run)
{
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	Berth__Test__SayReply *reply = NULL;

	request.text = run->argv[0];
	request.copies = argument(run, 1);
	request.delay_ms = argument(run, 2);
	if (call(run, "/berth.test.Echo/Say", &request.base, &reply) < 0 || !reply)
		return -1;
	(void)printf("%s %zu\n", reply->text, reply->n_all);
	message_free(&reply->base);
	return 0;
}

static int fail(struct run *run)
{
	Berth__Test__FailRequest request = BERTH__TEST__FAIL_REQUEST__INIT;
	Berth__Test__SayReply *reply = NULL;

	request.code = (int32_t)argument(run, 0);
	request.text.data = (uint8_t *)run->argv[1];
	request.text.len = strlen(run->argv[1]);
	if (call(run, "/berth.test.Echo/Fail", &request.base, &reply) < 0 || !reply)
		return -1;
	message_free(&reply->base);
	return 0;
}

static bool count_each(void *owner, const ProtobufCMessage *message)
{
	struct run *run = owner;

	run->seen++;
	return run->seen != argument(run, 1);
}

static int count(struct run *run)
{
	Berth__Test__CountRequest request = BERTH__TEST__COUNT_REQUEST__INIT;
	int ret;

	request.count = argument(run, 0);
	request.filler_len = 1000;
	ret = rpc_client_stream(run->client, "/berth.test.Echo/Count", &request.base,
				&berth__test__say_reply__descriptor, run->timeout_ms, count_each,
				run, &run->err);
	(void)printf("%u\n", run->seen);
	return ret;
}

static int large(struct run *run)
{
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	Berth__Test__SayReply *reply = NULL;
	int ret;

	request.payload.len = argument(run, 0);
	request.payload.data = calloc(1, request.payload.len);
	ret = call(run, "/berth.test.Echo/Say", &request.base, &reply);
	free(request.payload.data);
	if (ret < 0 || !reply)
		return ret;
	(void)printf("%u\n", reply->payload_len);
	message_free(&reply->base);
	return 0;
}

static int repeat(struct run *run)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		char *arguments[] = {line};
		struct run once = {.client = run->client,
				   .timeout_ms = run->timeout_ms,
				   .argc = 1,
				   .argv = arguments};

		line[strcspn(line, "\n")] = '\0';
		if (say(&once) < 0)
			(void)printf("%d: %s\n", -once.err.code, once.err.text);
		(void)fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int argc_min;
		int (*run)(struct run *run);
	} commands[] = {
		{"say", 1, say},     {"fail", 2, fail},	    {"count", 1, count},
		{"large", 1, large}, {"repeat", 0, repeat},
	};
	struct run run = {.argc = argc - 4, .argv = argv + 4};
	int ret = -EINVAL;

	if (argc < 4 || rpc_client_new(argv[1], &run.client, &run.err) < 0)
		return 2;
	run.timeout_ms = (unsigned)strtoul(argv[2], NULL, 10);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[3], commands[i].name) == 0 && run.argc >= commands[i].argc_min)
			ret = commands[i].run(&run);
	rpc_client_free(run.client);
	if (ret < 0)
		(void)fprintf(stderr, "%s: %s\n", strerrorname_np(-run.err.code), run.err.text);
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
