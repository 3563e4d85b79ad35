/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "base/log.h"

#define OPERATION_MS 100000
#define ANSWER_MS    500 /* kept back from the caller's time for the answer */

#define METHOD(name, request, reply, handle)                                                       \
	{                                                                                          \
		"/berth.v1.Agent/" name, &berth__v1__##request##__descriptor,                      \
			&berth__v1__##reply##__descriptor, false, handle                           \
	}

const struct rpc_method service_methods[] = {
	METHOD("Provision", provision_request, host_volume, service_provision),
	METHOD("Remove", host_volume_name, gone, service_remove),
	METHOD("Get", host_volume_name, host_volume, service_get),
	METHOD("List", list_request, list_reply, service_list),
	METHOD("Attach", attach_request, host_volume, service_attach),
	METHOD("Detach", detach_request, host_volume, service_detach),
	METHOD("Grow", host_grow_request, host_volume, service_grow),
	METHOD("NoteInstance", instance_note, gone, service_note_instance),
};

const size_t service_method_count = ARRAY_SIZE(service_methods);

int64_t service_deadline(struct rpc_call *call)
{
	int left_ms = rpc_call_remaining_ms(call);

	if (left_ms < 0 || left_ms > OPERATION_MS + ANSWER_MS)
		return clock_ms() + OPERATION_MS;
	return clock_ms() + (left_ms > 2 * ANSWER_MS ? left_ms - ANSWER_MS : left_ms);
}

static bool is_unwanted(void *owner)
{
	return rpc_call_is_cancelled(owner);
}

int service_lock(struct agent *agent, struct rpc_call *call, const char *name, int64_t deadline_ms,
		 struct volume **out_volume, struct error *err)
{
	const struct patience patience = {deadline_ms, is_unwanted, call};

	return volumes_lock(agent->volumes, name, &patience, out_volume, err);
}

int64_t service_grace_ms(const struct agent *agent)
{
	return agent->settings.suspect_grace_s * INT64_C(1000);
}

/* Strings from a node or a caller, into a record; refused rather than cut. */
static int take(char *out_text, size_t size, const char *text, const char *what, struct error *err)
{
	if (strlen(text) >= size)
		return error_set(err, -EINVAL, "%s has more than %zu characters", what, size - 1);
	(void)snprintf(out_text, size, "%s", text);
	return 0;
}

int service_take_request(struct record *record, const struct agent *agent,
			 const Berth__V1__ProvisionRequest *request, struct error *err)
{
	const char *filesystem =
		*request->filesystem ? request->filesystem : agent->settings.default_filesystem;

	if (take(record->filesystem, sizeof(record->filesystem), filesystem, "the file system",
		 err) < 0 ||
	    take(record->owner, sizeof(record->owner), request->owner, "the owner", err) < 0 ||
	    take(record->mode, sizeof(record->mode), request->mode, "the mode", err) < 0 ||
	    take(record->mkfs_options, sizeof(record->mkfs_options), request->mkfs_options,
		 "the list of mkfs options", err) < 0)
		return -EINVAL;
	return 0;
}

int service_register(struct agent *agent, struct volume *volume, const char *node,
		     const Berth__V1__Volume *found, const Berth__V1__ProvisionRequest *request,
		     struct error *err)
{
	struct record record = {.size_bytes = found->size, .created_at_s = found->created_at};
	struct uuid uuid;
	int ret;

	if (uuid_parse(found->uuid, &uuid) < 0)
		return error_set(err, -EPROTO, "node '%s' gives volume '%s' no valid UUID", node,
				 found->name);
	if (found->size > INT64_MAX || found->created_at < 0)
		return error_set(err, -EPROTO, "node '%s' gives volume '%s' impossible numbers",
				 node, found->name);
	uuid_format(&uuid, record.uuid);
	if (take(record.name, sizeof(record.name), found->name, "the volume's name", err) < 0 ||
	    take(record.node, sizeof(record.node), node, "the node's address", err) < 0 ||
	    take(record.pool, sizeof(record.pool), found->pool, "the pool's name", err) < 0)
		return -EINVAL;
	/* One that was formatted has the file system that will be found on it. */
	if (!found->formatted && request) {
		ret = service_take_request(&record, agent, request, err);
		if (ret < 0)
			return ret;
	} else if (found->formatted) {
		record.format = RECORD_FORMAT_DONE;
		record.is_root_ready = true;
	}
	memcpy(record.boot_id, agent->boot_id, sizeof(record.boot_id));
	ret = volumes_save(agent->volumes, volume, &record, err);
	if (ret == 0)
		log_info("registered volume=%s uuid=%s node=%s", record.name, record.uuid, node);
	return ret;
}

int service_release(struct job *job, int64_t grace_ms, struct error *err)
{
	int ret;

	if (instances_count_valid(&job->agent->instances, &job->record.holders, clock_ms(),
				  grace_ms) > 0)
		return 0;
	ret = job_bring_down(job, err);
	if (ret < 0 || job->record.holders.count == 0)
		return ret;
	/* Those left were of runs that ended, and the kernel says that nobody has it. */
	holders_clear(&job->record.holders);
	return job_save(job, err);
}

int service_note_instance(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
			  ProtobufCMessage *reply, struct error *err)
{
	struct agent *agent = owner;
	const Berth__V1__InstanceNote *note = (const Berth__V1__InstanceNote *)request;

	if (*note->instance == '\0' || strlen(note->instance) >= HOLDER_INSTANCE_SIZE)
		return error_set(err, -EINVAL, "the instance must have 1 to %d characters",
				 HOLDER_INSTANCE_SIZE - 1);
	if (instances_note(&agent->instances, note->instance, clock_ms()))
		log_info("front end started instance=%s", note->instance);
	return 0;
}
