/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/fuse.h"
#include "base/compiler.h"
#include "base/log.h"

#define UNFLUSHED_BYTES (16 * 1024 * 1024)
#define RECEIVE_BATCH	64 /* requests of one turn */

struct slot *server_take_slot(struct server *server, struct fuse_req *fuse)
{
	struct slot *slot = server->receiving;

	assert(slot);
	server->receiving = NULL;
	slot->fuse = fuse;
	return slot;
}

void slot_put(struct slot *slot)
{
	list_prepend(&slot->server->free_slots, &slot->link); /* the warmest memory first */
}

static void on_session_event(void *owner, enum session_event event, const char *text)
{
	const struct server *server = owner;
	const char *target = server->options->login.target_name;

	switch (event) {
	case SESSION_LOST:
		log_warn("connection lost, I/O waits while it is tried again target=%s "
			 "reason=\"%s\"",
			 target, text);
		break;
	case SESSION_REFUSED:
		log_error("refused by the node, I/O waits while it is tried again target=%s "
			  "reason=\"%s\"",
			  target, text);
		break;
	case SESSION_BACK:
		log_info("connected again, I/O goes on target=%s portal=%s", target, text);
		break;
	case SESSION_FAILING:
		log_error("away for too long, I/O fails now target=%s portal=%s", target, text);
		break;
	case SESSION_DENIED:
		log_error(
			"access was withdrawn, I/O fails from now on; detach the volume target=%s "
			"portal=%s",
			target, text);
		break;
	case SESSION_DAMAGED:
		log_error("acknowledged writes are lost, the next fsync fails target=%s "
			  "reason=\"%s\"",
			  target, text);
		break;
	case SESSION_BUSY:
		log_warn("the node is too busy for a command target=%s", target);
		break;
	case SESSION_RESIZED:
		log_info("the volume has another size now target=%s", target);
		break;
	}
}

static int slots_make(struct server *server, struct error *err)
{
	unsigned count = server->options->queue_depth + SLOTS_EXTRA;
	size_t size = (size_t)count * SLOT_SIZE;

	server->slots = calloc(count, sizeof(*server->slots));
	server->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (server->memory == MAP_FAILED)
		server->memory = NULL;
	if (!server->slots || !server->memory)
		return error_set(err, -ENOMEM, "no memory for %u requests of %d bytes", count,
				 SLOT_SIZE);
	server->slot_count = count;
	for (unsigned i = 0; i < count; i++) {
		server->slots[i].server = server;
		server->slots[i].memory = server->memory + (size_t)i * SLOT_SIZE;
		list_append(&server->free_slots, &server->slots[i].link);
	}
	return 0;
}

static int signals_open(struct server *server, struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return error_set(err, -errno, "signals cannot be set up: %s", strerror(errno));
	server->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (server->signal_fd < 0)
		return error_set(err, -errno, "no descriptor for signals: %s", strerror(errno));
	return 0;
}

static void signals_take(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			session_refresh(server->session);
		else
			server_stop(server);
	}
}

/* --- FUSE --- */

static int mountpoint_check(const char *path, struct error *err)
{
	char parent[PATH_MAX + 4];
	struct stat folder, above;

	if (stat(path, &folder) < 0) {
		if (errno == ENOTCONN)
			return error_set(err, -EBUSY,
					 "a server that has died is still mounted on %s; umount it",
					 path);
		return error_set(err, -errno, "mount point %s: %s", path, strerror(errno));
	}
	if (!S_ISDIR(folder.st_mode))
		return error_set(err, -ENOTDIR, "mount point %s is no folder", path);
	(void)snprintf(parent, sizeof(parent), "%s/..", path);
	if (stat(parent, &above) < 0)
		return error_set(err, -errno, "mount point %s: %s", path, strerror(errno));
	if (above.st_dev != folder.st_dev)
		return error_set(err, -EBUSY, "something is mounted on %s already", path);
	return 0;
}

static int fuse_start(struct server *server, struct error *err)
{
	char options[64];
	char *argv[] = {(char *)"berth-attach", (char *)"-o", options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	int fd;

	(void)snprintf(options, sizeof(options), "fsname=berth,subtype=berth,max_read=%d",
		       SESSION_COMMAND_MAX);
	server->fuse = fuse_session_new(&args, &volume_file_ops, sizeof(volume_file_ops), server);
	fuse_opt_free_args(&args);
	if (!server->fuse)
		return error_set(err, -EINVAL, "libfuse does not take the options '%s'", options);
	if (fuse_session_mount(server->fuse, server->options->mountpoint) != 0)
		return error_set(
			err, -EIO,
			"FUSE cannot be mounted on %s; is /dev/fuse there, and are we root?",
			server->options->mountpoint);
	fd = fuse_session_fd(server->fuse);
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return error_set(err, -errno, "/dev/fuse cannot be polled: %s", strerror(errno));
	return 0;
}

/* Read one request into the slot and act on it; false if there is none. */
static bool request_receive(struct server *server, struct slot *slot)
{
	struct fuse_buf buf = {.mem = slot->memory};
	int ret = fuse_session_receive_buf(server->fuse, &buf);

	if (ret == 0) { /* unmounted, by us or by somebody else */
		server->is_unmounted = true;
		return false;
	}
	if (ret < 0) {
		if (ret != -EAGAIN && ret != -EINTR)
			log_error("reading from /dev/fuse failed error=%s", strerror(-ret));
		return false;
	}
	list_remove(&slot->link);
	server->receiving = slot;
	fuse_session_process_buf(server->fuse, &buf);
	if (server->receiving) { /* answered at once */
		server->receiving = NULL;
		slot_put(slot);
	}
	return true;
}

static void requests_receive(struct server *server)
{
	for (int i = 0; i < RECEIVE_BATCH && !list_is_empty(&server->free_slots); i++) {
		struct list_node *first = server->free_slots.head.next;

		if (!request_receive(server, list_entry(first, struct slot, link)))
			return;
	}
}

/* --- the loop --- */

static void server_turn(struct server *server)
{
	bool can_receive = !server->is_unmounted && !list_is_empty(&server->free_slots);
	struct pollfd fds[] = {
		{.fd = can_receive ? fuse_session_fd(server->fuse) : -1, .events = POLLIN},
		{.fd = server->signal_fd, .events = POLLIN},
		{.fd = -1},
	};
	int timeout = session_poll(server->session, &fds[2]);

	if (poll(fds, ARRAY_SIZE(fds), timeout) < 0)
		return; /* EINTR */
	if (fds[1].revents)
		signals_take(server);
	if (fds[0].revents)
		requests_receive(server);
	session_service(server->session, fds[2].revents);
}

int server_start(struct server *server, const struct options *options, struct error *err)
{
	struct session_settings settings = {
		.login = options->login,
		.uuid = options->uuid,
		.queue_depth = options->queue_depth,
		.fail_after_ms = options->fail_after_s * 1000,
		.unflushed_bytes = UNFLUSHED_BYTES,
		.on_event = on_session_event,
		.owner = server,
	};
	int ret;

	memset(server, 0, sizeof(*server));
	server->options = options;
	server->signal_fd = -1;
	list_init(&server->free_slots);
	ret = mountpoint_check(options->mountpoint, err);
	if (ret < 0)
		return ret;
	ret = signals_open(server, err);
	if (ret < 0)
		return ret;
	ret = session_open(&settings, options->login_timeout_ms, &server->session, err);
	explicit_bzero(&settings, sizeof(settings));
	if (ret < 0)
		return ret;
	ret = slots_make(server, err);
	if (ret < 0)
		return ret;
	ret = fuse_start(server, err);
	while (ret == 0 && !server->is_initialised && !server->is_unmounted)
		server_turn(server);
	return ret;
}

int server_run(struct server *server)
{
	while (!server_is_over(server))
		server_turn(server);
	return session_is_clean(server->session) ? 0 : -EIO;
}

void server_fini(struct server *server)
{
	session_close(server->session);
	if (server->fuse) {
		fuse_session_unmount(server->fuse); /* looks itself whether it still is mounted */
		fuse_session_destroy(server->fuse);
	}
	if (server->memory)
		munmap(server->memory, (size_t)server->slot_count * SLOT_SIZE);
	free(server->slots);
	if (server->signal_fd >= 0)
		close(server->signal_fd);
}
