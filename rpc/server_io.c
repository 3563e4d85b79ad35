/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O thread: one poll(2) for listeners, connections and the eventfd by which workers say
 * that an answer is ready. A turn reads, takes back calls, looks at the time, writes, frees what
 * died, and accepts; while it reads nothing is freed.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rpc/server_private.h"

#define ACCEPTS_MAX	16  /* a turn */
#define ACCEPT_PAUSE_MS 100 /* when descriptors or memory are short */
#define IDLE_MIN_MS	1000

void server_wake(struct rpc_server *server)
{
	(void)eventfd_write(server->wake_fd, 1); /* fails only when a wake-up is pending anyway */
}

void server_check_by(struct rpc_server *server, uint64_t time_ms)
{
	server->next_check_ms = MIN(server->next_check_ms, time_ms);
}

/* --- connections come --- */

/* End the connection that has been without a call for longest; false if there is none. */
static bool server_evict(struct rpc_server *server, uint64_t now_ms)
{
	struct conn *idlest = NULL;

	list_for_each (&server->conns, conn, struct conn, node)
		if (list_is_empty(&conn->calls) && conn->idle_since_ms + IDLE_MIN_MS <= now_ms &&
		    (!idlest || conn->idle_since_ms < idlest->idle_since_ms))
			idlest = conn;
	if (!idlest)
		return false;
	http2_goaway(idlest->link.http2, HTTP2_NO_ERROR);
	conn_write(idlest);
	conn_free(idlest);
	return true;
}

static void server_accept(struct rpc_server *server, struct listener *listener)
{
	uint64_t now_ms = clock_now_ms();

	for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
		int fd = listener_accept(listener);

		if (fd == -EAGAIN)
			return;
		if (fd < 0 && fd != -ECONNABORTED && fd != -EINTR) {
			server->accept_after_ms = now_ms + ACCEPT_PAUSE_MS;
			server_check_by(server, server->accept_after_ms);
			return;
		}
		if (fd < 0)
			continue;
		if (server->conn_count < server->settings.connection_max ||
		    server_evict(server, now_ms))
			(void)conn_new(server, fd); /* without memory it is closed */
		else
			(void)close(fd); /* refused: nothing was written */
	}
}

/* --- a turn --- */

static void poll_add(struct rpc_server *server, int fd, short events, struct conn *conn)
{
	assert(server->poll_count < server->poll_size);
	server->poll_fds[server->poll_count] = (struct pollfd){.fd = fd, .events = events};
	server->poll_conns[server->poll_count++] = conn;
}

/* First the wake-up, then the listeners, then the connections. */
static void poll_fill(struct rpc_server *server)
{
	bool can_accept = clock_now_ms() >= server->accept_after_ms;

	server->poll_count = 0;
	poll_add(server, server->wake_fd, POLLIN, NULL);
	for (unsigned i = 0; i < server->listener_count; i++)
		poll_add(server, server->listeners[i].fd, can_accept ? POLLIN : 0, NULL);
	list_for_each (&server->conns, conn, struct conn, node)
		poll_add(server, conn->link.fd, link_is_blocked(&conn->link) ? POLLOUT : POLLIN,
			 conn);
}

static void server_move_bytes(struct rpc_server *server)
{
	eventfd_t ignored;

	if (server->poll_fds[0].revents)
		(void)eventfd_read(server->wake_fd, &ignored); /* only resets it */
	for (size_t i = 1 + server->listener_count; i < server->poll_count; i++) {
		struct conn *conn = server->poll_conns[i];

		if (server->poll_fds[i].revents && server->poll_fds[i].events & POLLOUT)
			conn_write(conn);
		else if (server->poll_fds[i].revents)
			conn_read(conn);
	}
}

/* Last, when those that have hung up are gone and have made room. */
static void server_take_new(struct rpc_server *server)
{
	for (unsigned i = 0; i < server->listener_count; i++)
		if (server->poll_fds[1 + i].revents)
			server_accept(server, &server->listeners[i]);
}

static void server_take_ready(struct rpc_server *server)
{
	for (;;) {
		struct list_node *node;

		pthread_mutex_lock(&server->lock);
		node = list_take_first(&server->ready);
		pthread_mutex_unlock(&server->lock);
		if (!node)
			return;
		call_take_back(list_entry(node, struct rpc_call, in_ready));
	}
}

static void server_check_times(struct rpc_server *server)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms < server->next_check_ms)
		return;
	server->next_check_ms = CLOCK_NEVER;
	list_for_each (&server->conns, conn, struct conn, node)
		conn_check_times(conn, now_ms);
	list_for_each (&server->calls, call, struct rpc_call, in_server)
		call_check_times(call, now_ms);
	if (server->accept_after_ms > now_ms)
		server_check_by(server, server->accept_after_ms);
}

static void server_write(struct rpc_server *server)
{
	list_for_each_safe (&server->conns, conn, struct conn, node) {
		if (!conn->is_dead && !link_is_blocked(&conn->link))
			conn_write(conn);
		if (conn->is_dead)
			conn_free(conn);
	}
}

/* --- the end --- */

static void server_say_goaway(struct rpc_server *server)
{
	server->has_said_goaway = true;
	for (unsigned i = 0; i < server->listener_count; i++)
		listener_close(&server->listeners[i]);
	server->listener_count = 0;
	list_for_each (&server->conns, conn, struct conn, node)
		http2_goaway(conn->link.http2, HTTP2_NO_ERROR);
	list_for_each (&server->calls, call, struct rpc_call, in_server)
		if (call->is_alone)
			call_cancel(call, -ESHUTDOWN, "the server is stopping");
}

static void server_cancel_all(struct rpc_server *server)
{
	server->has_cancelled = true;
	list_for_each (&server->calls, call, struct rpc_call, in_server)
		call_cancel(call, -ESHUTDOWN, "the server is stopping");
	server_write(server);
	list_for_each_safe (&server->conns, conn, struct conn, node)
		conn_free(conn);
}

/* Takes the steps of stopping that are due; true when nothing is left. */
static bool server_is_done(struct rpc_server *server)
{
	uint64_t stop_by_ms;
	bool is_stopping;

	pthread_mutex_lock(&server->lock);
	is_stopping = server->is_stopping;
	stop_by_ms = server->stop_by_ms;
	pthread_mutex_unlock(&server->lock);
	if (!is_stopping)
		return false;
	if (!server->has_said_goaway) {
		server_say_goaway(server);
		server_write(server);
	}
	if (!server->has_cancelled && clock_now_ms() >= stop_by_ms)
		server_cancel_all(server);
	if (!server->has_cancelled)
		server_check_by(server, stop_by_ms);
	return list_is_empty(&server->conns) && list_is_empty(&server->calls);
}

void *server_io_run(void *argument)
{
	struct rpc_server *server = argument;

	while (!server_is_done(server)) {
		int timeout_ms = clock_poll_ms(server->next_check_ms);

		poll_fill(server);
		if (poll(server->poll_fds, server->poll_count, timeout_ms) < 0)
			continue; /* no descriptor was looked at */
		server_move_bytes(server);
		server_take_ready(server);
		server_check_times(server);
		server_write(server);
		server_take_new(server);
	}
	return NULL;
}
