/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A portal: an address that the target listens on. Accepts on the first reactor. Addresses as
 * text are "HOST:PORT" or "[V6]:PORT".
 */
#ifndef TARGET_PORTAL_H
#define TARGET_PORTAL_H

#include "base/list.h"
#include "target/reactor.h"

#define PORTAL_ADDRESS_SIZE 128

struct portal {
	struct list_node link; /* target->portals */
	struct reactor *reactor;
	int fd;
	char address[PORTAL_ADDRESS_SIZE]; /* as bound */
	bool is_wildcard;		   /* bound to every address of the host */
	unsigned port;
	struct loop_op accept;
	struct loop_timer retry; /* after the process ran out of descriptors */
	bool is_closing;
	struct call *closed; /* waits for the accept to end */
};

/* Any thread: bind and listen. */
int portal_new(const char *address, struct portal **out_portal, struct error *err);
void portal_free(struct portal *portal);

/* Reactor: accept from now on. */
void portal_start(struct portal *portal, struct reactor *reactor);

/* Reactor: stop accepting; finishes the call when it has stopped. */
void portal_stop(struct portal *portal, struct call *call);

/*
 * The address to tell the initiator behind `fd` for this portal: the portal's own, or for a
 * wildcard the one that the connection came in by.
 */
int portal_address(const struct portal *portal, int fd, char out_address[PORTAL_ADDRESS_SIZE]);

/* The peer of a socket, without its port; negative errno. */
int portal_peer_address(int fd, char out_address[PEER_ADDRESS_SIZE]);

#endif
