/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/portal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "target/conn.h"

#define PORTAL_BACKLOG	256
#define PORTAL_RETRY_MS 100

union portal_sockaddr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

/* --- addresses --- */

static int portal_split(const char *address, char *host, size_t host_size, const char **out_port)
{
	bool is_bracketed = address[0] == '[';
	const char *begin = is_bracketed ? address + 1 : address;
	const char *end = is_bracketed ? strchr(begin, ']') : strrchr(begin, ':');

	if (!end || end == begin || (size_t)(end - begin) >= host_size)
		return -EINVAL;
	if (is_bracketed && end[1] != ':')
		return -EINVAL;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = 0;
	*out_port = is_bracketed ? end + 2 : end + 1;
	return **out_port ? 0 : -EINVAL;
}

static bool portal_sockaddr_is_wildcard(const union portal_sockaddr *address)
{
	if (address->any.sa_family == AF_INET)
		return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

static unsigned portal_sockaddr_port(const union portal_sockaddr *address)
{
	return ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port
						       : address->v6.sin6_port);
}

/* A host that is reached over IPv4 through a socket of IPv6 has its IPv4 address. */
static int portal_host(const union portal_sockaddr *address, char *out_host, size_t size)
{
	union portal_sockaddr v4 = {.v4.sin_family = AF_INET};
	socklen_t len = sizeof(address->storage);

	if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr)) {
		memcpy(&v4.v4.sin_addr, &address->v6.sin6_addr.s6_addr[12], 4);
		address = &v4;
	}
	len = address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
	return getnameinfo(&address->any, len, out_host, (socklen_t)size, NULL, 0,
			   NI_NUMERICHOST) == 0
		       ? 0
		       : -EINVAL;
}

static int portal_format(const union portal_sockaddr *address, unsigned port,
			 char out_address[PORTAL_ADDRESS_SIZE])
{
	char host[PEER_ADDRESS_SIZE];
	int ret = portal_host(address, host, sizeof(host));

	if (ret < 0)
		return ret;
	(void)snprintf(out_address, PORTAL_ADDRESS_SIZE, strchr(host, ':') ? "[%s]:%u" : "%s:%u",
		       host, port);
	return 0;
}

int portal_address(const struct portal *portal, int fd, char out_address[PORTAL_ADDRESS_SIZE])
{
	union portal_sockaddr address = {0};
	socklen_t len = sizeof(address);

	if (!portal->is_wildcard) {
		memcpy(out_address, portal->address, PORTAL_ADDRESS_SIZE);
		return 0;
	}
	if (getsockname(fd, &address.any, &len) < 0)
		return -errno;
	return portal_format(&address, portal->port, out_address);
}

int portal_peer_address(int fd, char out_address[PEER_ADDRESS_SIZE])
{
	union portal_sockaddr address = {0};
	socklen_t len = sizeof(address);

	if (getpeername(fd, &address.any, &len) < 0)
		return -errno;
	return portal_host(&address, out_address, PEER_ADDRESS_SIZE);
}

/* --- listening --- */

static int portal_bind(const struct addrinfo *info)
{
	int one = 1, ret;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* A restarted node must get its port back at once. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, PORTAL_BACKLOG) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int portal_resolve(const char *address, struct addrinfo **out_info, struct error *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	char host[PORTAL_ADDRESS_SIZE];
	const char *port;
	int ret = portal_split(address, host, sizeof(host), &port);

	if (ret < 0)
		return error_set(err, ret,
				 "'%s' is no address to listen on: write HOST:PORT or [V6]:PORT",
				 address);
	ret = getaddrinfo(host, port, &hints, out_info);
	if (ret != 0)
		return error_set(err, -EINVAL, "cannot listen on '%s': %s", address,
				 gai_strerror(ret));
	return 0;
}

static int portal_describe(struct portal *portal)
{
	union portal_sockaddr address = {0};
	socklen_t len = sizeof(address);

	if (getsockname(portal->fd, &address.any, &len) < 0)
		return -errno;
	portal->is_wildcard = portal_sockaddr_is_wildcard(&address);
	portal->port = portal_sockaddr_port(&address);
	return portal_format(&address, portal->port, portal->address);
}

int portal_new(const char *address, struct portal **out_portal, struct error *err)
{
	struct portal *portal = calloc(1, sizeof(*portal));
	struct addrinfo *info = NULL;
	int ret;

	if (!portal)
		return error_set(err, -ENOMEM, "no memory for a portal");
	ret = portal_resolve(address, &info, err);
	if (ret < 0)
		goto err_free;
	portal->fd = portal_bind(info);
	freeaddrinfo(info);
	if (portal->fd < 0) {
		ret = error_set(err, portal->fd, "cannot listen on '%s': %s", address,
				strerror(-portal->fd));
		goto err_free;
	}
	ret = portal_describe(portal);
	if (ret < 0) {
		(void)error_set(err, ret, "cannot read the address of '%s'", address);
		goto err_close;
	}
	*out_portal = portal;
	return 0;

err_close:
	close(portal->fd);
err_free:
	free(portal);
	return ret;
}

void portal_free(struct portal *portal)
{
	if (portal->fd >= 0)
		close(portal->fd);
	free(portal);
}

/* --- accepting --- */

static void portal_accept(struct portal *portal)
{
	loop_accept(portal->reactor->loop, &portal->accept, portal->fd);
}

static void portal_retry(struct loop_timer *timer)
{
	portal_accept(container_of(timer, struct portal, retry));
}

static void portal_end(struct portal *portal)
{
	close(portal->fd);
	portal->fd = -1;
	call_finish(portal->closed);
}

static void portal_accept_done(struct loop_op *op, int result)
{
	struct portal *portal = container_of(op, struct portal, accept);

	if (portal->is_closing) {
		if (result >= 0)
			close(result);
		portal_end(portal);
		return;
	}
	if (result >= 0) {
		conn_start(portal->reactor, result);
		portal_accept(portal);
		return;
	}
	/* The connection went before it was accepted, or there are no descriptors left. */
	if (result == -EMFILE || result == -ENFILE || result == -ENOMEM || result == -ENOBUFS)
		log_warn("cannot accept address=%s error=\"%s\"", portal->address,
			 strerror(-result));
	loop_timer_set(portal->reactor->loop, &portal->retry, PORTAL_RETRY_MS);
}

void portal_start(struct portal *portal, struct reactor *reactor)
{
	portal->reactor = reactor;
	portal->accept.done = portal_accept_done;
	portal->retry.expired = portal_retry;
	portal_accept(portal);
}

void portal_stop(struct portal *portal, struct call *call)
{
	portal->is_closing = true;
	portal->closed = call;
	loop_timer_clear(portal->reactor->loop, &portal->retry);
	if (portal->accept.is_in_flight)
		loop_cancel(portal->reactor->loop, &portal->accept);
	else
		portal_end(portal);
}
