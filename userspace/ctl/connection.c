/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client, one call: the command line is used once and ends. The deadline is generous,
 * because deleting a large volume may take the node a while; Ctrl-C always works.
 */
#include "ctl/connection.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#define CALL_TIMEOUT_MS (120 * 1000)

static const char node_advice[] = "--node or BERTH_NODE says where the node is";

/* Nobody is there: say which option names another place to ask. Returns `ret`. */
static int advise(int ret, struct error *err, const char *advice)
{
	struct error cause = *err;

	if (ret == -ECONNREFUSED)
		(void)error_set(err, ret, "%s (%s)", cause.text, advice);
	return ret;
}

static int call_once(const char *address, const struct rpc_request *request,
		     ProtobufCMessage **out_answer, struct error *err)
{
	struct rpc_client *client;
	int ret = rpc_client_new(address, &client, err);

	if (ret < 0)
		return ret;
	ret = rpc_client_unary(client, request, out_answer, err);
	rpc_client_free(client);
	return ret;
}

int node_call(const struct call *call, const char *method, const ProtobufCMessage *message,
	      const ProtobufCMessageDescriptor *answer_type, ProtobufCMessage **out_answer,
	      struct error *err)
{
	char path[64];
	const struct rpc_request request = {path, message, answer_type, CALL_TIMEOUT_MS};

	(void)snprintf(path, sizeof(path), "/berth.v1.Node/%s", method);
	return advise(call_once(call->node, &request, out_answer, err), err, node_advice);
}

int agent_call(const struct call *call, const char *method, const ProtobufCMessage *message,
	       const ProtobufCMessageDescriptor *answer_type, ProtobufCMessage **out_answer,
	       struct error *err)
{
	char path[64];
	const struct rpc_request request = {path, message, answer_type, CALL_TIMEOUT_MS};

	(void)snprintf(path, sizeof(path), "/berth.v1.Agent/%s", method);
	return advise(call_once(call->agent, &request, out_answer, err), err,
		      "--agent says where the agent is");
}

int node_follow(const struct call *call, const char *method, const ProtobufCMessage *message,
		const ProtobufCMessageDescriptor *message_type,
		bool (*each)(void *owner, const ProtobufCMessage *message), struct error *err)
{
	char path[64];
	const struct rpc_request request = {path, message, message_type, 0};
	struct rpc_client *client;
	int ret = rpc_client_new(call->node, &client, err);

	if (ret < 0)
		return ret;
	(void)snprintf(path, sizeof(path), "/berth.v1.Node/%s", method);
	/* The owner is only handed on to `each`, which takes it back as a const call. */
	ret = rpc_client_watch(client, &request, each, (void *)call, err);
	rpc_client_free(client);
	return advise(ret, err, node_advice);
}

void answer_free(ProtobufCMessage *answer)
{
	if (answer)
		protobuf_c_message_free_unpacked(answer, NULL);
}

int confirm(const struct call *call, struct error *err, const char *question, ...)
{
	char line[16];
	va_list args;

	if (call->given & OPTION_YES)
		return 0;
	va_start(args, question);
	(void)vfprintf(stderr, question, args);
	va_end(args);
	fputs(" [y/N] ", stderr);
	if (fgets(line, sizeof(line), stdin) &&
	    (strcasecmp(line, "y\n") == 0 || strcasecmp(line, "yes\n") == 0))
		return 0;
	return error_set(err, -ECANCELED, "nothing was changed");
}
