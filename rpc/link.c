/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See link.h. Small frames are gathered in the buffer, so that a turn costs one system call. */
#include "rpc/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"

#define LINK_READ_SIZE 16384
#define LINK_READS_MAX 8 /* a turn: others wait */

int link_init(struct link *link, int fd, bool is_server, const struct http2_ops *ops, void *owner)
{
	*link = (struct link){.fd = fd, .buffer = malloc(LINK_BUFFER_SIZE)};
	if (link->buffer && http2_new(is_server, ops, owner, &link->http2) == 0)
		return 0;
	link_fini(link);
	return -ENOMEM;
}

void link_fini(struct link *link)
{
	http2_free(link->http2);
	free(link->buffer);
	if (link->fd >= 0)
		(void)close(link->fd); /* what the peer has not got by now is lost anyway */
	*link = (struct link){.fd = -1};
}

int link_read(struct link *link)
{
	uint8_t data[LINK_READ_SIZE];

	for (unsigned i = 0; i < LINK_READS_MAX; i++) {
		ssize_t len = recv(link->fd, data, sizeof(data), 0);
		int ret;

		if (len == 0)
			return -ECONNRESET;
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? 0 : -errno;
		ret = http2_receive(link->http2, data, (size_t)len);
		if (ret < 0)
			return ret;
		if ((size_t)len < sizeof(data))
			break;
	}
	return 0;
}

static int link_fill(struct link *link)
{
	while (link->out_end < LINK_BUFFER_SIZE) {
		size_t part;

		if (link->rest_len == 0) {
			ssize_t len = http2_output(link->http2, &link->rest);

			if (len <= 0)
				return (int)len;
			link->rest_len = (size_t)len;
		}
		part = MIN(link->rest_len, LINK_BUFFER_SIZE - link->out_end);
		memcpy(link->buffer + link->out_end, link->rest, part);
		link->out_end += part;
		link->rest += part;
		link->rest_len -= part;
	}
	return 0;
}

int link_write(struct link *link)
{
	for (;;) {
		int ret = link_fill(link);
		ssize_t len;

		if (ret < 0)
			return ret;
		if (link->out_start == link->out_end)
			return 0;
		len = send(link->fd, link->buffer + link->out_start,
			   link->out_end - link->out_start, MSG_NOSIGNAL);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? 0 : -errno;
		link->out_start += (size_t)len;
		if (link->out_start == link->out_end)
			link->out_start = link->out_end = 0;
	}
}

bool link_is_blocked(const struct link *link)
{
	return link->out_start < link->out_end;
}
