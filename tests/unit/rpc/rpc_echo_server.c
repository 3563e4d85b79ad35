/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The echo service as a program: rpc_echo_server [-c CALLS] [-n CONNECTIONS] [-s STREAMS]
 * ADDRESS... prints "listening ADDRESS" for each, serves until SIGTERM or SIGINT, and stops
 * with a grace of two seconds.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/rpc/rpc_echo.h"

static int fail(const struct error *err)
{
	(void)fprintf(stderr, "rpc_echo_server: %s\n", err->text);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct rpc_server_settings settings = {
		.methods = echo_methods,
		.method_count = ECHO_METHOD_COUNT,
	};
	struct rpc_server *server;
	struct error err;
	sigset_t signals;
	int option, signal;

	while ((option = getopt(argc, argv, "c:n:s:")) != -1) {
		unsigned value = (unsigned)strtoul(optarg, NULL, 10);

		if (option == 'c')
			settings.call_max = value;
		else if (option == 'n')
			settings.connection_max = value;
		else if (option == 's')
			settings.stream_max = value;
		else
			return 2;
	}
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL); /* valid arguments */
	if (rpc_server_new(&settings, &server, &err) < 0)
		return fail(&err);
	for (int i = optind; i < argc; i++) {
		char bound[RPC_ADDRESS_SIZE];

		if (rpc_server_listen(server, argv[i], bound, &err) < 0) {
			rpc_server_stop(server, 0);
			return fail(&err);
		}
		(void)printf("listening %s\n", bound);
	}
	if (rpc_server_start(server, &err) < 0)
		return fail(&err);
	(void)fflush(stdout);
	(void)sigwait(&signals, &signal);
	rpc_server_stop(server, 2000);
	return EXIT_SUCCESS;
}
