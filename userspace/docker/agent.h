/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls to the host agent. Every call has a connection of its own: connecting on this host is
 * cheap, no thread shares anything, and an agent that was restarted is never asked over a
 * connection to its predecessor.
 */
#ifndef DOCKER_AGENT_H
#define DOCKER_AGENT_H

#include "base/error.h"
#include "rpc/agent.pb-c.h"
#include "rpc/client.h"

struct agent {
	const char *address; /* "unix:PATH" */
};

/* How long a call may take: till somebody listens, and from then on till the answer. */
struct agent_patience {
	unsigned connect_ms;
	unsigned answer_ms;
};

/* -EINVAL if the address is not "unix:PATH": the agent is always on this host. */
int agent_init(struct agent *agent, const char *address, struct error *err);

/*
 * Call a method ("Attach") and wait. The agent being restarted is waited for, and only then the
 * request is sent, once. Free the answer with agent_answer_free.
 *
 * -ENOTCONN: nobody listened; the request was not sent. All other errors came with an answer,
 * or the request may have reached the agent.
 */
int agent_call(const struct agent *agent, const struct agent_patience *patience, const char *method,
	       const ProtobufCMessage *request, ProtobufCMessage **out_answer, struct error *err);

void agent_answer_free(ProtobufCMessage *answer);

#endif
