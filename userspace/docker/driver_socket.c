/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "docker/driver_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"

#define BACKLOG	     128
#define INHERITED_FD 3 /* SD_LISTEN_FDS_START */
#define FOLDER_MODE  0755

static bool is_number_of_environment(const char *name, long wanted)
{
	const char *text = getenv(name);

	return text && *text && strtol(text, NULL, 10) == wanted;
}

/* True if the service manager handed down exactly one socket to this very process. */
static bool is_inherited(void)
{
	struct stat status;

	return is_number_of_environment("LISTEN_PID", (long)getpid()) &&
	       is_number_of_environment("LISTEN_FDS", 1) && fstat(INHERITED_FD, &status) == 0 &&
	       S_ISSOCK(status.st_mode);
}

static int folder_make(const char *path, struct error *err)
{
	char copy[PATH_MAX];

	(void)snprintf(copy, sizeof(copy), "%s", path);
	return file_make_folder(dirname(copy), FOLDER_MODE, err);
}

/* Remove a socket on which nobody listens. Anything else that lies there is not ours. */
static int stale_remove(const struct sockaddr_un *name, struct error *err)
{
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0)
		return error_set(err, -EADDRINUSE,
				 "another process already serves %s; stop it first",
				 name->sun_path);
	if (errno == ENOENT)
		return 0;
	if (errno != ECONNREFUSED)
		return error_set(err, -errno, "cannot use %s: %s", name->sun_path, strerror(errno));
	if (unlink(name->sun_path) < 0 && errno != ENOENT)
		return error_set(err, -errno, "cannot remove the stale socket %s: %s",
				 name->sun_path, strerror(errno));
	return 0;
}

/* No other thread runs yet, so the mask of the whole process may be changed for a moment. */
static int bind_private(int fd, const struct sockaddr_un *name)
{
	mode_t before = umask(0177);
	int ret = bind(fd, (const struct sockaddr *)name, sizeof(*name)) < 0 ? -errno : 0;

	(void)umask(before);
	return ret;
}

static int socket_make(struct driver_socket *driver_socket, const char *path, struct error *err)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int ret;

	if (strlen(path) >= sizeof(name.sun_path))
		return error_set(err, -EINVAL, "socket path '%.40s...' is longer than %zu", path,
				 sizeof(name.sun_path) - 1);
	(void)strcpy(name.sun_path, path);
	ret = folder_make(path, err);
	if (ret < 0)
		return ret;
	ret = stale_remove(&name, err);
	if (ret < 0)
		return ret;
	driver_socket->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (driver_socket->fd < 0)
		return error_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	ret = bind_private(driver_socket->fd, &name);
	if (ret < 0)
		goto close_socket;
	driver_socket->path = path;
	if (listen(driver_socket->fd, BACKLOG) == 0)
		return 0;
	ret = -errno;
close_socket:
	driver_socket_hide(driver_socket);
	driver_socket_close(driver_socket);
	return error_set(err, ret, "cannot listen on %s: %s", path, strerror(-ret));
}

int driver_socket_open(struct driver_socket *driver_socket, const char *path, struct error *err)
{
	*driver_socket = (struct driver_socket){.fd = -1};
	if (!is_inherited())
		return socket_make(driver_socket, path, err);
	driver_socket->fd = INHERITED_FD;
	if (fcntl(driver_socket->fd, F_SETFD, FD_CLOEXEC) < 0)
		return error_set(err, -errno, "cannot use the socket of the service manager: %s",
				 strerror(errno));
	return 0;
}

void driver_socket_hide(struct driver_socket *driver_socket)
{
	if (driver_socket->path && unlink(driver_socket->path) < 0 && errno != ENOENT)
		log_warn("cannot remove path=%s: %s", driver_socket->path, strerror(errno));
	driver_socket->path = NULL;
}

void driver_socket_close(struct driver_socket *driver_socket)
{
	if (driver_socket->fd >= 0)
		(void)close(driver_socket->fd); /* nothing is written through it */
	driver_socket->fd = -1;
}
