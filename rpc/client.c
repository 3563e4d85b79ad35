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
#include "rpc/answer.h"
#include "rpc/clock.h"
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
	uint64_t until_ms;
	uint8_t *out; /* the request, framed */
	size_t out_len, out_sent;
	struct answer answer;
	bool is_closed;
	uint32_t close_code;
};

/* --- the stream --- */

static void call_header(void *stream, const char *name, const char *value)
{
	struct client_call *call = stream;

	answer_header(&call->answer, name, value);
}

static void call_headers_end(void *stream)
{
}

static void call_data(void *stream, const uint8_t *data, size_t len)
{
	struct client_call *call = stream;

	answer_data(&call->answer, data, len);
}

static void call_end(void *stream)
{
}

static void call_closed(void *stream, uint32_t code)
{
	struct client_call *call = stream;

	call->is_closed = true;
	call->close_code = code;
}

static size_t call_pull(void *stream, uint8_t *buf, size_t len, bool *out_end)
{
	struct client_call *call = stream;
	size_t part = MIN(len, call->out_len - call->out_sent);

	memcpy(buf, call->out + call->out_sent, part);
	call->out_sent += part;
	*out_end = call->out_sent == call->out_len;
	return part;
}

static size_t call_trailer(void *stream, struct http2_header *headers, size_t max)
{
	return 0;
}

static const struct http2_ops client_ops = {
	.header = call_header,
	.headers_end = call_headers_end,
	.data = call_data,
	.end = call_end,
	.closed = call_closed,
	.pull = call_pull,
	.trailer = call_trailer,
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

static int call_send(struct client_call *call, const struct rpc_request *request, struct error *err)
{
	struct rpc_client *client = call->client;
	char timeout[HEADER_TIMEOUT_SIZE];
	const struct http2_header headers[] = {
		{":method", "POST"},
		{":scheme", "http"},
		{":path", request->path},
		{":authority", client->address.is_unix ? "localhost" : client->address_text},
		{"te", "trailers"},
		{"content-type", "application/grpc"},
		{"user-agent", "grpc-c-berth"},
		{"grpc-accept-encoding", "identity"},
		{"grpc-timeout", timeout},
	};

	header_timeout_format(request->timeout_ms, timeout);
	call->stream_id = http2_request(client->link.http2, headers,
					ARRAY_SIZE(headers) - (request->timeout_ms == 0), call);
	if (call->stream_id < 0)
		return error_set(err, call->stream_id, "cannot send a request to %s",
				 client->address_text);
	return 0;
}

/* Move bytes until the stream has closed or is given up. */
static int call_pump(struct client_call *call)
{
	struct link *link = &call->client->link;

	while (!call->is_closed && !call->answer.is_given_up) {
		struct pollfd poll_fd = {.fd = link->fd, .events = POLLIN};
		int ret = link_write(link);

		if (ret == 0 && http2_is_finished(link->http2))
			ret = http2_has_greeted(link->http2) ? -ECONNRESET : -EPROTO;
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
		if (ret < 0 && !call->is_closed && !call->answer.is_given_up)
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

static int call_make(struct client_call *call, const struct rpc_request *request, struct error *err)
{
	int ret;

	call->answer.server = call->client->address_text;
	call->answer.type = request->reply_type;
	answer_init(&call->answer);
	call->until_ms = request->timeout_ms ? clock_now_ms() + request->timeout_ms : CLOCK_NEVER;
	ret = message_encode(request->message, &call->out, &call->out_len, err);
	if (ret < 0)
		return ret;
	ret = client_connect(call->client, call->until_ms, err);
	if (ret == 0)
		ret = call_send(call, request, err);
	if (ret < 0)
		goto free_out;
	ret = call_pump(call);
	call_leave(call, ret < 0 && ret != -ETIMEDOUT);
	if (ret < 0)
		ret = call_lost(call, ret, request->timeout_ms, err);
	else
		ret = answer_result(&call->answer, call->close_code, err);
	answer_fini(&call->answer);
free_out:
	free(call->out);
	return ret;
}

int rpc_client_unary(struct rpc_client *client, const struct rpc_request *request,
		     ProtobufCMessage **out_reply, struct error *err)
{
	struct client_call call = {.client = client};
	int ret = call_make(&call, request, err);

	if (ret == 0)
		*out_reply = call.answer.reply;
	else
		message_free(call.answer.reply);
	return ret;
}

int rpc_client_watch(struct rpc_client *client, const struct rpc_request *request,
		     bool (*each)(void *owner, const ProtobufCMessage *message), void *owner,
		     struct error *err)
{
	struct client_call call = {.client = client, .answer = {.each = each, .owner = owner}};

	return call_make(&call, request, err);
}
