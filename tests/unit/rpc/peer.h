/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer of the server that can do everything wrong: HTTP/2 frames by hand on a socket, and
 * what comes back. Fails the test where the socket does; what the server does is reported.
 */
#ifndef TESTS_RPC_PEER_H
#define TESTS_RPC_PEER_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rpc/call.h"

#define PEER_WAIT_MS  20000
#define PEER_STREAMS  1024
#define PEER_IN_BYTES 65536

/* What came back on a stream. */
struct peer_stream {
	unsigned http_status;
	int grpc_status; /* -1 until it came */
	char message[1024];
	size_t data_len;
	bool has_ended; /* END_STREAM */
	bool is_reset;
	uint32_t reset_code;
};

struct peer {
	int fd;
	nghttp2_hd_inflater *inflater;
	struct peer_stream streams[PEER_STREAMS]; /* by identifier / 2 */
	bool is_closed;				  /* by the server */
	bool has_goaway;
	unsigned settings_max_streams;
	uint8_t in[PEER_IN_BYTES];
	size_t in_len;
};

struct peer_field {
	const char *name;
	const char *value;
};

/* `path` of a Unix socket. Connects and sends nothing. */
struct peer *peer_new(const char *path);
void peer_free(struct peer *peer);

/* Send bytes as they are; what the server does not take because it has hung up is lost. */
void peer_send(struct peer *peer, const void *data, size_t len);

/* The preface and empty SETTINGS. */
void peer_greet(struct peer *peer);

void peer_frame(struct peer *peer, uint8_t type, uint8_t flags, int32_t stream_id, const void *data,
		size_t len);

/* HEADERS with these fields, as literals; ends with a field without name. */
void peer_headers(struct peer *peer, uint8_t flags, int32_t stream_id,
		  const struct peer_field *fields);

/* HEADERS of a good call of Echo's `method`. */
void peer_call(struct peer *peer, int32_t stream_id, const char *method);

/* DATA with one message in a frame of gRPC. */
void peer_message(struct peer *peer, uint8_t flags, int32_t stream_id, const void *message,
		  size_t len);

/* A whole good Say of a text, answered after `delay_ms`. */
void peer_say(struct peer *peer, int32_t stream_id, const char *text, unsigned delay_ms);

/* Read until the stream has ended or was reset, or the connection is closed. */
const struct peer_stream *peer_wait(struct peer *peer, int32_t stream_id);
void peer_assert_status(struct peer *peer, int32_t stream_id, enum rpc_status status,
			const char *message);
void peer_wait_closed(struct peer *peer);

/* The same in general: until `is_done`; fails the test after PEER_WAIT_MS. */
void peer_wait_until(struct peer *peer, bool (*is_done)(struct peer *peer, int32_t stream_id),
		     int32_t stream_id);

#endif
