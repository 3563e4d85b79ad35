/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a gRPC peer listens, as text: "unix:PATH" (also "unix:///PATH", as gRPC clients write
 * it), "HOST:PORT", "[V6]:PORT". Pure: names are not resolved here.
 */
#ifndef RPC_ADDRESS_H
#define RPC_ADDRESS_H

#include <stdbool.h>
#include <sys/un.h>

#include "base/error.h"

#define ADDRESS_HOST_SIZE 256
#define ADDRESS_TEXT_SIZE (ADDRESS_HOST_SIZE + 16)

struct address {
	bool is_unix;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char host[ADDRESS_HOST_SIZE]; /* without brackets */
	char port[6];		      /* decimal, at most 65535 */
};

/* -EINVAL with a sentence. An address without host (":7000") is refused. */
int address_parse(const char *text, struct address *out_address, struct error *err);

/* The same form again, into buf of ADDRESS_TEXT_SIZE; returns buf. */
char *address_format(const struct address *address, char *buf);

#endif
