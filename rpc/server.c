/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life of the server: see server.h, and server_private.h for how it is split. */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rpc/server_private.h"

static void settings_fill(struct rpc_server_settings *settings)
{
	static const struct rpc_server_settings defaults = {
		.worker_count = 8,
		.call_max = 1024,
		.stream_max = 64,
		.connection_max = 256,
		.greeting_ms = 10000,
		.request_ms = 30000,
		.stall_ms = 30000,
		.request_bytes_max = 64u << 20,
	};

#define FILL(member) settings->member = settings->member ? settings->member : defaults.member
	FILL(worker_count);
	FILL(call_max);
	FILL(stream_max);
	FILL(connection_max);
	FILL(greeting_ms);
	FILL(request_ms);
	FILL(stall_ms);
	FILL(request_bytes_max);
#undef FILL
}

static void server_free(struct rpc_server *server)
{
	if (server->wake_fd >= 0)
		(void)close(server->wake_fd); /* an eventfd */
	pthread_mutex_destroy(&server->lock);
	free(server->poll_conns);
	free(server->poll_fds);
	free(server);
}

int rpc_server_new(const struct rpc_server_settings *settings, struct rpc_server **out_server,
		   struct error *err)
{
	struct rpc_server *server = calloc(1, sizeof(*server));
	int ret;

	if (!server)
		return error_set(err, -ENOMEM, "out of memory for a server");
	server->settings = *settings;
	settings_fill(&server->settings);
	list_init(&server->conns);
	list_init(&server->calls);
	list_init(&server->ready);
	server->next_check_ms = CLOCK_NEVER;
	pthread_mutex_init(&server->lock, NULL);
	server->poll_size = 1 + SERVER_LISTENER_MAX + server->settings.connection_max;
	server->poll_fds = calloc(server->poll_size, sizeof(struct pollfd));
	server->poll_conns = calloc(server->poll_size, sizeof(struct conn *));
	server->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (server->wake_fd < 0 || !server->poll_fds || !server->poll_conns) {
		ret = server->wake_fd < 0 ? -errno : -ENOMEM;
		server_free(server);
		return error_set(err, ret, "cannot make a server: %s", strerror(-ret));
	}
	*out_server = server;
	return 0;
}

int rpc_server_listen(struct rpc_server *server, const char *address, char *out_address,
		      struct error *err)
{
	struct listener *listener = &server->listeners[server->listener_count];
	char text[ADDRESS_TEXT_SIZE];
	int ret;

	if (server->is_started || server->listener_count == SERVER_LISTENER_MAX)
		return error_set(err, -EINVAL,
				 "cannot listen on '%s': a server takes %d addresses before it "
				 "starts",
				 address, SERVER_LISTENER_MAX);
	ret = listener_open(address, listener, err);
	if (ret < 0)
		return ret;
	server->listener_count++;
	if (out_address)
		(void)snprintf(out_address, RPC_ADDRESS_SIZE, "%s",
			       address_format(&listener->address, text)); /* as bound: it fits */
	return 0;
}

int rpc_server_start(struct rpc_server *server, struct error *err)
{
	int ret = workers_new(server->settings.worker_count, &server->workers);

	if (ret == 0)
		ret = thread_start(&server->io_thread, server_io_run, server);
	if (ret < 0)
		return error_set(err, ret, "cannot start the server's threads: %s", strerror(-ret));
	server->is_started = true;
	return 0;
}

void rpc_server_stop(struct rpc_server *server, unsigned grace_ms)
{
	if (!server)
		return;
	if (server->is_started) {
		pthread_mutex_lock(&server->lock);
		server->is_stopping = true;
		server->stop_by_ms = clock_now_ms() + grace_ms;
		pthread_mutex_unlock(&server->lock);
		server_wake(server);
		pthread_join(server->io_thread, NULL);
	}
	workers_free(server->workers);
	for (unsigned i = 0; i < server->listener_count; i++)
		listener_close(&server->listeners[i]);
	server_free(server);
}
