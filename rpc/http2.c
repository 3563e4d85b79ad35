/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See http2.h. nghttp2 keeps the framing, header compression, windows and the floods of control
 * frames (acknowledgements, resets, CONTINUATION) in their limits; the numbers are its defaults.
 */
#include "rpc/http2.h"

#include <assert.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

#define HTTP2_FIELD_MAX 12 /* that we send in one header */

struct http2 {
	nghttp2_session *session;
	const struct http2_ops *ops;
	void *owner;
	bool has_greeted;
	bool has_goaway; /* from the peer */
};

static void *http2_stream(struct http2 *http2, int32_t stream_id)
{
	return nghttp2_session_get_stream_user_data(http2->session, stream_id);
}

/* --- what nghttp2 tells us --- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct http2 *http2 = user;
	void *stream;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	stream = http2->ops->open(http2->owner, frame->hd.stream_id);
	if (!stream) {
		http2_reset(http2, frame->hd.stream_id, HTTP2_REFUSED_STREAM);
		return 0;
	}
	return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
		     nghttp2_rcbuf *value, uint8_t flags, void *user)
{
	struct http2 *http2 = user;
	void *stream = http2_stream(http2, frame->hd.stream_id);

	if (stream)
		http2->ops->header(stream, (const char *)nghttp2_rcbuf_get_buf(name).base,
				   (const char *)nghttp2_rcbuf_get_buf(value).base);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct http2 *http2 = user;
	void *stream;

	if (frame->hd.type == NGHTTP2_SETTINGS)
		http2->has_greeted = true;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		http2->has_goaway = true;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	stream = http2_stream(http2, frame->hd.stream_id);
	if (stream && frame->hd.type == NGHTTP2_HEADERS)
		http2->ops->headers_end(stream);
	if (stream && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		http2->ops->end(stream);
	return 0;
}

/*
 * RFC 9113, 8.1: an answer that is complete before its request stops the upload, which nobody
 * reads, by a reset. Only now: a reset that waits would overtake the answer.
 */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	int32_t stream_id = frame->hd.stream_id;

	if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
	    nghttp2_session_get_stream_remote_close(session, stream_id) == 0)
		http2_reset(user, stream_id, HTTP2_NO_ERROR);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
		   size_t len, void *user)
{
	struct http2 *http2 = user;
	void *stream = http2_stream(http2, stream_id);

	if (stream && len > 0)
		http2->ops->data(stream, data, len);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream_id, uint32_t code, void *user)
{
	struct http2 *http2 = user;
	void *stream = http2_stream(http2, stream_id);

	if (stream) {
		(void)nghttp2_session_set_stream_user_data(session, stream_id,
							   NULL); /* it is there */
		http2->ops->closed(stream, code);
	}
	return 0;
}

static size_t make_fields(nghttp2_nv *fields, const struct http2_header *headers, size_t count)
{
	assert(count <= HTTP2_FIELD_MAX);
	for (size_t i = 0; i < count; i++)
		fields[i] = (nghttp2_nv){
			.name = (uint8_t *)headers[i].name,
			.namelen = strlen(headers[i].name),
			.value = (uint8_t *)headers[i].value,
			.valuelen = strlen(headers[i].value),
		};
	return count;
}

static ssize_t on_pull(nghttp2_session *session, int32_t stream_id, uint8_t *buf, size_t len,
		       uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct http2 *http2 = user;
	void *stream = http2_stream(http2, stream_id);
	struct http2_header headers[HTTP2_TRAILER_MAX];
	nghttp2_nv fields[HTTP2_FIELD_MAX];
	bool is_end = false;
	size_t count, used;

	if (!stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	used = http2->ops->pull(stream, buf, len, &is_end);
	if (!is_end)
		return used > 0 ? (ssize_t)used : NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	count = make_fields(fields, headers,
			    http2->ops->trailer(stream, headers, HTTP2_TRAILER_MAX));
	if (count > 0) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		if (nghttp2_submit_trailer(session, stream_id, fields, count) != 0)
			return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	return (ssize_t)used;
}

/* --- life --- */

static int session_new(bool is_server, struct http2 *http2)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option = NULL;
	int ret = nghttp2_session_callbacks_new(&callbacks);

	if (ret == 0)
		ret = nghttp2_option_new(&option);
	if (ret != 0)
		goto free_callbacks;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	if (is_server)
		nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	/* Closed streams are kept for priorities, which gRPC has not. */
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_peer_max_concurrent_streams(option, HTTP2_STREAM_MAX);
	if (is_server)
		ret = nghttp2_session_server_new2(&http2->session, callbacks, http2, option);
	else
		ret = nghttp2_session_client_new2(&http2->session, callbacks, http2, option);
	nghttp2_option_del(option);
free_callbacks:
	nghttp2_session_callbacks_del(callbacks);
	return ret == 0 ? 0 : -ENOMEM;
}

static int submit_settings(struct http2 *http2, bool is_server)
{
	const nghttp2_settings_entry entries[] = {
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP2_HEADER_LIST_BYTES},
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP2_STREAM_MAX},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW_BYTES},
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	};
	/* A server may not send ENABLE_PUSH (RFC 9113, 6.5.2: a client takes no other value). */
	size_t count = is_server ? ARRAY_SIZE(entries) - 1 : ARRAY_SIZE(entries);

	if (nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, entries, count) != 0 ||
	    nghttp2_session_set_local_window_size(http2->session, NGHTTP2_FLAG_NONE, 0,
						  HTTP2_WINDOW_BYTES) != 0)
		return -ENOMEM;
	return 0;
}

int http2_new(bool is_server, const struct http2_ops *ops, void *owner, struct http2 **out_http2)
{
	struct http2 *http2 = calloc(1, sizeof(*http2));

	if (!http2)
		return -ENOMEM;
	http2->ops = ops;
	http2->owner = owner;
	if (session_new(is_server, http2) < 0 || submit_settings(http2, is_server) < 0) {
		http2_free(http2);
		return -ENOMEM;
	}
	*out_http2 = http2;
	return 0;
}

void http2_free(struct http2 *http2)
{
	if (!http2)
		return;
	nghttp2_session_del(http2->session);
	free(http2);
}

/* --- bytes --- */

int http2_receive(struct http2 *http2, const uint8_t *data, size_t len)
{
	ssize_t used = nghttp2_session_mem_recv(http2->session, data, len);

	if (used == NGHTTP2_ERR_NOMEM)
		return -ENOMEM;
	return used < 0 ? -EPROTO : 0; /* else it has taken all */
}

ssize_t http2_output(struct http2 *http2, const uint8_t **out_data)
{
	ssize_t len = nghttp2_session_mem_send(http2->session, out_data);

	if (len == NGHTTP2_ERR_NOMEM)
		return -ENOMEM;
	return len < 0 ? -EPROTO : len;
}

bool http2_has_output(struct http2 *http2)
{
	return nghttp2_session_want_write(http2->session);
}

bool http2_is_finished(struct http2 *http2)
{
	return !nghttp2_session_want_read(http2->session) &&
	       !nghttp2_session_want_write(http2->session);
}

bool http2_has_greeted(const struct http2 *http2)
{
	return http2->has_greeted;
}

bool http2_is_leaving(struct http2 *http2)
{
	return http2->has_goaway || !nghttp2_session_check_request_allowed(http2->session);
}

/* --- streams --- */

int32_t http2_request(struct http2 *http2, const struct http2_header *headers, size_t count,
		      void *stream)
{
	nghttp2_data_provider provider = {.read_callback = on_pull};
	nghttp2_nv fields[HTTP2_FIELD_MAX];
	int32_t id = nghttp2_submit_request(http2->session, NULL, fields,
					    make_fields(fields, headers, count), &provider, stream);

	if (id == NGHTTP2_ERR_NOMEM)
		return -ENOMEM;
	return id < 0 ? -EPROTO : id;
}

int http2_respond(struct http2 *http2, int32_t stream_id, const struct http2_header *headers,
		  size_t count, bool has_body)
{
	nghttp2_data_provider provider = {.read_callback = on_pull};
	nghttp2_nv fields[HTTP2_FIELD_MAX];
	int ret = nghttp2_submit_response(http2->session, stream_id, fields,
					  make_fields(fields, headers, count),
					  has_body ? &provider : NULL);

	return ret == 0 ? 0 : -ENOMEM;
}

void http2_resume(struct http2 *http2, int32_t stream_id)
{
	/* fails when nothing was deferred: the body goes on by itself then */
	(void)nghttp2_session_resume_data(http2->session, stream_id);
}

void http2_reset(struct http2 *http2, int32_t stream_id, enum http2_code code)
{
	/* fails only without memory: the stream stays until the connection goes */
	(void)nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, stream_id, code);
}

void http2_goaway(struct http2 *http2, enum http2_code code)
{
	int32_t last = nghttp2_session_get_last_proc_stream_id(http2->session);

	/* fails only without memory: the peer then sees the connection end instead */
	(void)nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE, last, code, NULL, 0);
}
