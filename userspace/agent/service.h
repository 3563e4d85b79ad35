/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The methods of berth.v1.Agent (rpc/agent.proto says what each promises). They run on the RPC
 * server's workers; `owner` is the struct agent.
 */
#ifndef AGENT_SERVICE_H
#define AGENT_SERVICE_H

#include "agent/agent.h"
#include "agent/step.h"
#include "rpc/agent.pb-c.h"
#include "rpc/server.h"

rpc_handler service_provision;
rpc_handler service_remove;
rpc_handler service_get;
rpc_handler service_list;
rpc_handler service_attach;
rpc_handler service_detach;
rpc_handler service_grow;
rpc_handler service_note_instance;

extern const struct rpc_method service_methods[];
extern const size_t service_method_count;

/* --- shared by the methods --- */

/* Until when an operation may take: the caller's deadline, at most 100 s (dockerd gives up on a
 * Mount after 120 s and never unmounts what came later). */
int64_t service_deadline(struct rpc_call *call);

/* Own the volume of that (checked) name; gives up when the caller does. */
int service_lock(struct agent *agent, struct rpc_call *call, const char *name, int64_t deadline_ms,
		 struct volume **out_volume, struct error *err);

/* Make the first record of a volume that is on a node. The volume is owned. */
int service_register(struct agent *agent, struct volume *volume, const char *node,
		     const Berth__V1__Volume *found, const Berth__V1__ProvisionRequest *request,
		     struct error *err);

/* What Provision asks for of file system, owner and mode, into the record. */
int service_take_request(struct record *record, const struct agent *agent,
			 const Berth__V1__ProvisionRequest *request, struct error *err);

/*
 * Let go of the volume if no valid holder is left (`grace_ms` as in instances_count_valid) and
 * the kernel agrees. 0 also when it is still held. -EBUSY: it lingers; the keeper goes on.
 */
int service_release(struct job *job, int64_t grace_ms, struct error *err);

/* How long holders of an ended run still count. */
int64_t service_grace_ms(const struct agent *agent);

/* Describe a volume in an answer; -ENOMEM. */
int service_describe(struct agent *agent, const struct volume_view *view,
		     Berth__V1__HostVolume *reply, struct error *err);
/* The same of a volume this agent knows by name. */
int service_describe_name(struct agent *agent, const char *name, Berth__V1__HostVolume *reply,
			  struct error *err);

/* Replace a string of an answer; -ENOMEM. */
int service_text(char **field, const char *text, struct error *err);

#endif
