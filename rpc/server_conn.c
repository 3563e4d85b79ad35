/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection of the server, on the I/O thread. While the socket is full nothing is read
 * from it: a peer that never reads can make us hold one buffer and the answers of its open
 * streams, and is cut off after the settings' stall_ms.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "rpc/server_private.h"

int conn_new(struct rpc_server *server, int fd)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	int ret;

	if (!conn) {
		(void)close(fd); /* nothing was written */
		return -ENOMEM;
	}
	ret = link_init(&conn->link, fd, true, &request_ops, conn);
	if (ret < 0) {
		free(conn);
		return ret;
	}
	conn->server = server;
	conn->idle_since_ms = clock_now_ms();
	conn->greet_by_ms = conn->idle_since_ms + server->settings.greeting_ms;
	conn->write_by_ms = CLOCK_NEVER;
	list_init(&conn->calls);
	list_append(&server->conns, &conn->node);
	server->conn_count++;
	server_check_by(server, conn->greet_by_ms);
	conn_write(conn); /* our SETTINGS */
	return 0;
}

void conn_free(struct conn *conn)
{
	list_for_each_safe (&conn->calls, call, struct rpc_call, in_conn)
		call_detach(call);
	list_remove(&conn->node);
	conn->server->conn_count--;
	link_fini(&conn->link);
	free(conn);
}

void conn_read(struct conn *conn)
{
	if (link_read(&conn->link) < 0)
		conn->is_dead = true;
	if (http2_has_greeted(conn->link.http2))
		conn->greet_by_ms = CLOCK_NEVER;
}

void conn_write(struct conn *conn)
{
	size_t start_before = conn->link.out_start;
	int ret;

	if (conn->is_dead)
		return;
	ret = link_write(&conn->link);
	if (ret < 0) {
		conn->is_dead = true;
		return;
	}
	if (!link_is_blocked(&conn->link)) {
		conn->is_dead = http2_is_finished(conn->link.http2);
		conn->write_by_ms = CLOCK_NEVER;
	} else if (conn->write_by_ms == CLOCK_NEVER || conn->link.out_start != start_before) {
		conn->write_by_ms = clock_now_ms() + conn->server->settings.stall_ms;
		server_check_by(conn->server, conn->write_by_ms);
	}
}

void conn_check_times(struct conn *conn, uint64_t now_ms)
{
	if (now_ms >= conn->greet_by_ms || now_ms >= conn->write_by_ms)
		conn->is_dead = true;
	server_check_by(conn->server, conn->greet_by_ms);
	server_check_by(conn->server, conn->write_by_ms);
}
