/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See rpc_echo.h. */
#include "tests/unit/rpc/rpc_echo.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/message.h"

static atomic_uint cancelled_count;

static int say(void *owner, struct rpc_call *call, const ProtobufCMessage *message,
	       ProtobufCMessage *answer, struct error *err)
{
	const Berth__Test__SayRequest *request = (const Berth__Test__SayRequest *)message;
	Berth__Test__SayReply *reply = (Berth__Test__SayReply *)answer;

	if (request->delay_ms > 0 && rpc_call_wait_cancelled(call, request->delay_ms)) {
		atomic_fetch_add(&cancelled_count, 1);
		return -ECANCELED;
	}
	reply->payload_len = (uint32_t)request->payload.len;
	reply->remaining_ms = rpc_call_remaining_ms(call);
	if (rpc_set_string(&reply->text, request->text) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < request->copies; i++) {
		Berth__Test__SayRequest *copy =
			rpc_add_message(&reply->n_requests, &reply->requests,
					&berth__test__say_request__descriptor);

		if (!copy || rpc_set_text(&copy->text, "%s %u", request->text, i) < 0 ||
		    rpc_add_string(&reply->n_all, &reply->all, request->text) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int fail(void *owner, struct rpc_call *call, const ProtobufCMessage *message,
		ProtobufCMessage *answer, struct error *err)
{
	const Berth__Test__FailRequest *request = (const Berth__Test__FailRequest *)message;

	/* What is built before a failure must be freed, and not sent. */
	(void)rpc_set_string(&((Berth__Test__SayReply *)answer)->text, "half an answer");
	return error_set(err, -request->code, "%.*s", (int)request->text.len,
			 (const char *)request->text.data);
}

static int count(void *owner, struct rpc_call *call, const ProtobufCMessage *message,
		 ProtobufCMessage *answer, struct error *err)
{
	const Berth__Test__CountRequest *request = (const Berth__Test__CountRequest *)message;
	Berth__Test__SayReply reply = BERTH__TEST__SAY_REPLY__INIT;
	int ret = 0;

	reply.filler = calloc(1, request->filler_len + 1);
	if (!reply.filler)
		return -ENOMEM;
	memset(reply.filler, 'x', request->filler_len);
	for (uint32_t i = 0; ret == 0 && (request->count == 0 || i < request->count); i++) {
		reply.payload_len = i;
		ret = rpc_call_send(call, (const ProtobufCMessage *)&reply);
		if (ret == 0 && request->delay_ms > 0 &&
		    rpc_call_wait_cancelled(call, request->delay_ms))
			ret = -ECANCELED;
	}
	if (ret < 0)
		atomic_fetch_add(&cancelled_count, 1);
	free(reply.filler);
	return ret;
}

static int cancelled(void *owner, struct rpc_call *call, const ProtobufCMessage *message,
		     ProtobufCMessage *answer, struct error *err)
{
	((Berth__Test__CancelledReply *)answer)->count = atomic_load(&cancelled_count);
	return 0;
}

const struct rpc_method echo_methods[ECHO_METHOD_COUNT] = {
	{"/berth.test.Echo/Say", &berth__test__say_request__descriptor,
	 &berth__test__say_reply__descriptor, false, say},
	{"/berth.test.Echo/Fail", &berth__test__fail_request__descriptor,
	 &berth__test__say_reply__descriptor, false, fail},
	{"/berth.test.Echo/Count", &berth__test__count_request__descriptor,
	 &berth__test__say_reply__descriptor, true, count},
	{"/berth.test.Echo/Cancelled", &berth__test__cancelled_request__descriptor,
	 &berth__test__cancelled_reply__descriptor, false, cancelled},
};
