/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket on which dockerd finds us: made here, or handed down by the service manager. */
#ifndef DOCKER_DRIVER_SOCKET_H
#define DOCKER_DRIVER_SOCKET_H

#include <stdbool.h>

#include "base/error.h"

struct driver_socket {
	int fd;
	const char *path; /* the socket's, if we made it; else NULL */
};

/*
 * Take the socket of the service manager if there is one (LISTEN_FDS, sd_listen_fds(3)), else
 * make one at `path`, mode 0600, with the folder above it. What a dead plugin left is replaced;
 * where somebody still listens it is -EADDRINUSE. `path` must live as long as the struct.
 */
int driver_socket_open(struct driver_socket *driver_socket, const char *path, struct error *err);

/* Nobody finds the socket from here on; connections that wait in it can still be accepted. */
void driver_socket_hide(struct driver_socket *driver_socket);
void driver_socket_close(struct driver_socket *driver_socket);

#endif
