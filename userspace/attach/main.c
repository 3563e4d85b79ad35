/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * berth-attach: one volume, served as the file DIR/volume in a process of its own, which the
 * agent starts, and which lives on when the agent does not. Exit status: 0 after an orderly
 * stop, 1 when something failed, 2 for a wrong command line.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach/harden.h"
#include "attach/options.h"
#include "attach/server.h"
#include "base/log.h"

/* "ready", or "error: SENTENCE"; the descriptor ends then. */
static void ready_tell(const struct options *options, const struct error *err)
{
	char line[sizeof(err->text) + 16];
	int len;

	if (options->ready_fd < 0)
		return;
	len = err ? snprintf(line, sizeof(line), "error: %s\n", err->text)
		  : snprintf(line, sizeof(line), "ready\n");
	/* Who waits there may have gone; the volume is served all the same. */
	(void)!write(options->ready_fd, line, (size_t)len);
	close(options->ready_fd);
}

static int fail(const struct options *options, const struct error *err, int status)
{
	log_error("%s", err->text);
	ready_tell(options, err);
	return status;
}

int main(int argc, char **argv)
{
	static struct options options;
	static struct server server;
	struct error err = {0};
	int ret;

	log_init("berth-attach", LOG_LEVEL_INFO);
	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for this signal */
	ret = options_load(&options, argc, argv, &err);
	if (ret > 0)
		return 0;
	if (ret < 0)
		return fail(&options, &err, 2);
	if (secrets_read(options.secrets_fd, &options.login, &err) < 0)
		return fail(&options, &err, 2);
	harden_process();
	ret = server_start(&server, &options, &err);
	if (ret < 0) {
		server_fini(&server);
		return fail(&options, &err, 1);
	}
	log_info("serving file=%s/volume target=%s", options.mountpoint, options.login.target_name);
	ready_tell(&options, NULL);
	ret = server_run(&server);
	server_fini(&server);
	return ret < 0 ? 1 : 0;
}
