/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets from addresses: listening and connected, all non-blocking and close-on-exec. */
#ifndef RPC_SOCKET_H
#define RPC_SOCKET_H

#include <stdint.h>
#include <sys/types.h>

#include "rpc/address.h"

struct listener {
	int fd;
	struct address address; /* as bound: numeric host, the port that was picked */
	dev_t dev;		/* of a Unix socket's file, so that we remove only our own */
	ino_t ino;
};

/*
 * A Unix socket gets mode 0600 before anyone can see it. A socket file that nobody listens on
 * is replaced; one with a live server is -EADDRINUSE, any other file -EEXIST.
 */
int listener_open(const char *address, struct listener *out_listener, struct error *err);
void listener_close(struct listener *listener);

/* A new connection's descriptor, or a negative errno (-EAGAIN: none waits). */
int listener_accept(struct listener *listener);

/*
 * Connect, trying each address that a name resolves to, until `until_ms` (CLOCK_MONOTONIC;
 * resolving the name itself is not bounded). -ETIMEDOUT, -ECONNREFUSED (also for a Unix socket
 * that is not there) and others, with a sentence.
 */
int socket_connect(const struct address *address, uint64_t until_ms, int *out_fd,
		   struct error *err);

#endif
