/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See answer.h. */
#include "rpc/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/header.h"
#include "rpc/http2.h"
#include "rpc/message.h"

void answer_init(struct answer *answer)
{
	answer->status = -1;
	frame_reader_init(&answer->reader, RPC_MESSAGE_MAX_BYTES);
}

void answer_fini(struct answer *answer)
{
	frame_reader_fini(&answer->reader);
}

static void answer_refuse(struct answer *answer, int code, const char *what)
{
	if (answer->is_given_up)
		return;
	answer->is_given_up = true;
	(void)error_set(&answer->bad, code, "bad answer from %s: %s", answer->server,
			what); /* the code is looked at later */
}

static void take_http_status(struct answer *answer, const char *value)
{
	answer->http_status = (unsigned)strtoul(value, NULL, 10);
}

static void take_content_type(struct answer *answer, const char *value)
{
	answer->is_grpc = strncasecmp(value, "application/grpc", 16) == 0;
}

static void take_status(struct answer *answer, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	unsigned long status = strtoul(value, NULL, 10);

	/* What is no number, or a code that we do not know, is UNKNOWN. */
	if (digits == 0 || digits > 2 || value[digits] || status > RPC_UNAUTHENTICATED)
		status = RPC_UNKNOWN;
	answer->status = (int)status;
}

static void take_message(struct answer *answer, const char *value)
{
	header_percent_decode(value, answer->message, sizeof(answer->message));
}

void answer_header(struct answer *answer, const char *name, const char *value)
{
	static const struct {
		const char *name;
		void (*take)(struct answer *answer, const char *value);
	} fields[] = {
		{":status", take_http_status},
		{"content-type", take_content_type},
		{"grpc-status", take_status},
		{"grpc-message", take_message},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			fields[i].take(answer, value);
}

static void answer_message(struct answer *answer)
{
	struct error err = {0};
	ProtobufCMessage *message;
	uint8_t *data;
	size_t len;
	int ret;

	data = frame_reader_take(&answer->reader, &len);
	ret = message_decode(answer->type, data, len, RPC_REPLY_FIELD_MAX, &message, &err);
	free(data);
	if (ret < 0) {
		answer_refuse(answer, ret == -EINVAL ? -EIO : ret, err.text);
		return;
	}
	if (answer->each) {
		answer->is_given_up = !answer->each(answer->owner, message);
		message_free(message);
	} else if (answer->reply) {
		message_free(message);
		answer_refuse(answer, -EIO, "more than one message");
	} else {
		answer->reply = message;
	}
}

void answer_data(struct answer *answer, const uint8_t *data, size_t len)
{
	while (len > 0 && answer->is_grpc && !answer->is_given_up) {
		size_t used = 0;
		int ret = frame_reader_feed(&answer->reader, data, len, &used);

		if (ret == -EMSGSIZE)
			answer_refuse(answer, ret, "the message is too large");
		else if (ret < 0)
			answer_refuse(answer, -EIO, "a message that is compressed or malformed");
		else if (ret > 0)
			answer_message(answer);
		data += used;
		len -= used;
	}
}

/* A stream without grpc-status: by gRPC's "http-grpc-status-mapping" and RFC 9113's code. */
static enum rpc_status status_from_http(const struct answer *answer, uint32_t close_code)
{
	static const struct {
		unsigned http_status;
		enum rpc_status status;
	} rows[] = {
		{400, RPC_INTERNAL},	  {401, RPC_UNAUTHENTICATED}, {403, RPC_PERMISSION_DENIED},
		{404, RPC_UNIMPLEMENTED}, {429, RPC_UNAVAILABLE},     {502, RPC_UNAVAILABLE},
		{503, RPC_UNAVAILABLE},	  {504, RPC_UNAVAILABLE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].http_status == answer->http_status)
			return rows[i].status;
	switch (close_code) {
	case HTTP2_REFUSED_STREAM:
		return RPC_UNAVAILABLE;
	case HTTP2_CANCEL:
		return RPC_CANCELLED;
	case HTTP2_ENHANCE_YOUR_CALM:
		return RPC_RESOURCE_EXHAUSTED;
	case HTTP2_INADEQUATE_SECURITY:
		return RPC_PERMISSION_DENIED;
	default:
		return answer->http_status == 200 ? RPC_INTERNAL : RPC_UNKNOWN;
	}
}

int answer_result(const struct answer *answer, uint32_t close_code, struct error *err)
{
	const char *server = answer->server;

	if (answer->bad.code)
		return error_set(err, answer->bad.code, "%s", answer->bad.text);
	if (answer->is_given_up)
		return 0;
	if (answer->status < 0)
		return error_set(err, rpc_status_to_errno(status_from_http(answer, close_code)),
				 "%s ended the call without a status (HTTP %u, code %u): is it a "
				 "gRPC server?",
				 server, answer->http_status, close_code);
	if (answer->status != RPC_OK)
		return error_set(err, rpc_status_to_errno((enum rpc_status)answer->status), "%s",
				 answer->message[0]
					 ? answer->message
					 : rpc_status_name((enum rpc_status)answer->status));
	if (frame_reader_is_inside(&answer->reader) || (!answer->each && !answer->reply))
		return error_set(err, -EIO, "bad answer from %s: it ends before the message does",
				 server);
	return 0;
}
