/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VolumeDriver methods: what dockerd asks, put to the agent, and what it is told.
 * Knows nothing of HTTP. Blocks; called on many threads at once; keeps no state of its own, so the
 * plugin may be restarted at any time.
 */
#ifndef DOCKER_PLUGIN_H
#define DOCKER_PLUGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "docker/agent.h"
#include "docker/peer.h"
#include "docker/request.h"

/* One call of dockerd's: zeroed, agent and instance set, then handled once. */
struct exchange {
	const struct agent *agent;
	char instance[PEER_INSTANCE_SIZE]; /* which dockerd */
	struct request request;
	unsigned status; /* of HTTP */
	json_t *answer;	 /* NULL: break the connection without an answer */
	bool is_mounted; /* a holder was noted that must go if the answer does not arrive */
};

/*
 * Carry out the call to `path` ("/VolumeDriver.Mount"). Fills in status and answer. No answer
 * means that an honest one does not exist: dockerd takes every error of Get for "this volume
 * does not exist" and then makes a local one of that name.
 */
void exchange_handle(struct exchange *exchange, const char *path, const char *body, size_t len);

/* The answer did not reach dockerd: take back what only dockerd could have ended. */
void exchange_undo(struct exchange *exchange);

/* NULL is fine. Does not free the struct. */
void exchange_fini(struct exchange *exchange);

/* Answer by hand, for what never reaches a method. */
void exchange_refuse(struct exchange *exchange, unsigned status, const char *sentence);

#endif
