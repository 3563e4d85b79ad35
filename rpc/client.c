/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See client.h. A call pumps the connection until its stream has closed or its time is up; what
 * arrives between calls (GOAWAY, pings, the end) is looked at when the next one begins.
 */
#include "rpc/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/address.h"
#include "rpc/clock.h"
#include "rpc/frame.h"
#include "rpc/header.h"
#include "rpc/link.h"
#include "rpc/message.h"
#include "rpc/socket.h"

#define CLIENT_CONNECT_MS 10000 /* for a stream without a deadline */

struct rpc_client {
	struct address address;
	char address_text[ADDRESS_TEXT_SIZE];
	struct link link;
	bool is_connected;
};

struct client_call {
	struct rpc_client *client;
	int32_t stream_id;
	const ProtobufCMessageDescriptor *type;
	bool (*each)(void *owner, const ProtobufCMessage *message); /* NULL: unary */
	void *owner;
	uint64_t until_ms;

	uint8_t *out; /* the request, framed */
	size_t out_len, out_sent;

	struct frame_reader reader;
	ProtobufCMessage *reply;
	unsigned http_status;
	int status; /* grpc-status; -1 until it came */
	char message[sizeof(((struct error *)0)->text)];
	bool is_grpc;
	bool is_closed;
	bool is_given_up; /* by `each`, or after a bad answer */
	uint32_t close_code;
	struct error bad; /* what was wrong with the answer */
};

/* --- what the stream brings --- */

static void call_refuse(struct client_call *call, int code, const char *what)
{
	if (call->is_given_up)
		return;
	call->is_given_up = true;
	(void)error_set(&call->bad, code, "bad answer from %s: %s", call->client->address_text,
			what); /* the code is looked at later */
}

static void take_http_status(struct client_call *call, const char *value)
{
	call->http_status = (unsigned)strtoul(value, NULL, 10);
}

static void take_content_type(struct client_call *call, const char *value)
{
	call->is_grpc = strncasecmp(value, "application/grpc", 16) == 0;
}

static void take_status(struct client_call *call, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	unsigned long status = strtoul(value, NULL, 10);

	/* What is no number, or a code that we do not know, is UNKNOWN. */
	if (digits == 0 || digits > 2 || value[digits] || status > RPC_UNAUTHENTICATED)
		status = RPC_UNKNOWN;
	call->status = (int)status;
}

static void take_message(struct client_call *call, const char *value)
{
	header_percent_decode(value, call->message, sizeof(call->message));
}

static void answer_header(void *stream, const char *name, const char *value)
{
	static const struct {
		const char *name;
		void (*take)(struct client_call *call, const char *value);
	} fields[] = {
		{":status", take_http_status},
		{"content-type", take_content_type},
		{"grpc-status", take_status},
		{"grpc-message", take_message},
	};
	struct client_call *call = stream;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			fields[i].take(call, value);
}

static void answer_headers_end(void *stream)
{
}

static void answer_message(struct client_call *call)
{
	struct error err = {0};
	ProtobufCMessage *message;
	uint8_t *data;
	size_t len;
	int ret;

	data = frame_reader_take(&call->reader, &len);
	ret = message_decode(call->type, data, len, RPC_REPLY_FIELD_MAX, &message, &err);
	free(data);
	if (ret < 0) {
		call_refuse(call, ret == -EINVAL ? -EIO : ret, err.text);
		return;
	}
	if (call->each) {
		call->is_given_up = !call->each(call->owner, message);
		message_free(message);
	} else if (call->reply) {
		message_free(message);
		call_refuse(call, -EIO, "more than one message");
	} else {
		call->reply = message;
	}
}

static void answer_data(void *stream, const uint8_t *data, size_t len)
{
	struct client_call *call = stream;

	while (len > 0 && call->is_grpc && !call->is_given_up) {
		size_t used = 0;
		int ret = frame_reader_feed(&call->reader, data, len, &used);

		if (ret == -EMSGSIZE)
			call_refuse(call, ret, "the message is too large");
		else if (ret < 0)
			call_refuse(call, -EIO, "a message that is compressed or malformed");
		else if (ret > 0)
			answer_message(call);
		data += used;
		len -= used;
	}
}

static void answer_end(void *stream)
{
}

static void answer_closed(void *stream, uint32_t code)
{
	struct client_call *call = stream;

	call->is_closed = true;
	call->close_code = code;
}

static size_t request_pull(void *stream, uint8_t *buf, size_t len, bool *out_end)
{
	struct client_call *call = stream;
	size_t part = MIN(len, call->out_len - call->out_sent);

	memcpy(buf, call->out + call->out_sent, part);
	call->out_sent += part;
	*out_end = call->out_sent == call->out_len;
	return part;
}

static size_t request_trailer(void *stream, struct http2_header *headers, size_t max)
{
	return 0;
}

static const struct http2_ops client_ops = {
	.header = answer_header,
	.headers_end = answer_headers_end,
	.data = answer_data,
	.end = answer_end,
	.closed = answer_closed,
	.pull = request_pull,
	.trailer = request_trailer,
};

/* --- the connection --- */

int rpc_client_new(const char *address, struct rpc_client **out_client, struct error *err)
{
	struct rpc_client *client = calloc(1, sizeof(*client));
	int ret;

	if (!client)
		return error_set(err, -ENOMEM, "out of memory for a client");
	ret = address_parse(address, &client->address, err);
	if (ret < 0) {
		free(client);
		return ret;
	}
	address_format(&client->address, client->address_text);
	*out_client = client;
	return 0;
}

static void client_disconnect(struct rpc_client *client)
{
	if (client->is_connected)
		link_fini(&client->link);
	client->is_connected = false;
}

void rpc_client_free(struct rpc_client *client)
{
	if (!client)
		return;
	client_disconnect(client);
	free(client);
}

/* Have a connection on which a call may begin: the old one if it is still good. */
static int client_connect(struct rpc_client *client, uint64_t until_ms, struct error *err)
{
	int fd, ret;

	if (client->is_connected && link_read(&client->link) == 0 &&
	    !http2_is_leaving(client->link.http2))
		return 0;
	client_disconnect(client);
	ret = socket_connect(&client->address, MIN(until_ms, clock_now_ms() + CLIENT_CONNECT_MS),
			     &fd, err);
	if (ret < 0)
		return ret;
	if (link_init(&client->link, fd, false, &client_ops, client) < 0)
		return error_set(err, -ENOMEM, "out of memory for a connection");
	client->is_connected = true;
	return 0;
}

/* --- a call --- */

static int call_send(struct client_call *call, const char *path, unsigned timeout_ms,
		     struct error *err)
{
	struct rpc_client *client = call->client;
	char timeout[HEADER_TIMEOUT_SIZE];
	const struct http2_header headers[] = {
		{":method", "POST"},
		{":scheme", "http"},
		{":path", path},
		{":authority", client->address.is_unix ? "localhost" : client->address_text},
		{"te", "trailers"},
		{"content-type", "application/grpc"},
		{"user-agent", "grpc-c-berth"},
		{"grpc-accept-encoding", "identity"},
		{"grpc-timeout", timeout},
	};

	header_timeout_format(timeout_ms, timeout);
	call->stream_id = http2_request(client->link.http2, headers,
					ARRAY_SIZE(headers) - (timeout_ms == 0), call);
	if (call->stream_id < 0)
		return error_set(err, call->stream_id, "cannot send a request to %s",
				 client->address_text);
	return 0;
}

/* Move bytes until the stream has closed or is given up. */
static int call_pump(struct client_call *call)
{
	struct link *link = &call->client->link;

	while (!call->is_closed && !call->is_given_up) {
		struct pollfd poll_fd = {.fd = link->fd, .events = POLLIN};
		int ret = link_write(link);

		if (ret == 0 && http2_is_finished(link->http2))
			ret = -ECONNRESET;
		if (ret < 0)
			return ret;
		if (link_is_blocked(link))
			poll_fd.events |= POLLOUT;
		if (clock_now_ms() >= call->until_ms)
			return -ETIMEDOUT;
		ret = poll(&poll_fd, 1, clock_poll_ms(call->until_ms));
		if (ret < 0 && errno != EINTR)
			return -errno;
		ret = ret > 0 && poll_fd.revents & ~POLLOUT ? link_read(link) : 0;
		if (ret < 0 && !call->is_closed && !call->is_given_up)
			return ret;
	}
	return 0;
}

/* Nothing of this call may stay in the connection: `call` is on our caller's stack. */
static void call_leave(struct client_call *call, bool is_lost)
{
	struct rpc_client *client = call->client;

	if (!call->is_closed && !is_lost) {
		http2_reset(client->link.http2, call->stream_id, HTTP2_CANCEL);
		is_lost = link_write(&client->link) < 0;
	}
	if (!call->is_closed || is_lost)
		client_disconnect(client);
}

/* A stream that closed without grpc-status: what HTTP says, by gRPC's "http-grpc-status-mapping".
 */
static enum rpc_status status_from_http(const struct client_call *call)
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
		if (rows[i].http_status == call->http_status)
			return rows[i].status;
	switch (call->close_code) {
	case HTTP2_REFUSED_STREAM:
		return RPC_UNAVAILABLE;
	case HTTP2_CANCEL:
		return RPC_CANCELLED;
	case HTTP2_ENHANCE_YOUR_CALM:
		return RPC_RESOURCE_EXHAUSTED;
	case HTTP2_INADEQUATE_SECURITY:
		return RPC_PERMISSION_DENIED;
	default:
		return call->http_status == 200 ? RPC_INTERNAL : RPC_UNKNOWN;
	}
}

/* What the closed stream comes to. */
static int call_result(const struct client_call *call, struct error *err)
{
	const char *server = call->client->address_text;

	if (call->bad.code) {
		return error_set(err, call->bad.code, "%s", call->bad.text);
	}
	if (call->is_given_up)
		return 0;
	if (call->status < 0)
		return error_set(err, rpc_status_to_errno(status_from_http(call)),
				 "%s ended the call without a status (HTTP %u, code %u): is it a "
				 "gRPC server?",
				 server, call->http_status, call->close_code);
	if (call->status != RPC_OK)
		return error_set(err, rpc_status_to_errno((enum rpc_status)call->status), "%s",
				 call->message[0] ? call->message
						  : rpc_status_name((enum rpc_status)call->status));
	if (frame_reader_is_inside(&call->reader) || (!call->each && !call->reply))
		return error_set(err, -EIO, "bad answer from %s: it ends before the message does",
				 server);
	return 0;
}

static int call_lost(const struct client_call *call, int code, unsigned timeout_ms,
		     struct error *err)
{
	const char *server = call->client->address_text;

	if (code == -ETIMEDOUT)
		return error_set(err, code, "no answer from %s within %u ms", server, timeout_ms);
	if (code == -EPROTO)
		return error_set(err, code, "%s does not speak HTTP/2: is it a gRPC server?",
				 server);
	return error_set(err, code == -EPIPE ? -ECONNRESET : code,
			 "the connection to %s was lost before the answer came; the call may have "
			 "been carried out: look, or repeat it",
			 server);
}

static int call_make(struct client_call *call, const char *path, const ProtobufCMessage *request,
		     unsigned timeout_ms, struct error *err)
{
	int ret;

	call->status = -1;
	call->until_ms = timeout_ms ? clock_now_ms() + timeout_ms : CLOCK_NEVER;
	frame_reader_init(&call->reader, RPC_MESSAGE_MAX_BYTES);
	ret = message_encode(request, &call->out, &call->out_len, err);
	if (ret == 0)
		ret = client_connect(call->client, call->until_ms, err);
	if (ret == 0)
		ret = call_send(call, path, timeout_ms, err);
	if (ret < 0)
		goto free_out;
	ret = call_pump(call);
	call_leave(call, ret < 0 && ret != -ETIMEDOUT);
	ret = ret < 0 ? call_lost(call, ret, timeout_ms, err) : call_result(call, err);
	frame_reader_fini(&call->reader);
free_out:
	free(call->out);
	return ret;
}

int rpc_client_call(struct rpc_client *client, const char *path, const ProtobufCMessage *request,
		    const ProtobufCMessageDescriptor *reply_type, unsigned timeout_ms,
		    ProtobufCMessage **out_reply, struct error *err)
{
	struct client_call call = {.client = client, .type = reply_type};
	int ret = call_make(&call, path, request, timeout_ms, err);

	if (ret == 0)
		*out_reply = call.reply;
	else
		message_free(call.reply);
	return ret;
}

int rpc_client_stream(struct rpc_client *client, const char *path, const ProtobufCMessage *request,
		      const ProtobufCMessageDescriptor *message_type, unsigned timeout_ms,
		      bool (*each)(void *owner, const ProtobufCMessage *message), void *owner,
		      struct error *err)
{
	struct client_call call = {
		.client = client, .type = message_type, .each = each, .owner = owner};

	return call_make(&call, path, request, timeout_ms, err);
}
