/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initiator/probe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "initiator/clock.h"
#include "initiator/link.h"

#define LOGOUT_TIMEOUT_MS 1000

/* Serve the link until it leaves the states below `end`; -ETIMEDOUT. */
static int link_run(struct link *link, enum link_state end, uint64_t deadline_ms)
{
	while (link->state < end) {
		uint64_t now = clock_now_ms();
		struct pollfd poll_fd = {.fd = link_fd(link), .events = link_events(link)};

		if (now >= deadline_ms)
			return -ETIMEDOUT;
		if (poll(&poll_fd, 1, (int)(deadline_ms - now)) < 0 && errno != EINTR)
			return -errno;
		link_service(link, poll_fd.revents);
	}
	return 0;
}

/* Connect and log in; 0 with the link READY, or why not. */
static int link_bring_up(struct link *link, const struct login *login, unsigned timeout_ms,
			 struct error *err)
{
	char address[LOGIN_ADDRESS_SIZE];
	uint64_t deadline_ms = clock_now_ms() + timeout_ms;
	int ret;

	ret = login_check(login, err);
	if (ret < 0)
		return ret;
	ret = login_resolve(login, address, err);
	if (ret < 0)
		return ret;
	ret = link_open(link, login, address, err);
	if (ret < 0)
		return ret;
	ret = link_run(link, LINK_READY, deadline_ms);
	if (ret == -ETIMEDOUT)
		return error_set(err, ret,
				 "portal %s did not answer within %u ms (%s); is the node up, and "
				 "does no firewall stand between?",
				 login->portal, timeout_ms,
				 link->state == LINK_CONNECTING ? "no connection" : "no login");
	if (ret < 0)
		return error_set(err, ret, "poll failed: %s", strerror(-ret));
	if (link->state == LINK_READY)
		return 0;
	if (err)
		*err = link->error;
	return link->error.code;
}

static void link_take_down(struct link *link)
{
	if (link->state == LINK_READY) {
		link_logout(link);
		/* Out of time or not: the connection ends now. */
		(void)link_run(link, LINK_LOST, clock_now_ms() + LOGOUT_TIMEOUT_MS);
	}
	link_close(link);
}

int probe_target(const struct login *login, unsigned timeout_ms, struct disk *out_disk,
		 struct error *err)
{
	struct link link = {0};
	int ret;

	if (login->target_name[0] == '\0')
		return error_set(err, -EINVAL, "the target has no name; give its IQN");
	ret = link_bring_up(&link, login, timeout_ms, err);
	if (ret == 0)
		*out_disk = link.disk;
	link_take_down(&link);
	return ret;
}

int probe_portal(const struct login *login, unsigned timeout_ms, struct error *err)
{
	struct login discovery = *login;
	struct link link = {0};
	int ret;

	discovery.target_name[0] = '\0';
	ret = link_bring_up(&link, &discovery, timeout_ms, err);
	if (ret < 0 && link.is_refused)
		ret = 0;
	link_take_down(&link);
	return ret;
}
