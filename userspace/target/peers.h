/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that connections come from: how many of each are not logged in yet, and how often
 * authentication failed lately. A full table forgets the address that has been quiet longest. On
 * the thread of the first reactor.
 */
#ifndef TARGET_PEERS_H
#define TARGET_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#define PEERS_COUNT	      256
#define PEERS_LOGINS_MAX      256 /* connections not logged in yet, from everywhere */
#define PEERS_LOGINS_PER_PEER 64
#define PEER_ADDRESS_SIZE     64

struct peer {
	char address[PEER_ADDRESS_SIZE]; /* without port; empty: the place is free */
	unsigned logins;		 /* connections in login */
	unsigned failures;		 /* of authentication, since the last quiet time */
	uint64_t failed_ms;
	uint64_t seen_ms;
};

struct peers {
	struct peer list[PEERS_COUNT];
	unsigned logins;
};

/* A connection begins its login: its peer, or NULL if there are too many. */
struct peer *peers_begin(struct peers *peers, const char *address, uint64_t now_ms);

/* It ended or logged in. */
void peers_end(struct peers *peers, struct peer *peer);

/* Authentication failed: how long to wait before saying so. Doubles with each failure from 100 ms
 * to 5 s, and starts again after a minute without one. Right answers are never slowed down. */
uint64_t peer_failed(struct peer *peer, uint64_t now_ms);

#endif
