/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth-node: the storage node's daemon, and the commands that look at its pools. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "node/api.h"
#include "node/node.h"
#include "node/tool.h"

#define API_GRACE_MS 2000

#define EXIT_USAGE 2

/* Two nodes on one state folder would let in and withdraw behind each other's back. */
static int state_lock(const struct node_settings *settings, int *out_fd, struct error *err)
{
	char path[PATH_MAX];
	int ret = file_make_folder(settings->state_folder, 0700, err);
	int fd;

	if (ret < 0)
		return ret;
	(void)snprintf(path, sizeof(path), "%s/lock", settings->state_folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd);
		return error_set(err, -EBUSY,
				 "another berth-node runs on '%s'; give this one another --state",
				 settings->state_folder);
	}
	*out_fd = fd;
	return 0;
}

static int node_serve(struct node *node, const sigset_t *signals, struct error *err)
{
	struct rpc_server *server;
	int received;
	int ret = node_start(node, err);

	if (ret < 0)
		return ret;
	ret = api_start(node, &server, err);
	if (ret < 0) {
		node_stop(node);
		return ret;
	}
	notify_manager("READY=1");
	log_info("ready name=%s version=%s", node->settings.name, BERTH_VERSION);
	(void)sigwait(signals, &received);
	log_info("stopping signal=%s", strsignal(received));
	notify_manager("STOPPING=1");
	rpc_server_stop(server, API_GRACE_MS);
	node_stop(node);
	log_info("stopped");
	return 0;
}

int main(int argc, char **argv)
{
	static struct node node;
	struct error err = {0};
	sigset_t signals;
	int lock_fd = -1;
	int status;
	int ret;

	if (tool_main(argc, argv, &status))
		return status;
	ret = node_settings_load(&node.settings, argc, argv, &err);
	if (ret == 1)
		return EXIT_SUCCESS;
	if (ret < 0) {
		fprintf(stderr, "berth-node: %s\n", err.text);
		return EXIT_USAGE;
	}
	log_init("berth-node", node.settings.log_level);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals,
			NULL); /* inherited by every thread; sigwait takes them */
	(void)signal(SIGPIPE, SIG_IGN);
	ret = state_lock(&node.settings, &lock_fd, &err);
	if (ret == 0) {
		ret = node_serve(&node, &signals, &err);
		(void)close(lock_fd);
	}
	if (ret < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
