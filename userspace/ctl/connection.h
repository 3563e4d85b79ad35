/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call to the node or the agent and its answer. */
#ifndef CTL_CONNECTION_H
#define CTL_CONNECTION_H

#include "ctl/command.h"
#include "rpc/agent.pb-c.h"
#include "rpc/client.h"
#include "rpc/node.pb-c.h"

/*
 * Follow a stream of the node's until `each` returns false or the stream ends.
 */
int node_follow(const struct call *call, const char *method, const ProtobufCMessage *message,
		const ProtobufCMessageDescriptor *message_type,
		bool (*each)(void *owner, const ProtobufCMessage *message), struct error *err);

/*
 * Call a method of the node that the command line names ("GetPool") and wait for the answer;
 * free it with answer_free. Errors have the node's sentence, or what to try if nobody is there.
 */
int node_call(const struct call *call, const char *method, const ProtobufCMessage *message,
	      const ProtobufCMessageDescriptor *answer_type, ProtobufCMessage **out_answer,
	      struct error *err);

/* The same at the agent of --agent. */
int agent_call(const struct call *call, const char *method, const ProtobufCMessage *message,
	       const ProtobufCMessageDescriptor *answer_type, ProtobufCMessage **out_answer,
	       struct error *err);

/* Frees any answer; NULL is fine. */
void answer_free(ProtobufCMessage *answer);

/*
 * Ask on the terminal before something is destroyed. 0 for yes, -ECANCELED for anything else.
 * With --yes nobody is asked.
 */
int confirm(const struct call *call, struct error *err, const char *question, ...)
	PRINTF_LIKE(3, 4);

#endif
