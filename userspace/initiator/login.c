/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initiator/login.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DEFAULT "3260" /* RFC 7143, 15 */

uint64_t login_port_number(const struct uuid *volume)
{
	uint64_t number = 0;

	/* The last bytes of a version 4 UUID are random ones. */
	for (size_t i = sizeof(volume->bytes) - LOGIN_PORT_NUMBER_BITS / 8;
	     i < sizeof(volume->bytes); i++)
		number = number << 8 | volume->bytes[i];
	return number ? number : 1;
}

/* "HOST:PORT", "[V6]:PORT", "HOST", "[V6]" into its two parts; -EINVAL. */
static int portal_split(const char *portal, char *host, size_t host_size, char *port,
			size_t port_size)
{
	const char *colon = strrchr(portal, ':');
	const char *bracket = strrchr(portal, ']');
	const char *start = portal;
	size_t host_len = strlen(portal);
	char *end;

	(void)snprintf(port, port_size, "%s", PORT_DEFAULT);
	if (colon && (!bracket || colon > bracket)) {
		long number = strtol(colon + 1, &end, 10);

		if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || number < 1 ||
		    number > 65535)
			return -EINVAL;
		(void)snprintf(port, port_size, "%ld", number);
		host_len = (size_t)(colon - portal);
	}
	if (portal[0] == '[') {
		if (!bracket || bracket != portal + host_len - 1)
			return -EINVAL;
		start++;
		host_len -= 2;
	}
	if (host_len == 0 || host_len >= host_size)
		return -EINVAL;
	memcpy(host, start, host_len);
	host[host_len] = '\0';
	return 0;
}

int login_resolve(const struct login *login, char *out_address, struct error *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char host[LOGIN_PORTAL_SIZE];
	char number[LOGIN_ADDRESS_SIZE];
	char port[8];
	int ret;

	if (portal_split(login->portal, host, sizeof(host), port, sizeof(port)) < 0)
		return error_set(err, -EINVAL,
				 "'%s' is not a portal; write HOST:PORT or [IPV6]:PORT",
				 login->portal);
	ret = getaddrinfo(host, port, &hints, &found);
	if (ret != 0)
		return error_set(err, -ENOENT,
				 "no address is known for host '%s' of the portal: %s", host,
				 gai_strerror(ret));
	ret = getnameinfo(found->ai_addr, found->ai_addrlen, number, sizeof(number), NULL, 0,
			  NI_NUMERICHOST);
	if (ret != 0) {
		ret = error_set(err, -ENOENT, "host '%s' has an address that cannot be used: %s",
				host, gai_strerror(ret));
	} else {
		(void)snprintf(out_address, LOGIN_ADDRESS_SIZE,
			       found->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", number, port);
	}
	freeaddrinfo(found);
	return ret;
}

int login_check(const struct login *login, struct error *err)
{
	if (login->initiator_name[0] == '\0')
		return error_set(err, -EINVAL, "the initiator has no name; give its IQN");
	if (login->chap_user[0] == '\0' && login->chap_secret[0] != '\0')
		return error_set(err, -EINVAL, "there is a CHAP secret but no CHAP user");
	if (login->chap_user[0] != '\0' && login->chap_secret[0] == '\0')
		return error_set(err, -EINVAL, "there is a CHAP user but no CHAP secret");
	if (login->chap_target_user[0] != '\0' && login->chap_target_secret[0] == '\0')
		return error_set(err, -EINVAL, "there is a CHAP target user but no target secret");
	if (login->chap_target_user[0] == '\0' && login->chap_target_secret[0] != '\0')
		return error_set(err, -EINVAL, "there is a CHAP target secret but no target user");
	if (login->chap_target_user[0] != '\0' && login->chap_user[0] == '\0')
		return error_set(err, -EINVAL,
				 "mutual CHAP needs a user and secret of the initiator too");
	return 0;
}

int login_refusal(const struct login *login, unsigned status, const char *reason, struct error *err)
{
	const char *target = login->target_name[0] ? login->target_name : "discovery";

	switch (status) {
	case 0x0201:
		return error_set(err, -EACCES,
				 "target %s at %s refused the CHAP login as '%s': user or secret "
				 "is wrong, or the access was withdrawn",
				 target, login->portal, login->chap_user);
	case 0x0202:
		return error_set(err, -EACCES,
				 "target %s at %s does not let initiator %s in; publish the volume "
				 "to it",
				 target, login->portal, login->initiator_name);
	case 0x0203:
	case 0x0204:
		return error_set(err, -ENOENT,
				 "portal %s has no target %s for initiator %s; is the volume "
				 "published to it?",
				 login->portal, target, login->initiator_name);
	case 0x0300:
	case 0x0301:
	case 0x0302:
		return error_set(err, -EBUSY, "target %s at %s cannot serve a login now (%s)",
				 target, login->portal, reason);
	default:
		break;
	}
	if (status >> 8 == 0x01)
		return error_set(err, -EREMOTE, "target %s has moved away from %s (%s)", target,
				 login->portal, reason);
	if (status == 0 && strstr(reason, "CHAP"))
		return error_set(err, -EACCES,
				 "target %s at %s did not prove itself by mutual CHAP: %s", target,
				 login->portal, reason);
	return error_set(err, -EPROTO, "login to target %s at %s failed: %s", target, login->portal,
			 reason);
}
