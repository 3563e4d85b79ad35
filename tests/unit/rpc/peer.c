/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See peer.h. */
#include "tests/unit/rpc/peer.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "rpc/clock.h"
#include "rpc/frame.h"
#include "tests/unit/rpc/rpc_echo.pb-c.h"

#define FRAME_HEAD 9

struct peer *peer_new(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct peer *peer = calloc(1, sizeof(*peer));

	assert_non_null(peer);
	assert_true(strlen(path) < sizeof(name.sun_path));
	strcpy(name.sun_path, path);
	peer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(peer->fd >= 0);
	assert_int_equal(connect(peer->fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(nghttp2_hd_inflate_new(&peer->inflater), 0);
	for (size_t i = 0; i < PEER_STREAMS; i++)
		peer->streams[i].grpc_status = -1;
	return peer;
}

void peer_free(struct peer *peer)
{
	nghttp2_hd_inflate_del(peer->inflater);
	close(peer->fd);
	free(peer);
}

void peer_send(struct peer *peer, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	while (len > 0) {
		ssize_t part = send(peer->fd, bytes, len, MSG_NOSIGNAL);

		if (part < 0)
			return; /* it hung up: what it said before that counts */
		bytes += part;
		len -= (size_t)part;
	}
}

void peer_frame(struct peer *peer, uint8_t type, uint8_t flags, int32_t stream_id, const void *data,
		size_t len)
{
	uint8_t head[FRAME_HEAD];

	put_be32(head, (uint32_t)len << 8 | type);
	head[4] = flags;
	put_be32(head + 5, (uint32_t)stream_id);
	peer_send(peer, head, sizeof(head));
	peer_send(peer, data, len);
}

void peer_greet(struct peer *peer)
{
	peer_send(peer, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
	peer_frame(peer, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

/* RFC 7541, 5.1 and 5.2: a length in seven bits, then the bytes as they are. */
static size_t put_literal(uint8_t *at, const char *text)
{
	size_t len = strlen(text), left = len, used = 0;

	if (len < 127) {
		at[used++] = (uint8_t)len;
	} else {
		at[used++] = 127;
		for (left -= 127; left >= 128; left >>= 7)
			at[used++] = (uint8_t)(left & 127) | 128;
		at[used++] = (uint8_t)left;
	}
	for (size_t i = 0; i < len; i++)
		at[used + i] = (uint8_t)text[i];
	return used + len;
}

void peer_headers(struct peer *peer, uint8_t flags, int32_t stream_id,
		  const struct peer_field *fields)
{
	static uint8_t block[60000];
	size_t len = 0, sent = 0;
	uint8_t type = NGHTTP2_HEADERS;

	for (; fields->name; fields++) {
		assert_true(len + strlen(fields->name) + strlen(fields->value) + 10 <
			    sizeof(block));
		block[len++] = 0; /* literal without indexing, new name */
		len += put_literal(block + len, fields->name);
		len += put_literal(block + len, fields->value);
	}
	do {
		size_t part = MIN(len - sent, 16384u);
		bool is_last = sent + part == len;

		peer_frame(peer, type,
			   (type == NGHTTP2_HEADERS ? flags : 0) |
				   (is_last ? NGHTTP2_FLAG_END_HEADERS : 0),
			   stream_id, block + sent, part);
		type = NGHTTP2_CONTINUATION;
		sent += part;
	} while (sent < len);
}

void peer_call(struct peer *peer, int32_t stream_id, const char *method)
{
	char path[64];
	const struct peer_field fields[] = {
		{":method", "POST"},
		{":scheme", "http"},
		{":path", path},
		{":authority", "localhost"},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
		{NULL, NULL},
	};

	(void)snprintf(path, sizeof(path), "/berth.test.Echo/%s", method);
	peer_headers(peer, 0, stream_id, fields);
}

void peer_message(struct peer *peer, uint8_t flags, int32_t stream_id, const void *message,
		  size_t len)
{
	uint8_t data[FRAME_HEADER_SIZE + 1024];

	assert_true(len <= 1024);
	frame_header_encode(data, (uint32_t)len);
	memcpy(data + FRAME_HEADER_SIZE, message, len);
	peer_frame(peer, NGHTTP2_DATA, flags, stream_id, data, FRAME_HEADER_SIZE + len);
}

void peer_say(struct peer *peer, int32_t stream_id, const char *text, unsigned delay_ms)
{
	Berth__Test__SayRequest request = BERTH__TEST__SAY_REQUEST__INIT;
	uint8_t message[1024];

	request.text = (char *)text;
	request.delay_ms = delay_ms;
	peer_call(peer, stream_id, "Say");
	peer_message(peer, NGHTTP2_FLAG_END_STREAM, stream_id, message,
		     protobuf_c_message_pack(&request.base, message));
}

/* --- what comes back --- */

static void take_field(struct peer_stream *stream, const nghttp2_nv *field)
{
	const char *name = (const char *)field->name;
	const char *value = (const char *)field->value;

	if (strcmp(name, ":status") == 0)
		stream->http_status = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(name, "grpc-status") == 0)
		stream->grpc_status = (int)strtol(value, NULL, 10);
	else if (strcmp(name, "grpc-message") == 0)
		(void)snprintf(stream->message, sizeof(stream->message), "%s", value);
}

static void take_header_block(struct peer *peer, struct peer_stream *stream, const uint8_t *data,
			      size_t len)
{
	int flags = 0;

	while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		nghttp2_nv field;
		ssize_t used = nghttp2_hd_inflate_hd2(peer->inflater, &field, &flags, data, len, 1);

		assert_true(used >= 0);
		data += used;
		len -= (size_t)used;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			take_field(stream, &field);
	}
	nghttp2_hd_inflate_end_headers(peer->inflater);
}

static void take_settings(struct peer *peer, uint8_t flags, const uint8_t *data, size_t len)
{
	if (flags & NGHTTP2_FLAG_ACK)
		return;
	for (; len >= 6; data += 6, len -= 6)
		if (get_be16(data) == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
			peer->settings_max_streams = get_be32(data + 2);
	peer_frame(peer, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
}

static void take_frame(struct peer *peer, const uint8_t *head, const uint8_t *data, size_t len)
{
	uint32_t stream_id = get_be32(head + 5);
	struct peer_stream *stream = &peer->streams[stream_id / 2];

	assert_true(stream_id / 2 < PEER_STREAMS);
	switch (head[3]) {
	case NGHTTP2_SETTINGS:
		take_settings(peer, head[4], data, len);
		return;
	case NGHTTP2_GOAWAY:
		peer->has_goaway = true;
		return;
	case NGHTTP2_RST_STREAM:
		stream->is_reset = true;
		stream->reset_code = get_be32(data);
		return;
	case NGHTTP2_HEADERS:
		assert_true(head[4] & NGHTTP2_FLAG_END_HEADERS);
		take_header_block(peer, stream, data, len);
		break;
	case NGHTTP2_DATA:
		stream->data_len += len;
		break;
	default:
		return;
	}
	stream->has_ended |= head[4] & NGHTTP2_FLAG_END_STREAM;
}

static void take_frames(struct peer *peer)
{
	size_t at = 0;

	while (peer->in_len - at >= FRAME_HEAD) {
		const uint8_t *head = peer->in + at;
		size_t len = get_be32(head) >> 8;

		if (peer->in_len - at < FRAME_HEAD + len)
			break;
		take_frame(peer, head, head + FRAME_HEAD, len);
		at += FRAME_HEAD + len;
	}
	memmove(peer->in, peer->in + at, peer->in_len - at);
	peer->in_len -= at;
}

void peer_wait_until(struct peer *peer, bool (*is_done)(struct peer *peer, int32_t stream_id),
		     int32_t stream_id)
{
	uint64_t until_ms = clock_now_ms() + PEER_WAIT_MS;

	while (!peer->is_closed && !is_done(peer, stream_id)) {
		struct pollfd poll_fd = {.fd = peer->fd, .events = POLLIN};
		ssize_t len;

		if (poll(&poll_fd, 1, clock_poll_ms(until_ms)) == 0)
			fail_msg("the server said nothing for %d ms", PEER_WAIT_MS);
		len = recv(peer->fd, peer->in + peer->in_len, PEER_IN_BYTES - peer->in_len, 0);
		if (len <= 0) {
			peer->is_closed = true;
			return;
		}
		peer->in_len += (size_t)len;
		take_frames(peer);
	}
}

static bool stream_is_over(struct peer *peer, int32_t stream_id)
{
	const struct peer_stream *stream = &peer->streams[stream_id / 2];

	return stream->has_ended || stream->is_reset;
}

static bool never(struct peer *peer, int32_t stream_id)
{
	return false;
}

const struct peer_stream *peer_wait(struct peer *peer, int32_t stream_id)
{
	peer_wait_until(peer, stream_is_over, stream_id);
	return &peer->streams[stream_id / 2];
}

void peer_assert_status(struct peer *peer, int32_t stream_id, enum rpc_status status,
			const char *message)
{
	const struct peer_stream *stream = peer_wait(peer, stream_id);

	if (stream->grpc_status != (int)status || strcmp(stream->message, message) != 0)
		fail_msg("expected %d '%s', seen %d '%s', reset %d code %u, closed %d", (int)status,
			 message, stream->grpc_status, stream->message, stream->is_reset,
			 stream->reset_code, peer->is_closed);
}

void peer_wait_closed(struct peer *peer)
{
	peer_wait_until(peer, never, 0);
}
