/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node that has nothing but two volumes to list, at the address it is given: berth.v1.Node as
 * any client sees it, without a store. Serves until SIGTERM.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpc/message.h"
#include "rpc/node.pb-c.h"
#include "rpc/server.h"

static int list_volumes(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
			ProtobufCMessage *answer, struct error *err)
{
	Berth__V1__ListVolumesReply *reply = (Berth__V1__ListVolumesReply *)answer;
	static const char *const names[] = {"db", "logs"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		Berth__V1__Volume *volume = rpc_add_message(&reply->n_volumes, &reply->volumes,
							    &berth__v1__volume__descriptor);

		if (!volume || rpc_set_string(&volume->name, names[i]) < 0 ||
		    rpc_set_string(&volume->pool, "fast") < 0 ||
		    rpc_set_text(&volume->target_name, "iqn.2026-11.dev.berth:n:%s", names[i]) < 0)
			return error_set(err, -ENOMEM, "out of memory for the list");
		volume->size = (i + 1) << 30;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct rpc_method method = {
		.path = "/berth.v1.Node/ListVolumes",
		.request = &berth__v1__list_volumes_request__descriptor,
		.reply = &berth__v1__list_volumes_reply__descriptor,
		.handle = list_volumes,
	};
	struct rpc_server_settings settings = {.methods = &method, .method_count = 1};
	struct rpc_server *server;
	struct error err;
	sigset_t signals;
	int signal;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL); /* valid arguments */
	if (argc != 2 || rpc_server_new(&settings, &server, &err) < 0)
		return 2;
	if (rpc_server_listen(server, argv[1], NULL, &err) < 0 ||
	    rpc_server_start(server, &err) < 0) {
		(void)fprintf(stderr, "rpc_volumes_server: %s\n", err.text);
		rpc_server_stop(server, 0);
		return EXIT_FAILURE;
	}
	(void)printf("listening %s\n", argv[1]);
	(void)fflush(stdout);
	(void)sigwait(&signals, &signal);
	rpc_server_stop(server, 1000);
	return EXIT_SUCCESS;
}
