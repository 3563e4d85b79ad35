/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/server.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/child.h"
#include "agent/clock.h"
#include "base/cleanup.h"
#include "base/log.h"

#define PROGRAM_NAME "berth-attach"
#define COMMAND_MAX  8192
#define TERM_WAIT_MS 10000
#define KILL_WAIT_MS 2000
#define READY_FD     3
#define READY_WORD   "ready"

/* True if the arguments hold `flag` followed by `value`. */
static bool command_has(const char *command, size_t len, const char *flag, const char *value)
{
	const char *end = command + len;

	for (const char *at = command; at < end; at += strlen(at) + 1) {
		const char *next = at + strlen(at) + 1;

		if (strcmp(at, flag) == 0 && next < end && strcmp(next, value) == 0)
			return true;
	}
	return false;
}

/* Ours only if it runs as us: anybody could give a process of theirs such a command line. */
static bool is_server(const char *pid, const char *uuid, const char *folder)
{
	char path[64];
	char command[COMMAND_MAX];
	CLEANUP_CLOSE int fd = -1;
	struct stat st;
	const char *name;
	ssize_t len;

	(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid())
		return false;
	len = read(fd, command, sizeof(command) - 1);
	if (len <= 0)
		return false;
	command[len] = '\0';
	name = strrchr(command, '/');
	return strcmp(name ? name + 1 : command, PROGRAM_NAME) == 0 &&
	       command_has(command, (size_t)len, "--uuid", uuid) &&
	       command_has(command, (size_t)len, "--mount", folder);
}

int server_find(const char *uuid, const char *folder, pid_t *out_pid, struct error *err)
{
	DIR *dir = opendir("/proc");

	if (!dir)
		return error_set(err, -errno, "cannot read /proc: %s", strerror(errno));
	*out_pid = 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !is_server(entry->d_name, uuid, folder))
			continue;
		*out_pid = (pid_t)strtol(entry->d_name, NULL, 10);
		break;
	}
	(void)closedir(dir); /* only read from */
	return 0;
}

/* A new session: signals for the agent's terminal or process group are not for it. */
static int spawn_detached(const char *const argv[], int secrets_fd, int ready_fd, pid_t *out_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigset_t all;
	int ret = posix_spawn_file_actions_init(&actions);

	if (ret != 0)
		return -ret;
	ret = posix_spawnattr_init(&attributes);
	if (ret != 0)
		goto destroy_actions;
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	ret = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
							    POSIX_SPAWN_SETSID);
	if (ret == 0)
		ret = posix_spawn_file_actions_adddup2(&actions, secrets_fd, STDIN_FILENO);
	if (ret == 0)
		ret = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
						       O_WRONLY, 0);
	if (ret == 0)
		ret = posix_spawn_file_actions_adddup2(&actions, ready_fd, READY_FD);
	if (ret == 0)
		ret = posix_spawnp(out_pid, argv[0], &actions, &attributes, (char *const *)argv,
				   environ);
	(void)posix_spawnattr_destroy(&attributes);
destroy_actions:
	(void)posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

/* The line by which it says that it serves, or why not. */
static int ready_wait(int fd, int64_t deadline_ms, struct error *err)
{
	char line[sizeof(err->text)] = "";
	size_t len = 0;

	while (!memchr(line, '\n', len) && len < sizeof(line) - 1) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		ssize_t got;

		if (poll(&wait, 1, clock_left_ms(deadline_ms)) == 0)
			return error_set(err, -ETIMEDOUT,
					 "berth-attach did not get ready in time; is the portal "
					 "reachable?");
		got = read(fd, line + len, sizeof(line) - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, READY_WORD, strlen(READY_WORD)) == 0)
		return 0;
	return error_set(err, -EIO, "%s", *line ? line : "berth-attach ended without a word");
}

/* Start it with its secrets and the pipe by which it answers. */
static int start_with(const char *const argv[], const char *secrets, int *out_ready_fd,
		      pid_t *out_pid, struct error *err)
{
	int secrets_pipe[2] = {-1, -1};
	int ready_pipe[2] = {-1, -1};
	int ret;

	if (pipe2(secrets_pipe, O_CLOEXEC) < 0)
		return error_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	if (pipe2(ready_pipe, O_CLOEXEC) < 0) {
		ret = error_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
		goto close_secrets;
	}
	/* Secrets are shorter than the smallest pipe (4096 bytes), so this cannot block. */
	if (write(secrets_pipe[1], secrets, strlen(secrets)) != (ssize_t)strlen(secrets)) {
		ret = error_set(err, -EIO, "cannot hand over the secrets");
		goto close_ready;
	}
	ret = spawn_detached(argv, secrets_pipe[0], ready_pipe[1], out_pid);
	if (ret < 0) {
		error_set(err, ret, "cannot run '%s': %s", argv[0], strerror(-ret));
		goto close_ready;
	}
	*out_ready_fd = ready_pipe[0];
	ready_pipe[0] = -1;
close_ready:
	if (ready_pipe[0] >= 0)
		(void)close(ready_pipe[0]); /* pipes have nothing to lose here */
	(void)close(ready_pipe[1]);
close_secrets:
	(void)close(secrets_pipe[0]);
	(void)close(secrets_pipe[1]);
	return ret;
}

int server_start(const struct server_spec *spec, int64_t deadline_ms, struct error *err)
{
	char fail_after[16];
	char ready_fd_text[16];
	const char *const argv[] = {
		spec->program,	   "--portal",	  spec->portal,	   "--target",
		spec->target_name, "--initiator", spec->initiator, "--uuid",
		spec->uuid,	   "--mount",	  spec->folder,	   "--fail-after",
		fail_after,	   "--ready-fd",  ready_fd_text,   NULL};
	CLEANUP_CLOSE int ready_fd = -1;
	pid_t pid = 0;
	int ret;

	(void)snprintf(fail_after, sizeof(fail_after), "%u", spec->fail_after_s);
	(void)snprintf(ready_fd_text, sizeof(ready_fd_text), "%d", READY_FD);
	ret = start_with(argv, spec->secrets, &ready_fd, &pid, err);
	if (ret < 0)
		return ret;
	child_disown(pid);
	ret = ready_wait(ready_fd, deadline_ms, err);
	if (ret == 0)
		log_info("serving volume uuid=%s pid=%d portal=%s", spec->uuid, (int)pid,
			 spec->portal);
	return ret;
}

/* True when the process has ended. */
static bool end_wait(int pidfd, int64_t deadline_ms)
{
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};
	int ret;

	do {
		ret = poll(&wait, 1, clock_left_ms(deadline_ms));
	} while (ret < 0 && errno == EINTR);
	return ret > 0;
}

int server_stop(pid_t pid, const char *uuid, const char *folder, int64_t deadline_ms,
		struct error *err)
{
	CLEANUP_CLOSE int pidfd = pidfd_open(pid, 0);
	char text[16];

	/* Looked at again with the descriptor held: the number may have a new owner. */
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	if (pidfd < 0 || !is_server(text, uuid, folder))
		return 0;
	(void)pidfd_send_signal(pidfd, SIGTERM, NULL, 0); /* ESRCH: it ended by itself */
	if (!end_wait(pidfd, clock_within(deadline_ms, TERM_WAIT_MS))) {
		log_warn("berth-attach does not end by itself and is killed pid=%d", (int)pid);
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
		if (!end_wait(pidfd, clock_ms() + KILL_WAIT_MS))
			return error_set(err, -ETIMEDOUT, "berth-attach (pid %d) cannot be killed",
					 (int)pid);
	}
	(void)child_collect();
	return 0;
}
