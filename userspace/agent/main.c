/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * berth-agent: attaches volumes to this host. This file starts and stops it; the methods are in
 * service_*.c, the steps of an attachment in step_*.c and attachment_*.c, what the agent does by
 * itself in keeper.c.
 *
 * Stopping the agent touches no mount: containers keep what they have, and the next agent finds
 * it. With `--helper` first, the program is one of the agent's own children (helper.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/helper.h"
#include "agent/initiator_name.h"
#include "agent/keeper.h"
#include "agent/service.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "rpc/server.h"

#define EXIT_USAGE    2
#define WORKERS	      32
#define GRACE_MS      5000
#define BOOT_ID_FILE  "/proc/sys/kernel/random/boot_id"
#define PROGRAM_PATHS "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Two agents on one folder would undo each other's work. */
static int state_lock(const struct settings *settings, int *out_fd, struct error *err)
{
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/lock", settings->state);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd); /* nothing was written */
		return error_set(err, -EBUSY, "another agent works on '%s'", settings->state);
	}
	*out_fd = fd;
	return 0;
}

static int boot_id_read(char *out_id, struct error *err)
{
	char *text;
	size_t len;
	struct uuid uuid;
	int ret = file_read(BOOT_ID_FILE, 4096, &text, &len, err);

	if (ret < 0)
		return ret;
	text[strcspn(text, "\n")] = '\0';
	ret = uuid_parse(text, &uuid);
	free(text);
	if (ret < 0)
		return error_set(err, -EIO, "'%s' holds no UUID", BOOT_ID_FILE);
	uuid_format(&uuid, out_id);
	return 0;
}

static int agent_open(struct agent *agent, struct error *err)
{
	struct settings *settings = &agent->settings;
	char folder[PATH_MAX];
	int ret;

	instances_init(&agent->instances);
	ret = boot_id_read(agent->boot_id, err);
	if (ret == 0)
		ret = initiator_name_find(INITIATOR_NAME_FILE, settings->state, settings->initiator,
					  sizeof(settings->initiator), err);
	if (ret < 0)
		return ret;
	(void)snprintf(folder, sizeof(folder), "%s/volumes", settings->state);
	ret = volumes_open(folder, &agent->volumes, err);
	if (ret < 0)
		return ret;
	ret = keeper_recover(agent, err);
	if (ret == 0)
		ret = keeper_start(agent, &agent->keeper, err);
	if (ret < 0)
		volumes_close(agent->volumes);
	return ret;
}

/* The folder of the socket, which is the only thing an agent on a fresh host may be missing. */
static int api_folder_make(const char *api, struct error *err)
{
	char path[RECORD_TEXT_SIZE];
	char *slash;

	if (strncmp(api, "unix:", 5) != 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s", api + 5);
	slash = strrchr(path, '/');
	if (!slash || slash == path)
		return 0;
	*slash = '\0';
	return file_make_folder(path, 0755, err);
}

static int api_start(struct agent *agent, struct rpc_server **out_server, struct error *err)
{
	const struct rpc_server_settings settings = {
		.methods = service_methods,
		.method_count = service_method_count,
		.owner = agent,
		.worker_count = WORKERS,
	};
	struct rpc_server *server;
	int ret = rpc_server_new(&settings, &server, err);

	if (ret < 0)
		return ret;
	ret = api_folder_make(agent->settings.api, err);
	if (ret == 0)
		ret = rpc_server_listen(server, agent->settings.api, NULL, err);
	if (ret == 0)
		ret = rpc_server_start(server, err);
	if (ret < 0) {
		rpc_server_stop(server, 0);
		return ret;
	}
	*out_server = server;
	return 0;
}

static int agent_serve(struct agent *agent, const sigset_t *signals, struct error *err)
{
	struct rpc_server *server;
	int received;
	int ret = agent_open(agent, err);

	if (ret < 0)
		return ret;
	ret = api_start(agent, &server, err);
	if (ret == 0) {
		notify_manager("READY=1");
		log_info("ready api=%s initiator=%s", agent->settings.api,
			 agent->settings.initiator);
		(void)sigwait(signals, &received);
		log_info("stopping signal=%s", strsignal(received));
		notify_manager("STOPPING=1");
		rpc_server_stop(server, GRACE_MS);
	}
	keeper_stop(agent->keeper);
	volumes_close(agent->volumes);
	return ret;
}

int main(int argc, char **argv)
{
	static struct agent agent;
	struct error err = {0};
	sigset_t signals;
	int lock_fd = -1;
	int ret;

	if (argc > 2 && strcmp(argv[1], HELPER_FLAG) == 0)
		return helper_main(argc - 2, argv + 2);
	ret = settings_load(&agent.settings, argc, argv, &err);
	if (ret == 1)
		return EXIT_SUCCESS;
	if (ret < 0) {
		(void)fprintf(stderr, "berth-agent: %s\n", err.text);
		return EXIT_USAGE;
	}
	log_init("berth-agent", agent.settings.log_level);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	/* Inherited by every thread; sigwait takes them. */
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Programs are found, and speak, the same way wherever the agent was started from. */
	(void)setenv("PATH", PROGRAM_PATHS, 1);
	(void)setenv("LC_ALL", "C", 1);
	ret = state_lock(&agent.settings, &lock_fd, &err);
	if (ret == 0) {
		ret = agent_serve(&agent, &signals, &err);
		(void)close(lock_fd); /* nothing was written */
	}
	if (ret < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
