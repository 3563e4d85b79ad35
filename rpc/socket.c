/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See socket.h. */
#include "rpc/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rpc/clock.h"

static int socket_new(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Small requests and answers must not wait for each other's acknowledgement. */
static void socket_set_nodelay(int fd)
{
	int on = 1;

	/* fails on Unix sockets, which need none */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void unix_address(const struct address *address, struct sockaddr_un *out_unix)
{
	*out_unix = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out_unix->sun_path, address->path, sizeof(out_unix->sun_path));
}

static int resolve(const struct address *address, int flags, struct addrinfo **out_infos,
		   struct error *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
	int ret = getaddrinfo(address->host, address->port, &hints, out_infos);

	if (ret != 0)
		return error_set(err, -EHOSTUNREACH, "cannot find host '%s': %s", address->host,
				 gai_strerror(ret));
	return 0;
}

/* --- listening --- */

/* Is the file at the path a socket on which a server answers? 0 no, -EADDRINUSE, -EEXIST. */
static int unix_check_stale(const struct address *address, struct error *err)
{
	struct sockaddr_un name;
	struct stat st;
	CLEANUP_CLOSE int fd = socket_new(AF_UNIX);

	if (fd < 0)
		return error_set(err, fd, "cannot make a socket: %s", strerror(-fd));
	if (lstat(address->path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return error_set(err, -EEXIST, "'%s' is there and is not a socket", address->path);
	unix_address(address, &name);
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0 || errno == EAGAIN)
		return error_set(err, -EADDRINUSE, "a server is listening on '%s' already",
				 address->path);
	if (errno != ECONNREFUSED && errno != ENOENT)
		return error_set(err, -errno, "cannot use '%s': %m", address->path);
	return 0;
}

static int unix_bind(int fd, const struct address *address, struct error *err)
{
	struct sockaddr_un name;
	int ret;

	unix_address(address, &name);
	/* Linux gives the file the mode of the socket: it is never open to others. */
	if (fchmod(fd, 0600) < 0)
		return error_set(err, -errno, "cannot set the mode of '%s': %m", address->path);
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return error_set(err, -errno, "cannot listen on '%s': %m", address->path);
	ret = unix_check_stale(address, err);
	if (ret < 0)
		return ret;
	if ((unlink(address->path) < 0 && errno != ENOENT) ||
	    bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return error_set(err, -errno, "cannot replace the dead socket '%s': %m",
				 address->path);
	return 0;
}

static int unix_listen(struct listener *listener, struct error *err)
{
	struct stat st = {0};
	int ret;

	listener->fd = socket_new(AF_UNIX);
	if (listener->fd < 0)
		return error_set(err, listener->fd, "cannot make a socket: %s",
				 strerror(-listener->fd));
	ret = unix_bind(listener->fd, &listener->address, err);
	if (ret == 0 &&
	    (stat(listener->address.path, &st) < 0 || listen(listener->fd, SOMAXCONN) < 0))
		ret = error_set(err, -errno, "cannot listen on '%s': %m", listener->address.path);
	if (ret < 0) {
		(void)close(listener->fd); /* nothing was written */
		return ret;
	}
	listener->dev = st.st_dev;
	listener->ino = st.st_ino;
	return 0;
}

static int tcp_bind(const struct addrinfo *info)
{
	int fd = socket_new(info->ai_family);
	int on = 1, ret;

	if (fd < 0)
		return fd;
	/* A restart must not wait for TIME_WAIT; [::] must not take IPv4 from a 0.0.0.0. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (info->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	ret = -errno;
	(void)close(fd); /* nothing was written */
	return ret;
}

static int tcp_listen(struct listener *listener, struct error *err)
{
	struct address *address = &listener->address;
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct addrinfo *infos;
	int ret = resolve(address, AI_PASSIVE, &infos, err);

	if (ret < 0)
		return ret;
	listener->fd = -EADDRNOTAVAIL;
	for (struct addrinfo *info = infos; info && listener->fd < 0; info = info->ai_next)
		listener->fd = tcp_bind(info);
	freeaddrinfo(infos);
	if (listener->fd < 0)
		return error_set(err, listener->fd, "cannot listen on %s port %s: %s",
				 address->host, address->port, strerror(-listener->fd));
	if (getsockname(listener->fd, (struct sockaddr *)&name, &len) == 0)
		(void)getnameinfo((struct sockaddr *)&name, len, address->host,
				  sizeof(address->host), address->port, sizeof(address->port),
				  NI_NUMERICHOST | NI_NUMERICSERV); /* else as asked for */
	return 0;
}

int listener_open(const char *address, struct listener *out_listener, struct error *err)
{
	struct listener listener = {.fd = -1};
	int ret = address_parse(address, &listener.address, err);

	if (ret == 0)
		ret = listener.address.is_unix ? unix_listen(&listener, err)
					       : tcp_listen(&listener, err);
	if (ret == 0)
		*out_listener = listener;
	return ret;
}

void listener_close(struct listener *listener)
{
	const char *path = listener->address.path;
	struct stat st;

	if (listener->fd < 0)
		return;
	if (listener->address.is_unix && lstat(path, &st) == 0 && st.st_dev == listener->dev &&
	    st.st_ino == listener->ino)
		(void)unlink(path); /* a socket that stays is replaced at the next start */
	(void)close(listener->fd);  /* nothing is written through it */
	listener->fd = -1;
}

int listener_accept(struct listener *listener)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	socket_set_nodelay(fd);
	return fd;
}

/* --- connecting --- */

static int connect_wait(int fd, uint64_t until_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int ret, code;

	do {
		ret = poll(&poll_fd, 1, clock_poll_ms(until_ms));
	} while (ret < 0 && errno == EINTR);
	if (ret <= 0)
		return ret < 0 ? -errno : -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		return -errno;
	return -code;
}

/* A connected descriptor or a negative errno. */
static int connect_one(const struct sockaddr *name, socklen_t len, uint64_t until_ms)
{
	int fd = socket_new(name->sa_family);
	int ret;

	if (fd < 0)
		return fd;
	ret = connect(fd, name, len) == 0 ? 0 : -errno;
	if (ret == -EINPROGRESS)
		ret = connect_wait(fd, until_ms);
	if (ret < 0) {
		(void)close(fd); /* nothing was written */
		return ret;
	}
	socket_set_nodelay(fd);
	return fd;
}

/*
 * A Unix socket whose backlog is full cannot be polled for: the connect has to block, and the
 * send timeout bounds it.
 */
static int connect_unix(const struct address *address, uint64_t until_ms)
{
	int wait_ms = MAX(clock_poll_ms(until_ms), 1); /* 0 would be for ever */
	struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
	struct sockaddr_un name;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	unix_address(address, &name);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
	    connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	    fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	ret = errno == EAGAIN ? -ETIMEDOUT : -errno;
	(void)close(fd); /* nothing was written */
	return ret;
}

static int connect_failed(const struct address *address, int code, struct error *err)
{
	char text[ADDRESS_TEXT_SIZE];
	bool is_missing = address->is_unix && (code == -ENOENT || code == -ECONNREFUSED);

	address_format(address, text);
	if (is_missing || code == -ECONNREFUSED)
		return error_set(err, -ECONNREFUSED,
				 "nobody listens on %s: is the server running, and is this its "
				 "address?",
				 text);
	return error_set(err, code, "cannot connect to %s: %s", text, strerror(-code));
}

int socket_connect(const struct address *address, uint64_t until_ms, int *out_fd, struct error *err)
{
	struct addrinfo *infos;
	int fd = -EHOSTUNREACH, ret;

	if (address->is_unix) {
		fd = connect_unix(address, until_ms);
	} else {
		ret = resolve(address, 0, &infos, err);
		if (ret < 0)
			return ret;
		for (struct addrinfo *info = infos; info && fd < 0; info = info->ai_next)
			fd = connect_one(info->ai_addr, info->ai_addrlen, until_ms);
		freeaddrinfo(infos);
	}
	if (fd < 0)
		return connect_failed(address, fd, err);
	*out_fd = fd;
	return 0;
}
