/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define STOP_GRACE_MS 2000

#define VARIABLE_COUNT 8
#define VARIABLE_SIZE  320 /* the longest text of an event with its name */

/* The environment of a run: what it is told, and a PATH. */
struct variables {
	char text[VARIABLE_COUNT][VARIABLE_SIZE];
	char *list[VARIABLE_COUNT + 1];
};

static void variables_fill(struct variables *variables, const char *node, const struct event *event)
{
	const char *const members[][2] = {
		{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		{"BERTH_NODE", node},
		{"BERTH_EVENT", event->kind},
		{"BERTH_POOL", event->pool},
		{"BERTH_VOLUME", event->volume},
		{"BERTH_INITIATOR", event->initiator},
		{"BERTH_TEXT", event->text},
	};
	unsigned count = 0;

	for (; count < ARRAY_SIZE(members); count++)
		(void)snprintf(variables->text[count], VARIABLE_SIZE, "%s=%s", members[count][0],
			       members[count][1]);
	(void)snprintf(variables->text[count++], VARIABLE_SIZE, "BERTH_AT_MS=%" PRId64,
		       event->at_ms);
	for (unsigned i = 0; i < count; i++)
		variables->list[i] = variables->text[i];
	variables->list[count] = NULL;
}

/*
 * A process group of its own, so that all of it can be killed; the signals as a fresh program has
 * them, none of our descriptors, and what it says goes to our log.
 */
static int hook_spawn(const char *program, char **environment, pid_t *out_pid)
{
	char *arguments[] = {(char *)program, NULL}; /* posix_spawn writes to none of them */
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int ret;

	sigemptyset(&none);
	sigfillset(&all);
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawnattr_init(&attributes);
	ret = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (ret == 0)
		ret = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	if (ret == 0)
		ret = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	if (ret == 0)
		ret = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
								    POSIX_SPAWN_SETSIGMASK |
								    POSIX_SPAWN_SETSIGDEF);
	if (ret == 0)
		ret = posix_spawnattr_setsigmask(&attributes, &none);
	if (ret == 0)
		ret = posix_spawnattr_setsigdefault(&attributes, &all);
	if (ret == 0)
		ret = posix_spawn(out_pid, program, &files, &attributes, arguments, environment);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return -ret;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* True once the process has ended; false if its time is up first. */
static bool process_wait(const struct hook *hook, int process_fd)
{
	uint64_t end = now_ms() + (uint64_t)hook->settings->hook_limit_s * 1000;
	struct pollfd fds[] = {
		{.fd = process_fd, .events = POLLIN},
		{.fd = hook->stop_fd, .events = POLLIN},
	};
	uint64_t now;

	while ((now = now_ms()) < end) {
		if (poll(fds, ARRAY_SIZE(fds), (int)MIN(end - now, (uint64_t)60000)) < 0)
			continue; /* a signal */
		if (fds[0].revents)
			return true;
		if (fds[1].revents && fds[1].fd >= 0) {
			fds[1].fd = -1;
			end = MIN(end, now_ms() + STOP_GRACE_MS);
		}
	}
	return false;
}

static void hook_run(const struct hook *hook, const struct event *event)
{
	const struct node_settings *settings = hook->settings;
	struct variables variables;
	bool has_ended;
	int process_fd;
	int status = 0;
	pid_t pid = 0;
	int ret;

	variables_fill(&variables, settings->name, event);
	ret = hook_spawn(settings->hook, variables.list, &pid);
	if (ret < 0) {
		log_warn("cannot run the hook program=%s event=%s error=%s", settings->hook,
			 event->kind, strerror(-ret));
		return;
	}
	/* Nobody else waits for our children, so the process is at least a zombie until we do. */
	process_fd = pidfd_open(pid, 0);
	has_ended = process_fd >= 0 && process_wait(hook, process_fd);
	if (!has_ended)
		(void)kill(-pid, SIGKILL); /* it may end at this very moment */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (process_fd >= 0)
		(void)close(process_fd);
	if (!has_ended)
		log_warn("the hook took too long and was killed program=%s event=%s limit_s=%u",
			 settings->hook, event->kind, settings->hook_limit_s);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		log_warn("the hook failed program=%s event=%s %s=%d", settings->hook, event->kind,
			 WIFEXITED(status) ? "status" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static void *hook_main(void *argument)
{
	struct hook *hook = argument;

	pthread_mutex_lock(&hook->lock);
	while (!hook->is_stopping) {
		struct event event;
		uint64_t lost;

		if (hook->count == 0) {
			pthread_cond_wait(&hook->changed, &hook->lock);
			continue;
		}
		event = hook->queue[hook->first];
		hook->first = (hook->first + 1) % HOOK_QUEUE_SIZE;
		hook->count--;
		lost = hook->lost;
		hook->lost = 0;
		pthread_mutex_unlock(&hook->lock);
		if (lost > 0)
			log_warn("events came faster than the hook took them lost=%" PRIu64, lost);
		hook_run(hook, &event);
		pthread_mutex_lock(&hook->lock);
	}
	pthread_mutex_unlock(&hook->lock);
	return NULL;
}

static bool has_hook(const struct hook *hook)
{
	return hook->settings && hook->settings->hook[0] != '\0';
}

static int thread_start(struct hook *hook, struct error *err)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&hook->thread, NULL, hook_main, hook);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret == 0 ? 0 : error_set(err, -ret, "cannot start a thread: %s", strerror(ret));
}

int hook_start(struct hook *hook, const struct node_settings *settings, struct error *err)
{
	int ret;

	hook->settings = settings;
	if (!has_hook(hook))
		return 0;
	if (access(settings->hook, X_OK) < 0)
		log_warn("the hook cannot be run as it is program=%s error=%s", settings->hook,
			 strerror(errno));
	hook->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (hook->stop_fd < 0) {
		ret = error_set(err, -errno, "cannot prepare the hook: %s", strerror(errno));
	} else {
		pthread_mutex_init(&hook->lock, NULL);
		pthread_cond_init(&hook->changed, NULL);
		ret = thread_start(hook, err);
		if (ret < 0)
			(void)close(hook->stop_fd);
	}
	if (ret < 0)
		hook->settings = NULL;
	return ret;
}

void hook_stop(struct hook *hook)
{
	if (!has_hook(hook))
		return;
	pthread_mutex_lock(&hook->lock);
	hook->is_stopping = true;
	if (hook->count > 0)
		log_warn("stopping, the hook is not told of what came last lost=%u", hook->count);
	pthread_cond_signal(&hook->changed);
	pthread_mutex_unlock(&hook->lock);
	(void)eventfd_write(hook->stop_fd, 1); /* cannot fail: its count was 0 */
	pthread_join(hook->thread, NULL);
	(void)close(hook->stop_fd);
	pthread_cond_destroy(&hook->changed);
	pthread_mutex_destroy(&hook->lock);
}

static bool is_told(const char *kind)
{
	return strncmp(kind, "session-", 8) != 0 && strncmp(kind, "login-", 6) != 0;
}

void hook_tell(struct hook *hook, const struct event *event)
{
	if (!has_hook(hook) || !is_told(event->kind))
		return;
	pthread_mutex_lock(&hook->lock);
	if (hook->count < HOOK_QUEUE_SIZE) {
		hook->queue[(hook->first + hook->count++) % HOOK_QUEUE_SIZE] = *event;
		pthread_cond_signal(&hook->changed);
	} else {
		hook->lost++;
	}
	pthread_mutex_unlock(&hook->lock);
}
