/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what a stream brings to a request: the fields of the header are checked, the body must be
 * exactly one message. Everything a peer can do wrong ends in a status with a sentence. On the
 * I/O thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/server_private.h"

#define FIELD_OVERHEAD_BYTES 32 /* RFC 9113, 6.5.2 */

static void *request_open(void *owner, int32_t stream_id)
{
	struct conn *conn = owner;

	return conn->server->has_said_goaway ? NULL : call_new(conn, stream_id);
}

/* --- the header --- */

static void take_method(struct rpc_call *call, const char *value)
{
	call->is_post = strcmp(value, "POST") == 0;
}

static void take_path(struct rpc_call *call, const char *value)
{
	if (strlen(value) < sizeof(call->path))
		(void)strcpy(call->path, value); /* fits, as checked */
}

/* "application/grpc", with "+proto", with parameters; not "+json", not grpc-web. */
static void take_content_type(struct rpc_call *call, const char *value)
{
	static const char type[] = "application/grpc";
	const char *rest;

	if (strncasecmp(value, type, strlen(type)) != 0)
		return;
	rest = value + strlen(type);
	if (strncasecmp(rest, "+proto", 6) == 0)
		rest += 6;
	call->is_grpc = *rest == '\0' || *rest == ';' || *rest == ' ';
}

static void take_timeout(struct rpc_call *call, const char *value)
{
	call->has_bad_timeout = header_timeout_parse(value, &call->timeout_ms) < 0;
}

static void request_header(void *stream, const char *name, const char *value)
{
	static const struct {
		const char *name;
		void (*take)(struct rpc_call *call, const char *value);
	} fields[] = {
		{":method", take_method},
		{":path", take_path},
		{"content-type", take_content_type},
		{"grpc-timeout", take_timeout},
	};
	struct rpc_call *call = stream;

	if (call->has_header) /* a trailer: requests of gRPC have none */
		return;
	call->header_bytes += strlen(name) + strlen(value) + FIELD_OVERHEAD_BYTES;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			fields[i].take(call, value);
}

static const struct rpc_method *find_method(const struct rpc_server_settings *settings,
					    const char *path)
{
	for (size_t i = 0; i < settings->method_count; i++)
		if (strcmp(settings->methods[i].path, path) == 0)
			return &settings->methods[i];
	return NULL;
}

/* A request that is no gRPC call is told so in HTTP, and in gRPC for who understands it. */
static bool request_is_grpc(struct rpc_call *call)
{
	if (!call->is_post) {
		call->http_status = 405;
		call_end(call, RPC_UNIMPLEMENTED, "gRPC calls are POST requests");
		return false;
	}
	if (!call->is_grpc) {
		call->http_status = 415;
		call_end(call, RPC_INVALID_ARGUMENT, "the content-type must be application/grpc");
		return false;
	}
	return true;
}

static bool request_is_acceptable(struct rpc_call *call)
{
	struct rpc_server *server = call->server;

	if (call->header_bytes > HTTP2_HEADER_LIST_BYTES) {
		call_end(call, RPC_RESOURCE_EXHAUSTED, "the header has %zu bytes, at most %u fit",
			 call->header_bytes, HTTP2_HEADER_LIST_BYTES);
		return false;
	}
	if (!request_is_grpc(call))
		return false;
	if (call->has_bad_timeout) {
		call_end(call, RPC_INVALID_ARGUMENT, "grpc-timeout is not a time");
		return false;
	}
	if (server->call_count >= server->settings.call_max) {
		call_end(call, RPC_RESOURCE_EXHAUSTED,
			 "%u calls are under way, which is the limit: try again later",
			 server->settings.call_max);
		return false;
	}
	call->method = find_method(&server->settings, call->path);
	if (!call->method) {
		call_end(call, RPC_UNIMPLEMENTED, "this server has no method '%s'", call->path);
		return false;
	}
	return true;
}

static void request_headers_end(void *stream)
{
	struct rpc_call *call = stream;

	if (call->has_header)
		return;
	call->has_header = true;
	if (!request_is_acceptable(call))
		return;
	call->is_counted = true;
	call->server->call_count++;
	call->started_ms = clock_now_ms();
	if (call->timeout_ms == CLOCK_NEVER)
		return;
	call->deadline_ms = call->started_ms + call->timeout_ms;
	server_check_by(call->server, call->deadline_ms);
}

/* --- the body --- */

static void request_refuse_frame(struct rpc_call *call, int code)
{
	if (code == -EMSGSIZE)
		call_end(call, RPC_RESOURCE_EXHAUSTED,
			 "the message is too large: at most %u bytes are taken",
			 RPC_MESSAGE_MAX_BYTES);
	else if (code == -EOPNOTSUPP)
		call_end(call, RPC_UNIMPLEMENTED, "compressed messages are not supported");
	else if (code == -ENOMEM)
		call_end(call, RPC_RESOURCE_EXHAUSTED, "out of memory for the request");
	else
		call_end(call, RPC_INTERNAL, "the frame of the message has unknown flags");
}

static void request_count_bytes(struct rpc_call *call)
{
	struct rpc_server *server = call->server;
	size_t bytes = call->reader.size + call->request_len;

	server->request_bytes += bytes - call->counted_bytes;
	call->counted_bytes = bytes;
	if (server->request_bytes > server->settings.request_bytes_max)
		call_end(call, RPC_RESOURCE_EXHAUSTED,
			 "requests fill the memory set aside for them: try again later");
}

static void request_data(void *stream, const uint8_t *data, size_t len)
{
	struct rpc_call *call = stream;

	while (len > 0 && !call->is_answered) {
		size_t used;
		int ret;

		if (call->request) {
			call_end(call, RPC_UNIMPLEMENTED, "the call has more than one message");
			return;
		}
		ret = frame_reader_feed(&call->reader, data, len, &used);
		if (ret < 0) {
			request_refuse_frame(call, ret);
			return;
		}
		if (ret > 0)
			call->request = frame_reader_take(&call->reader, &call->request_len);
		data += used;
		len -= used;
		request_count_bytes(call);
	}
}

static void request_end(void *stream)
{
	struct rpc_call *call = stream;

	if (call->is_answered)
		return;
	if (frame_reader_is_inside(&call->reader))
		call_end(call, RPC_INTERNAL, "the request ends inside a message");
	else if (!call->request)
		call_end(call, RPC_UNIMPLEMENTED, "the call has no message");
	else
		call_dispatch(call);
}

static void request_closed(void *stream, uint32_t code)
{
	call_detach(stream);
}

const struct http2_ops request_ops = {
	.open = request_open,
	.header = request_header,
	.headers_end = request_headers_end,
	.data = request_data,
	.end = request_end,
	.closed = request_closed,
	.pull = call_pull,
	.trailer = call_trailer,
};
