/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call on the server's side, from the complete request to the status. The end of a call is
 * decided once, under the lock: by the handler's result, or before that by the I/O thread
 * (deadline, stop, a bad request). A stream can close before its handler returns and after; the
 * call is freed when both have happened.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/message.h"
#include "rpc/server_private.h"

static void call_run(struct work *work);

struct rpc_call *call_new(struct conn *conn, int32_t stream_id)
{
	struct rpc_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->server = conn->server;
	call->conn = conn;
	call->stream_id = stream_id;
	call->http_status = 200;
	call->timeout_ms = CLOCK_NEVER;
	call->deadline_ms = call->answer_by_ms = CLOCK_NEVER;
	call->request_by_ms = clock_now_ms() + conn->server->settings.request_ms;
	call->work.run = call_run;
	frame_reader_init(&call->reader, RPC_MESSAGE_MAX_BYTES);
	pthread_cond_init(&call->changed, NULL);
	list_node_init(&call->work.node);
	list_node_init(&call->in_ready);
	list_append(&conn->calls, &call->in_conn);
	list_append(&conn->server->calls, &call->in_server);
	server_check_by(conn->server, call->request_by_ms);
	return call;
}

static void call_free(struct rpc_call *call)
{
	struct rpc_server *server = call->server;

	assert(!call->conn && !call->is_dispatched && !list_has_node(&call->in_ready));
	server->call_count -= call->is_counted;
	server->stream_count -= call->is_alone;
	server->request_bytes -= call->counted_bytes;
	list_remove(&call->in_server);
	frame_reader_fini(&call->reader);
	pthread_cond_destroy(&call->changed);
	free(call->request);
	free(call->out);
	free(call);
}

/* --- under the lock --- */

static void call_drop_out(struct rpc_call *call)
{
	free(call->out);
	call->out = NULL;
}

static void call_decide(struct rpc_call *call, enum rpc_status status, const char *message)
{
	if (call->is_decided)
		return;
	call->is_decided = true;
	call->status = status;
	(void)snprintf(call->message, sizeof(call->message), "%s", message);
}

static void call_make_ready(struct rpc_call *call)
{
	if (!list_has_node(&call->in_ready))
		list_append(&call->server->ready, &call->in_ready);
	server_wake(call->server);
}

/* --- the answer's way out, on the I/O thread --- */

size_t call_trailer(void *stream, struct http2_header *headers, size_t max)
{
	struct rpc_call *call = stream;
	struct conn *conn = call->conn;
	size_t count = 0;

	assert(max >= 2);
	pthread_mutex_lock(&call->server->lock);
	(void)snprintf(conn->status_text, sizeof(conn->status_text), "%d", (int)call->status);
	(void)header_percent_encode(call->message, conn->message_text);
	pthread_mutex_unlock(&call->server->lock);
	headers[count++] = (struct http2_header){"grpc-status", conn->status_text};
	if (*conn->message_text)
		headers[count++] = (struct http2_header){"grpc-message", conn->message_text};
	return count;
}

size_t call_pull(void *stream, uint8_t *buf, size_t len, bool *out_end)
{
	struct rpc_call *call = stream;
	size_t part = 0;

	pthread_mutex_lock(&call->server->lock);
	if (call->out) {
		part = MIN(len, call->out_len - call->out_sent);
		memcpy(buf, call->out + call->out_sent, part);
		call->out_sent += part;
	}
	if (call->out && call->out_sent == call->out_len) {
		call_drop_out(call);
		pthread_cond_broadcast(&call->changed);
	}
	*out_end = call->is_decided && !call->out;
	pthread_mutex_unlock(&call->server->lock);
	return part;
}

/* The whole answer is a header: "Trailers-Only". */
static int call_respond_status(struct rpc_call *call)
{
	char http_status[12];
	struct http2_header headers[3 + HTTP2_TRAILER_MAX] = {
		{":status", http_status},
		{"content-type", "application/grpc"},
		{"grpc-accept-encoding", "identity"},
	};
	size_t count = 3 + call_trailer(call, headers + 3, HTTP2_TRAILER_MAX);

	(void)snprintf(http_status, sizeof(http_status), "%u", call->http_status);
	return http2_respond(call->conn->link.http2, call->stream_id, headers, count, false);
}

static int call_respond_body(struct rpc_call *call)
{
	static const struct http2_header headers[] = {
		{":status", "200"},
		{"content-type", "application/grpc"},
		{"grpc-accept-encoding", "identity"},
	};

	return http2_respond(call->conn->link.http2, call->stream_id, headers, ARRAY_SIZE(headers),
			     true);
}

/* Give HTTP/2 what there is to send: the answer's beginning, or more of it. */
static void call_push(struct rpc_call *call)
{
	struct http2 *http2 = call->conn->link.http2;
	bool has_sent, is_decided;
	int ret;

	pthread_mutex_lock(&call->server->lock);
	has_sent = call->has_sent;
	is_decided = call->is_decided;
	pthread_mutex_unlock(&call->server->lock);
	if (is_decided && call->answer_by_ms == CLOCK_NEVER) {
		call->answer_by_ms = clock_now_ms() + call->server->settings.stall_ms;
		server_check_by(call->server, call->answer_by_ms);
	}
	if (call->is_answered) {
		http2_resume(http2, call->stream_id);
		return;
	}
	if (!has_sent && !is_decided)
		return;
	call->is_answered = true;
	ret = has_sent ? call_respond_body(call) : call_respond_status(call);
	if (ret < 0)
		http2_reset(http2, call->stream_id, HTTP2_ENHANCE_YOUR_CALM);
}

void call_end(struct rpc_call *call, enum rpc_status status, const char *format, ...)
{
	char message[sizeof(call->message)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args); /* cutting is fine */
	va_end(args);
	pthread_mutex_lock(&call->server->lock);
	call_decide(call, status, message);
	call_drop_out(call);
	pthread_mutex_unlock(&call->server->lock);
	if (call->conn)
		call_push(call);
}

/* --- to the workers and back --- */

static void call_take_from_queue(struct rpc_call *call)
{
	if (call->is_dispatched && workers_cancel(call->server->workers, &call->work))
		call->is_dispatched = false;
}

void call_cancel(struct rpc_call *call, int code, const char *message)
{
	call_take_from_queue(call);
	pthread_mutex_lock(&call->server->lock);
	if (!call->is_decided) {
		/* At once: what the handler says when it sees `cancelled` must not win. */
		call_decide(call, rpc_status_from_errno(code), message);
		call_drop_out(call);
		call->cancelled = code;
		pthread_cond_broadcast(&call->changed);
	}
	pthread_mutex_unlock(&call->server->lock);
	if (call->conn)
		call_push(call);
}

void call_detach(struct rpc_call *call)
{
	list_remove(&call->in_conn);
	call->conn->idle_since_ms = clock_now_ms();
	call->conn = NULL;
	call_cancel(call, -ECANCELED, "the caller has gone");
	pthread_mutex_lock(&call->server->lock);
	call_drop_out(call);
	pthread_mutex_unlock(&call->server->lock);
	if (!call->is_dispatched)
		call_free(call);
}

void call_take_back(struct rpc_call *call)
{
	bool is_finished;

	pthread_mutex_lock(&call->server->lock);
	is_finished = call->is_finished;
	if (is_finished) /* since it was taken off the list, the worker may have put it back */
		list_remove(&call->in_ready);
	pthread_mutex_unlock(&call->server->lock);
	if (is_finished)
		call->is_dispatched = false;
	if (call->conn)
		call_push(call);
	else if (is_finished)
		call_free(call);
}

void call_dispatch(struct rpc_call *call)
{
	struct rpc_server *server = call->server;

	call->request_by_ms = CLOCK_NEVER;
	call_check_times(call, clock_now_ms());
	if (call->is_answered)
		return;
	if (!call->method->is_streaming) {
		call->is_dispatched = true;
		workers_submit(server->workers, &call->work);
		return;
	}
	if (server->stream_count >= server->settings.stream_max) {
		call_end(call, RPC_RESOURCE_EXHAUSTED,
			 "%u callers listen already, which is the limit",
			 server->settings.stream_max);
		return;
	}
	call->is_alone = true;
	server->stream_count++;
	call->is_dispatched = true;
	if (workers_run_alone(server->workers, &call->work) < 0) {
		call->is_dispatched = false;
		call_end(call, RPC_RESOURCE_EXHAUSTED, "the server has no thread left");
	}
}

void call_check_times(struct rpc_call *call, uint64_t now_ms)
{
	if (now_ms >= call->deadline_ms) {
		call->deadline_ms = CLOCK_NEVER;
		call_cancel(call, -ETIMEDOUT, "the deadline of the call has passed");
	}
	if (now_ms >= call->request_by_ms) {
		call->request_by_ms = CLOCK_NEVER;
		call_end(call, RPC_DEADLINE_EXCEEDED, "the request did not arrive in time");
	}
	if (now_ms >= call->answer_by_ms) {
		call->answer_by_ms = CLOCK_NEVER;
		if (call->conn)
			http2_reset(call->conn->link.http2, call->stream_id, HTTP2_CANCEL);
	}
	server_check_by(call->server, call->deadline_ms);
	server_check_by(call->server, call->request_by_ms);
	server_check_by(call->server, call->answer_by_ms);
}

/* --- on a worker's thread --- */

/* Hand the call back. `out` may be NULL. After this the call may be gone. */
static void call_finish(struct rpc_call *call, int ret, const struct error *err, uint8_t *out,
			size_t out_len)
{
	struct rpc_server *server = call->server;
	const char *text = err->text[0] ? err->text : strerrordesc_np(-ret);

	pthread_mutex_lock(&server->lock);
	if (out && !call->is_decided) {
		call->out = out;
		call->out_len = out_len;
		call->out_sent = 0;
		call->has_sent = true;
	} else {
		free(out);
	}
	call_decide(call, rpc_status_from_errno(ret), ret < 0 && text ? text : "");
	call->is_finished = true;
	call_make_ready(call);
	pthread_mutex_unlock(&server->lock);
}

/* Decode, handle, encode; the request and the reply die here. */
static int call_handle(struct rpc_call *call, uint8_t **out_data, size_t *out_len,
		       struct error *err)
{
	const struct rpc_method *method = call->method;
	ProtobufCMessage *request, *reply = NULL;
	int ret;

	ret = message_decode(method->request, call->request, call->request_len,
			     RPC_REQUEST_FIELD_MAX, &request, err);
	if (ret < 0)
		return ret;
	if (!method->is_streaming) {
		reply = message_new(method->reply);
		if (!reply)
			ret = error_set(err, -ENOMEM, "out of memory for the answer");
	}
	if (ret == 0)
		ret = method->handle(call->server->settings.owner, call, request, reply, err);
	assert(ret <= 0);
	if (ret == 0 && reply)
		ret = message_encode(reply, out_data, out_len, err);
	message_free(reply);
	message_free(request);
	return ret;
}

static void call_run(struct work *work)
{
	struct rpc_call *call = container_of(work, struct rpc_call, work);
	struct error err = {0};
	uint8_t *out = NULL;
	size_t out_len = 0;
	int ret = call_handle(call, &out, &out_len, &err);

	call_finish(call, ret, &err, out, out_len);
}

const void *rpc_call_context(const struct rpc_call *call)
{
	return call->method->context;
}

int rpc_call_send(struct rpc_call *call, const ProtobufCMessage *message)
{
	struct rpc_server *server = call->server;
	uint8_t *out;
	size_t out_len;
	int ret;

	assert(call->method->is_streaming);
	ret = message_encode(message, &out, &out_len, NULL);
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&server->lock);
	while (!call->cancelled && call->out)
		pthread_cond_wait(&call->changed, &server->lock);
	ret = call->cancelled;
	if (ret == 0) {
		call->out = out;
		call->out_len = out_len;
		call->out_sent = 0;
		call->has_sent = true;
		call_make_ready(call);
	}
	pthread_mutex_unlock(&server->lock);
	if (ret < 0)
		free(out);
	return ret;
}

bool rpc_call_is_cancelled(struct rpc_call *call)
{
	return rpc_call_wait_cancelled(call, 0);
}

bool rpc_call_wait_cancelled(struct rpc_call *call, unsigned timeout_ms)
{
	uint64_t until_ms = clock_now_ms() + timeout_ms;
	struct timespec until = {
		.tv_sec = (time_t)(until_ms / 1000),
		.tv_nsec = (long)(until_ms % 1000) * 1000000,
	};
	bool is_cancelled;
	int ret = timeout_ms > 0 ? 0 : ETIMEDOUT;

	pthread_mutex_lock(&call->server->lock);
	while (!call->cancelled && ret != ETIMEDOUT)
		ret = pthread_cond_clockwait(&call->changed, &call->server->lock, CLOCK_MONOTONIC,
					     &until);
	is_cancelled = call->cancelled != 0;
	pthread_mutex_unlock(&call->server->lock);
	return is_cancelled;
}

int rpc_call_remaining_ms(struct rpc_call *call)
{
	if (call->timeout_ms == CLOCK_NEVER)
		return -1;
	return clock_poll_ms(call->started_ms + call->timeout_ms);
}
