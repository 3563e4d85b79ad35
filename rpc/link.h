/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A socket with an HTTP/2 connection on it: the one place where gRPC bytes are read and written,
 * for client and server. (TLS will go in here and nowhere else.) Never blocks; its user polls.
 */
#ifndef RPC_LINK_H
#define RPC_LINK_H

#include "rpc/http2.h"

#define LINK_BUFFER_SIZE 32768

struct link {
	int fd;
	struct http2 *http2;
	const uint8_t *rest; /* of nghttp2's last output, not yet in the buffer */
	size_t rest_len;
	size_t out_start, out_end; /* what is still to be written, in `buffer` */
	uint8_t *buffer;
};

/* Takes the descriptor, also when it fails. -ENOMEM. */
int link_init(struct link *link, int fd, bool is_server, const struct http2_ops *ops, void *owner);
void link_fini(struct link *link);

/*
 * Read what is there, up to a fair share. 0, -ECONNRESET at the end of the stream, -EPROTO for
 * what is not HTTP/2, or another errno: the connection is done for then.
 */
int link_read(struct link *link);

/* Write until all is written or the socket is full. 0 or a negative errno as above. */
int link_write(struct link *link);

/* True if the socket took less than we had: poll for POLLOUT. */
bool link_is_blocked(const struct link *link);

#endif
