/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/clock.h"
#include "base/log.h"

#define DEATH_WAIT_MS	   1000
#define STDERR_BUFFER_SIZE 4096

/* Children whose end nobody waits for. */
struct disowned {
	struct disowned *next;
	pid_t pid;
};

static pthread_mutex_t disowned_lock = PTHREAD_MUTEX_INITIALIZER;
static struct disowned *disowned_first;

/* A running child and the ends of its pipes. */
struct run {
	struct child *child;
	pid_t pid;
	int pidfd;
	int out_fd; /* -1 at its end */
	int err_fd;
	size_t out_len;
	char err_text[STDERR_BUFFER_SIZE]; /* the end of what it wrote to stderr */
	size_t err_len;
};

static int attributes_init(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;
	int ret = posix_spawnattr_init(attributes);

	if (ret != 0)
		return ret;
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	/* The agent blocks signals in its threads and ignores SIGPIPE; a child starts afresh,
	 * and in a group of its own, so that it can be ended with all it has started. */
	(void)posix_spawnattr_setsigmask(attributes, &none);
	(void)posix_spawnattr_setsigdefault(attributes, &all);
	(void)posix_spawnattr_setpgroup(attributes, 0);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
							    POSIX_SPAWN_SETPGROUP);
}

static int spawn_with(struct run *run, int out_fd, int err_fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int ret = posix_spawn_file_actions_init(&actions);

	if (ret != 0)
		return -ret;
	ret = attributes_init(&attributes);
	if (ret != 0)
		goto destroy_actions;
	ret = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (ret == 0)
		ret = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (ret == 0)
		ret = posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
	if (ret == 0)
		ret = posix_spawnp(&run->pid, run->child->argv[0], &actions, &attributes,
				   (char *const *)run->child->argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
destroy_actions:
	(void)posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

static int run_start(struct run *run, struct error *err)
{
	int out_pipe[2];
	int err_pipe[2];
	int ret;

	if (pipe2(out_pipe, O_CLOEXEC) < 0)
		return error_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	if (pipe2(err_pipe, O_CLOEXEC) < 0) {
		ret = error_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
		goto close_out;
	}
	ret = spawn_with(run, out_pipe[1], err_pipe[1]);
	(void)close(out_pipe[1]); /* the child has them now */
	(void)close(err_pipe[1]);
	if (ret == 0) {
		run->pidfd = pidfd_open(run->pid, 0);
		if (run->pidfd < 0) {
			ret = -errno;
			(void)kill(run->pid, SIGKILL); /* ours, and not collected yet */
			(void)waitpid(run->pid, NULL, 0);
		}
	}
	if (ret < 0) {
		(void)close(err_pipe[0]); /* nothing was read from it */
		(void)close(out_pipe[0]);
		if (ret == -ENOENT)
			return error_set(err, ret, "the program '%s' is not installed",
					 run->child->argv[0]);
		return error_set(err, ret, "cannot run '%s': %s", run->child->argv[0],
				 strerror(-ret));
	}
	run->out_fd = out_pipe[0];
	run->err_fd = err_pipe[0];
	return 0;
close_out:
	(void)close(out_pipe[0]); /* unused */
	(void)close(out_pipe[1]);
	return ret;
}

static void close_at_end(int *fd)
{
	(void)close(*fd); /* only read from */
	*fd = -1;
}

static void read_out(struct run *run)
{
	struct child *child = run->child;
	char scratch[512];
	bool is_kept = child->out && run->out_len + 1 < child->out_size;
	char *at = is_kept ? child->out + run->out_len : scratch;
	size_t room = is_kept ? child->out_size - 1 - run->out_len : sizeof(scratch);
	ssize_t got = read(run->out_fd, at, room);

	if (got > 0 && is_kept)
		run->out_len += (size_t)got;
	if (got == 0 || (got < 0 && errno != EINTR))
		close_at_end(&run->out_fd);
}

/* Keeps the last half of the buffer when it is full: only the last line counts. */
static void read_err(struct run *run)
{
	ssize_t got;

	if (run->err_len == sizeof(run->err_text) - 1) {
		size_t half = sizeof(run->err_text) / 2;

		memmove(run->err_text, run->err_text + run->err_len - half, half);
		run->err_len = half;
	}
	got = read(run->err_fd, run->err_text + run->err_len,
		   sizeof(run->err_text) - 1 - run->err_len);
	if (got > 0)
		run->err_len += (size_t)got;
	if (got == 0 || (got < 0 && errno != EINTR))
		close_at_end(&run->err_fd);
}

/* Until the process ends; pipes may be held open by what it left behind, so they don't count. */
static bool run_wait(struct run *run, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd fds[3] = {
			{.fd = run->pidfd, .events = POLLIN},
			{.fd = run->out_fd, .events = POLLIN},
			{.fd = run->err_fd, .events = POLLIN},
		};
		int ready = poll(fds, 3, clock_left_ms(deadline_ms));

		if (ready == 0)
			return false;
		if (ready < 0)
			continue; /* EINTR */
		if (fds[1].revents)
			read_out(run);
		if (fds[2].revents)
			read_err(run);
		if (fds[0].revents && !fds[1].revents && !fds[2].revents)
			return true;
	}
}

void child_disown(pid_t pid)
{
	struct disowned *disowned = malloc(sizeof(*disowned));

	if (!disowned)
		return; /* a zombie is left when it ends: harmless */
	disowned->pid = pid;
	pthread_mutex_lock(&disowned_lock);
	disowned->next = disowned_first;
	disowned_first = disowned;
	pthread_mutex_unlock(&disowned_lock);
}

void child_collect(void)
{
	pthread_mutex_lock(&disowned_lock);
	for (struct disowned **link = &disowned_first; *link;) {
		struct disowned *disowned = *link;

		if (waitpid(disowned->pid, NULL, WNOHANG) == 0) {
			link = &disowned->next;
			continue;
		}
		*link = disowned->next;
		free(disowned);
	}
	pthread_mutex_unlock(&disowned_lock);
}

/* The last line that says something; control characters become spaces. */
static void last_words_take(struct run *run)
{
	char *end = run->err_text + run->err_len;
	char *line;

	*end = '\0';
	while (end > run->err_text && (end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\r'))
		*--end = '\0';
	line = strrchr(run->err_text, '\n');
	line = line ? line + 1 : run->err_text;
	for (char *at = line; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ')
			*at = ' ';
	}
	(void)snprintf(run->child->last_words, sizeof(run->child->last_words), "%s", line);
}

static int run_kill(struct run *run, struct error *err)
{
	const char *program = run->child->argv[0];

	(void)kill(-run->pid, SIGKILL); /* ESRCH: it ended just now */
	if (!run_wait(run, clock_ms() + DEATH_WAIT_MS)) {
		child_disown(run->pid);
		return error_set(
			err, -ETIMEDOUT,
			"'%s' is stuck in the kernel; the storage below may be unreachable",
			program);
	}
	(void)waitpid(run->pid, NULL, 0); /* it was killed, however it ended */
	return error_set(err, -ETIMEDOUT, "'%s' did not end in time and was killed", program);
}

static int run_finish(struct run *run, struct error *err)
{
	int status = 0;

	while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status)) {
		error_set(err, -EIO, "'%s' died of signal %d", run->child->argv[0],
			  WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status);
}

int child_run(struct child *child, struct error *err)
{
	struct run run = {.child = child, .pidfd = -1, .out_fd = -1, .err_fd = -1};
	int ret;

	child->last_words[0] = '\0';
	ret = run_start(&run, err);
	if (ret < 0)
		return ret;
	if (run_wait(&run, child->deadline_ms))
		ret = run_finish(&run, err);
	else
		ret = run_kill(&run, err);
	if (child->out)
		child->out[run.out_len] = '\0';
	last_words_take(&run);
	if (run.out_fd >= 0)
		close_at_end(&run.out_fd);
	if (run.err_fd >= 0)
		close_at_end(&run.err_fd);
	if (run.pidfd >= 0)
		close_at_end(&run.pidfd);
	return ret;
}

int child_must(const char *const argv[], int64_t deadline_ms, struct error *err)
{
	struct child child = {.argv = argv, .deadline_ms = deadline_ms};
	int ret = child_run(&child, err);

	if (ret <= 0)
		return ret;
	return error_set(err, -EIO, "%s failed with status %d: %s", argv[0], ret,
			 *child.last_words ? child.last_words : "it gave no reason");
}
