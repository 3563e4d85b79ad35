/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/peers.h"

#include <assert.h>
#include <string.h>

#include "base/compiler.h"

#define PEER_DELAY_FIRST_MS 100
#define PEER_DELAY_MAX_MS   5000
#define PEER_FORGIVEN_MS    60000

static struct peer *peers_find(struct peers *peers, const char *address)
{
	struct peer *oldest = NULL;

	for (unsigned i = 0; i < PEERS_COUNT; i++) {
		struct peer *peer = &peers->list[i];

		if (strcmp(peer->address, address) == 0)
			return peer;
		if (peer->logins == 0 && (!oldest || peer->seen_ms < oldest->seen_ms))
			oldest = peer;
	}
	if (!oldest)
		return NULL;
	*oldest = (struct peer){0};
	memcpy(oldest->address, address, strnlen(address, PEER_ADDRESS_SIZE - 1));
	return oldest;
}

struct peer *peers_begin(struct peers *peers, const char *address, uint64_t now_ms)
{
	struct peer *peer;

	if (peers->logins == PEERS_LOGINS_MAX)
		return NULL;
	peer = peers_find(peers, address);
	if (!peer || peer->logins == PEERS_LOGINS_PER_PEER)
		return NULL;
	peer->seen_ms = now_ms;
	peer->logins++;
	peers->logins++;
	return peer;
}

void peers_end(struct peers *peers, struct peer *peer)
{
	assert(peer->logins > 0 && peers->logins > 0);
	peer->logins--;
	peers->logins--;
}

uint64_t peer_failed(struct peer *peer, uint64_t now_ms)
{
	uint64_t delay_ms;

	if (now_ms - peer->failed_ms > PEER_FORGIVEN_MS)
		peer->failures = 0;
	delay_ms = (uint64_t)PEER_DELAY_FIRST_MS << MIN(peer->failures, 10U);
	peer->failures++;
	peer->failed_ms = now_ms;
	return MIN(delay_ms, (uint64_t)PEER_DELAY_MAX_MS);
}
