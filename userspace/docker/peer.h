/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of a Unix socket, and whether it is still there. */
#ifndef DOCKER_PEER_H
#define DOCKER_PEER_H

#include <stdbool.h>

#include "base/error.h"

#define PEER_INSTANCE_SIZE 96

/*
 * Name the process that connected, so that dockerd after a restart has another name: "docker:" and
 * boot, pid and start time of the process. Into buf of PEER_INSTANCE_SIZE. A process that is gone
 * already, or lives outside our view of /proc, is -ESRCH.
 */
int peer_instance(int fd, char *buf, struct error *err);

/* True if the peer closed its end: nobody will read what is sent. */
bool peer_is_gone(int fd);

#endif
