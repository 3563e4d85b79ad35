/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attach and Detach: holders come and go, the volume follows. */
#include <errno.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/keeper.h"
#include "agent/service.h"
#include "base/log.h"

#define REGISTER_MS 10000
#define RELEASE_MS  30000

/* A volume that another host, or an administrator, made: found by its name. */
static int register_from_node(struct agent *agent, struct volume *volume, const char *name,
			      int64_t deadline_ms, struct error *err)
{
	Berth__V1__Volume *found;
	const char *node;
	int ret = nodes_find_volume(&agent->settings, name, clock_within(deadline_ms, REGISTER_MS),
				    &node, &found, err);

	if (ret < 0)
		return ret;
	ret = service_register(agent, volume, node, found, NULL, err);
	protobuf_c_message_free_unpacked(&found->base, NULL);
	return ret;
}

static int hold(struct job *job, const Berth__V1__AttachRequest *request, struct error *err)
{
	struct record *record = &job->record;
	int ret = holders_add(&record->holders, request->holder, request->instance, err);

	if (ret < 0)
		return ret;
	memcpy(record->boot_id, job->agent->boot_id, sizeof(record->boot_id));
	record->last_error[0] = '\0';
	ret = job_save(job, err);
	if (ret < 0)
		holders_strike(&record->holders, request->holder, request->instance);
	return ret;
}

/* Nobody heard that it is mounted, so nobody will ever unmount it. */
static int roll_back_unheard(struct job *job, const Berth__V1__AttachRequest *request,
			     struct error *err)
{
	struct error trouble = {0};

	log_info("nobody waits for an attach any more, it is taken back volume=%s",
		 job->record.name);
	job->deadline_ms = clock_ms() + RELEASE_MS;
	holders_strike(&job->record.holders, request->holder, request->instance);
	if (job_save(job, &trouble) < 0 ||
	    service_release(job, service_grace_ms(job->agent), &trouble) < 0)
		log_warn("taking it back goes on later volume=%s: %s", job->record.name,
			 trouble.text);
	return error_set(err, -ECANCELED, "nobody waits for the answer any more");
}

static int attach_owned(struct job *job, const Berth__V1__AttachRequest *request, struct error *err)
{
	struct error trouble = {0};
	int ret = job_bring_up(job, NULL, err);

	if (ret == 0)
		ret = hold(job, request, err);
	if (ret < 0) {
		job_note_error(job, err);
		/* Mounted, but it cannot be noted for whom: then not mounted. */
		if (service_release(job, service_grace_ms(job->agent), &trouble) < 0)
			log_warn("a failed attach is undone later volume=%s: %s", job->record.name,
				 trouble.text);
		return ret;
	}
	if (rpc_call_is_cancelled(job->call))
		return roll_back_unheard(job, request, err);
	log_info("attached volume=%s device=%s holder=%s holders=%zu", job->record.name,
		 job->device, request->holder, job->record.holders.count);
	return 0;
}

int service_attach(void *owner, struct rpc_call *call, const ProtobufCMessage *message,
		   ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__AttachRequest *request = (const Berth__V1__AttachRequest *)message;
	int64_t deadline_ms = service_deadline(call);
	struct agent *agent = owner;
	struct volume *volume;
	struct job job;
	int ret;

	if (name_check("volume", request->name, err) < 0 ||
	    holder_check(request->holder, request->instance, err) < 0)
		return -EINVAL;
	(void)instances_note(&agent->instances, request->instance, clock_ms());
	ret = service_lock(agent, call, request->name, deadline_ms, &volume, err);
	if (ret < 0)
		return ret;
	if (!volume_record(volume))
		ret = register_from_node(agent, volume, request->name, deadline_ms, err);
	if (ret == 0) {
		ret = job_init(&job, agent, volume, deadline_ms, err);
		job.call = call;
		if (ret == 0)
			ret = attach_owned(&job, request, err);
		job_fini(&job);
	}
	if (ret == 0)
		ret = service_describe_name(agent, request->name, (Berth__V1__HostVolume *)reply,
					    err);
	volumes_unlock(agent->volumes, volume);
	keeper_wake(agent->keeper);
	return ret;
}

static int detach_owned(struct job *job, const Berth__V1__DetachRequest *request, struct error *err)
{
	int ret = 0;

	if (holders_strike(&job->record.holders, request->holder, request->instance))
		ret = job_save(job, err);
	if (ret < 0)
		return ret;
	log_info("detached volume=%s holder=%s holders=%zu", job->record.name, request->holder,
		 job->record.holders.count);
	ret = service_release(job, service_grace_ms(job->agent), err);
	if (ret == 0)
		return 0;
	log_info("letting go takes longer volume=%s state=%s: %s", job->record.name,
		 volume_state_name(volume_state_of(job->volume)), err->text);
	job_note_error(job, err);
	/* That somebody holds on, or that the node is to be told later, is no failure: the need
	 * is struck, durably, and the keeper goes on. A hanging unmount is one. */
	return ret == -ETIMEDOUT ? ret : 0;
}

int service_detach(void *owner, struct rpc_call *call, const ProtobufCMessage *message,
		   ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__DetachRequest *request = (const Berth__V1__DetachRequest *)message;
	int64_t deadline_ms = service_deadline(call);
	struct agent *agent = owner;
	struct volume *volume;
	struct job job;
	int ret;

	if (name_check("volume", request->name, err) < 0 ||
	    holder_check(request->holder, request->instance, err) < 0)
		return -EINVAL;
	(void)instances_note(&agent->instances, request->instance, clock_ms());
	ret = service_lock(agent, call, request->name, deadline_ms, &volume, err);
	if (ret < 0)
		return ret;
	if (!volume_record(volume)) {
		volumes_unlock(agent->volumes, volume);
		return service_text(&((Berth__V1__HostVolume *)reply)->name, request->name, err);
	}
	ret = job_init(&job, agent, volume, deadline_ms, err);
	if (ret == 0)
		ret = detach_owned(&job, request, err);
	job_fini(&job);
	if (ret == 0)
		ret = service_describe_name(agent, request->name, (Berth__V1__HostVolume *)reply,
					    err);
	volumes_unlock(agent->volumes, volume);
	keeper_wake(agent->keeper);
	return ret;
}
