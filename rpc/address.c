/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See address.h. */
#include "rpc/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int address_parse_unix(const char *text, const char *path, struct address *address,
			      struct error *err)
{
	if (strncmp(path, "//", 2) == 0)
		path += 2;
	if (!*path)
		return error_set(err, -EINVAL, "address '%s' has no path after 'unix:'", text);
	if (strlen(path) >= sizeof(address->path))
		return error_set(
			err, -EINVAL,
			"the path in '%s' is too long for a Unix socket: at most %zu bytes", text,
			sizeof(address->path) - 1);
	address->is_unix = true;
	(void)strcpy(address->path, path); /* fits, as checked */
	return 0;
}

static int address_parse_port(const char *text, const char *port, struct address *address,
			      struct error *err)
{
	size_t digits = strspn(port, "0123456789");

	if (digits == 0 || digits > 5 || port[digits] || strtoul(port, NULL, 10) > 65535)
		return error_set(err, -EINVAL, "address '%s' has no port between 0 and 65535",
				 text);
	(void)snprintf(address->port, sizeof(address->port), "%lu", strtoul(port, NULL, 10));
	return 0;
}

/* Length of the host part and where the port begins; false if the text has another shape. */
static bool address_split(const char *text, const char **host, size_t *host_len, const char **port)
{
	const char *colon = strrchr(text, ':');

	if (text[0] == '[') {
		const char *close = strchr(text, ']');

		if (!close || close[1] != ':')
			return false;
		*host = text + 1;
		*host_len = (size_t)(close - *host);
		*port = close + 2;
		return *host_len > 0;
	}
	if (!colon || memchr(text, ':', (size_t)(colon - text)))
		return false;
	*host = text;
	*host_len = (size_t)(colon - text);
	*port = colon + 1;
	return *host_len > 0;
}

int address_parse(const char *text, struct address *out_address, struct error *err)
{
	struct address address = {0};
	const char *host, *port;
	size_t host_len;
	int ret;

	if (strncmp(text, "unix:", 5) == 0) {
		ret = address_parse_unix(text, text + 5, &address, err);
	} else if (!address_split(text, &host, &host_len, &port) ||
		   host_len >= sizeof(address.host)) {
		return error_set(err, -EINVAL,
				 "'%s' is not an address: write unix:PATH, HOST:PORT or [V6]:PORT",
				 text);
	} else {
		memcpy(address.host, host, host_len);
		ret = address_parse_port(text, port, &address, err);
	}
	if (ret == 0)
		*out_address = address;
	return ret;
}

char *address_format(const struct address *address, char *buf)
{
	bool is_v6 = strchr(address->host, ':') != NULL;

	if (address->is_unix)
		(void)snprintf(buf, ADDRESS_TEXT_SIZE, "unix:%s", address->path);
	else
		(void)snprintf(buf, ADDRESS_TEXT_SIZE, "%s%s%s:%s", is_v6 ? "[" : "", address->host,
			       is_v6 ? "]" : "", address->port);
	return buf;
}
