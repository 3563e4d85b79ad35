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

/* Who did not answer, and which option says where it listens. */
static int unreachable(struct error *err, const char *who, const char *address, const char *option)
{
	struct error cause = *err;

	return error_set(err, cause.code,
			 "no answer from the %s at %s: %s; is it running, and is "
			 "this its address? %s",
			 who, address, cause.text, option);
}

static int call_once(const char *address, const char *path, const ProtobufCMessage *request,
		     const ProtobufCMessageDescriptor *answer_type, ProtobufCMessage **out_answer,
		     struct error *err)
{
	struct rpc_client *client;
	int ret = rpc_client_new(address, &client, err);

	if (ret < 0)
		return ret;
	ret = rpc_client_call(client, path, request, answer_type, CALL_TIMEOUT_MS, out_answer, err);
	rpc_client_free(client);
	return ret;
}

int node_call(const struct call *call, const char *method, const ProtobufCMessage *request,
	      const ProtobufCMessageDescriptor *answer_type, ProtobufCMessage **out_answer,
	      struct error *err)
{
	char path[64];
	int ret;

	(void)snprintf(path, sizeof(path), "/berth.v1.Node/%s", method);
	ret = call_once(call->node, path, request, answer_type, out_answer, err);
	if (ret == -ECONNREFUSED)
		return unreachable(err, "node", call->node, "--node or BERTH_NODE gives another");
	return ret;
}

int agent_call(const struct call *call, const char *method, const ProtobufCMessage *request,
	       const ProtobufCMessageDescriptor *answer_type, ProtobufCMessage **out_answer,
	       struct error *err)
{
	char path[64];
	int ret;

	(void)snprintf(path, sizeof(path), "/berth.v1.Agent/%s", method);
	ret = call_once(call->agent, path, request, answer_type, out_answer, err);
	if (ret == -ECONNREFUSED)
		return unreachable(err, "agent", call->agent, "--agent gives another");
	return ret;
}

int node_follow(const struct call *call, const char *method, const ProtobufCMessage *request,
		const ProtobufCMessageDescriptor *message_type,
		bool (*each)(void *owner, const ProtobufCMessage *message), struct error *err)
{
	struct rpc_client *client;
	char path[64];
	int ret = rpc_client_new(call->node, &client, err);

	if (ret < 0)
		return ret;
	(void)snprintf(path, sizeof(path), "/berth.v1.Node/%s", method);
	/* The owner is only handed on to `each`, which takes it back as a const call. */
	ret = rpc_client_stream(client, path, request, message_type, 0, each, (void *)call, err);
	rpc_client_free(client);
	if (ret == -ECONNREFUSED)
		return unreachable(err, "node", call->node, "--node or BERTH_NODE gives another");
	return ret;
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
