/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP over a Unix socket: the only file that knows libmicrohttpd. */
#ifndef DOCKER_HTTP_H
#define DOCKER_HTTP_H

#include "docker/agent.h"

struct http;

/*
 * Serve the plugin on a listening socket until http_stop, with a thread for each connection.
 * `agent` must live as long; `listen_fd` stays the caller's.
 */
int http_start(int listen_fd, const struct agent *agent, struct http **out_http, struct error *err);

/*
 * Take no new connections, give the calls that are under way `grace_ms`, then cut them off: a
 * mount among them is undone, because dockerd will never hear of it. NULL is fine.
 */
void http_stop(struct http *http, unsigned grace_ms);

#endif
