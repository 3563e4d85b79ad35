/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See served.h. */
#include "tests/unit/rpc/served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct served *served_new(const struct rpc_server_settings *settings)
{
	struct rpc_server_settings filled = *settings;
	struct served *served = calloc(1, sizeof(*served));
	char address[80];
	struct error err;

	assert_non_null(served);
	strcpy(served->folder, "/tmp/berth-rpc-XXXXXX");
	assert_non_null(mkdtemp(served->folder));
	(void)snprintf(served->path, sizeof(served->path), "%s/api", served->folder);
	(void)snprintf(address, sizeof(address), "unix:%s", served->path);
	filled.methods = echo_methods;
	filled.method_count = ECHO_METHOD_COUNT;
	assert_int_equal(rpc_server_new(&filled, &served->server, &err), 0);
	assert_int_equal(rpc_server_listen(served->server, address, NULL, &err), 0);
	assert_int_equal(rpc_server_start(served->server, &err), 0);
	served->peer = peer_new(served->path);
	return served;
}

void served_assert_alive(struct served *served)
{
	struct peer *next = peer_new(served->path);

	peer_greet(next);
	peer_say(next, 1, "still there?", 0);
	peer_assert_status(next, 1, RPC_OK, "");
	peer_free(next);
}

void served_discard(struct served *served)
{
	peer_free(served->peer);
	assert_int_equal(rmdir(served->folder), 0); /* so the socket is gone */
	free(served);
}

void served_free(struct served *served)
{
	served_assert_alive(served);
	rpc_server_stop(served->server, 1000);
	served_discard(served);
}
