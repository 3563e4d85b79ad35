/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One HTTP/2 connection (RFC 9113) as gRPC uses it, client or server; the only user of nghttp2.
 * Moves no bytes: they are handed in and out (link.h does that). Not thread-safe.
 *
 * Each stream has an owner, a pointer that the callbacks get. Callbacks run inside http2_receive
 * and http2_output; they may submit, resume and reset, but not free the connection.
 */
#ifndef RPC_HTTP2_H
#define RPC_HTTP2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct http2;

struct http2_header {
	const char *name;
	const char *value;
};

/* Codes of RFC 9113, section 7, that we speak of. */
enum http2_code {
	HTTP2_NO_ERROR = 0,
	HTTP2_REFUSED_STREAM = 7,
	HTTP2_CANCEL = 8,
	HTTP2_ENHANCE_YOUR_CALM = 11,
	HTTP2_INADEQUATE_SECURITY = 12,
};

#define HTTP2_STREAM_MAX	  256	    /* open at once, over one connection */
#define HTTP2_HEADER_LIST_BYTES	  16384u    /* as RFC 9113, 6.5.2 counts: plus 32 a field */
#define HTTP2_WINDOW_BYTES	  (1 << 20) /* of a connection, towards us */
#define HTTP2_STREAM_WINDOW_BYTES (1 << 18)

struct http2_ops {
	/* Server: a request begins. Returns its owner; NULL refuses it. NULL on a client. */
	void *(*open)(void *owner, int32_t stream_id);
	/* A field of the header, or of the trailer; name in lower case, value without NUL. */
	void (*header)(void *stream, const char *name, const char *value);
	void (*headers_end)(void *stream);
	void (*data)(void *stream, const uint8_t *data, size_t len);
	/* The peer has sent all it will. */
	void (*end)(void *stream);
	/* The stream is gone; the last callback for it. `code` of RFC 9113. */
	void (*closed)(void *stream, uint32_t code);
	/*
	 * More of our body: up to `len` bytes into `buf`. 0 without *out_end: wait for
	 * http2_resume. With *out_end the body ends with these bytes.
	 */
	size_t (*pull)(void *stream, uint8_t *buf, size_t len, bool *out_end);
	/* After the body: fields of the trailer, 0 for none. The strings are copied. */
	size_t (*trailer)(void *stream, struct http2_header *headers, size_t max);
};

#define HTTP2_TRAILER_MAX 4

/* `owner` is what ops->open gets. -ENOMEM. */
int http2_new(bool is_server, const struct http2_ops *ops, void *owner, struct http2 **out_http2);
/* Open streams go without `closed`: their owners must know them. NULL is fine. */
void http2_free(struct http2 *http2);

/* Bytes from the peer. -EPROTO when it does not speak HTTP/2: close. */
int http2_receive(struct http2 *http2, const uint8_t *data, size_t len);

/*
 * The next bytes for the peer, valid until the next call; 0 when there are none now, -ENOMEM
 * or -EPROTO when the connection is beyond repair.
 */
ssize_t http2_output(struct http2 *http2, const uint8_t **out_data);
bool http2_has_output(struct http2 *http2);

/* True when nothing more will come or go (after GOAWAY or a protocol error). */
bool http2_is_finished(struct http2 *http2);

/* True once the peer has proved to speak HTTP/2: its preface and SETTINGS were read. */
bool http2_has_greeted(const struct http2 *http2);

/* Client: true when the peer sent GOAWAY, or all stream identifiers are used up. */
bool http2_is_leaving(struct http2 *http2);

/* Client: begin a request with a body. Returns the stream's identifier, or -ENOMEM, -EPROTO. */
int32_t http2_request(struct http2 *http2, const struct http2_header *headers, size_t count,
		      void *stream);

/*
 * Server: the answer's header; with a body, `pull` and `trailer` will be asked. When the answer
 * ends before the request, the rest of the request is refused.
 */
int http2_respond(struct http2 *http2, int32_t stream_id, const struct http2_header *headers,
		  size_t count, bool has_body);

void http2_resume(struct http2 *http2, int32_t stream_id);
void http2_reset(struct http2 *http2, int32_t stream_id, enum http2_code code);

/* Take no new streams; those that are open go on. */
void http2_goaway(struct http2 *http2, enum http2_code code);

#endif
