/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server of the echo service in this process, and a peer connected to it. */
#ifndef TESTS_RPC_SERVED_H
#define TESTS_RPC_SERVED_H

#include "tests/unit/rpc/peer.h"
#include "tests/unit/rpc/rpc_echo.h"

struct served {
	struct rpc_server *server;
	struct peer *peer;
	char folder[32];
	char path[64];
};

/* The methods are filled in. */
struct served *served_new(const struct rpc_server_settings *settings);

/* The peer may have done anything: the next caller is served all the same, and the server ends. */
void served_free(struct served *served);

/* The same when the test has stopped the server itself. */
void served_discard(struct served *served);

/* A new caller gets its answer. */
void served_assert_alive(struct served *served);

#endif
