/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Provision, Remove and Grow: the life of a volume, on its node and on this host. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/filesystem.h"
#include "agent/root.h"
#include "agent/service.h"
#include "base/log.h"
#include "base/size.h"

#define NODE_MS 20000

static int request_check(const struct agent *agent, const Berth__V1__ProvisionRequest *request,
			 struct error *err)
{
	const char *filesystem =
		*request->filesystem ? request->filesystem : agent->settings.default_filesystem;
	mode_t mode;
	uid_t uid;
	gid_t gid;

	if (name_check("volume", request->name, err) < 0 ||
	    root_parse_owner(request->owner, &uid, &gid, err) < 0 ||
	    root_parse_mode(request->mode, &mode, err) < 0)
		return -EINVAL;
	return filesystem_check_options(filesystem, request->mkfs_options, err);
}

/* A repeat must mean the same volume; what it leaves open fits any. */
static int repeat_check(const Berth__V1__ProvisionRequest *request, uint64_t size_bytes,
			const char *pool, const char *filesystem, struct error *err)
{
	char has[SIZE_TEXT_MAX];
	char asked[SIZE_TEXT_MAX];

	if (request->size != 0 && request->size != size_bytes)
		return error_set(err, -EEXIST, "volume '%s' exists and has %s, not %s",
				 request->name, size_format(size_bytes, has),
				 size_format(request->size, asked));
	if (*request->pool != '\0' && strcmp(request->pool, pool) != 0)
		return error_set(err, -EEXIST, "volume '%s' exists and is in pool '%s', not '%s'",
				 request->name, pool, request->pool);
	if (*request->filesystem != '\0' && *filesystem != '\0' &&
	    strcmp(request->filesystem, filesystem) != 0)
		return error_set(err, -EEXIST, "volume '%s' exists and holds %s, not %s",
				 request->name, filesystem, request->filesystem);
	return 0;
}

static int create_on_node(struct agent *agent, const Berth__V1__ProvisionRequest *request,
			  int64_t deadline_ms, const char **out_node,
			  Berth__V1__Volume **out_volume, struct error *err)
{
	Berth__V1__CreateVolumeRequest create = BERTH__V1__CREATE_VOLUME_REQUEST__INIT;
	int ret = nodes_find_volume(&agent->settings, request->name,
				    clock_within(deadline_ms, NODE_MS), out_node, out_volume, err);

	if (ret != -ENOENT)
		return ret;
	ret = nodes_choose(&agent->settings, request->pool, clock_within(deadline_ms, NODE_MS),
			   out_node, err);
	if (ret < 0)
		return ret;
	create.name = request->name;
	create.pool = request->pool;
	create.size = request->size ? request->size : agent->settings.default_size_bytes;
	return nodes_create_volume(*out_node, &create, clock_within(deadline_ms, NODE_MS),
				   out_volume, err);
}

static int provision_new(struct agent *agent, struct volume *volume,
			 const Berth__V1__ProvisionRequest *request, int64_t deadline_ms,
			 struct error *err)
{
	Berth__V1__Volume *found = NULL;
	const char *node = NULL;
	int ret = create_on_node(agent, request, deadline_ms, &node, &found, err);

	if (ret < 0)
		return ret;
	ret = repeat_check(request, found->size, found->pool, "", err);
	if (ret == 0)
		ret = service_register(agent, volume, node, found, request, err);
	protobuf_c_message_free_unpacked(&found->base, NULL);
	return ret;
}

/* Format it and see to its root, which needs it mounted once; then let go again. */
static int prepare(struct job *job, struct error *err)
{
	struct error trouble = {0};
	int ret = job_bring_up(job, NULL, err);

	if (ret < 0) {
		job_note_error(job, err);
		return ret;
	}
	log_info("prepared volume=%s filesystem=%s", job->record.name, job->record.filesystem);
	job_note_error(job, NULL);
	if (service_release(job, 0, &trouble) < 0) {
		log_warn("letting go takes longer volume=%s: %s", job->record.name, trouble.text);
		job_note_error(job, &trouble);
	}
	return 0;
}

static int provision_owned(struct agent *agent, struct volume *volume, struct rpc_call *call,
			   const Berth__V1__ProvisionRequest *request, struct error *err)
{
	int64_t deadline_ms = service_deadline(call);
	const struct record *record = volume_record(volume);
	struct job job;
	int ret;

	if (record)
		ret = repeat_check(request, record->size_bytes, record->pool, record->filesystem,
				   err);
	else
		ret = provision_new(agent, volume, request, deadline_ms, err);
	if (ret < 0)
		return ret;
	ret = job_init(&job, agent, volume, deadline_ms, err);
	job.call = call;
	/* Nothing stands yet of what the options are for: those of a corrected repeat count. */
	if (ret == 0 && record && job.record.format < RECORD_FORMAT_MADE)
		ret = service_take_request(&job.record, agent, request, err);
	if (ret == 0 && (job.record.format != RECORD_FORMAT_DONE || !job.record.is_root_ready))
		ret = prepare(&job, err);
	job_fini(&job);
	return ret;
}

int service_provision(void *owner, struct rpc_call *call, const ProtobufCMessage *message,
		      ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__ProvisionRequest *request = (const Berth__V1__ProvisionRequest *)message;
	struct agent *agent = owner;
	struct volume *volume;
	int ret = request_check(agent, request, err);

	if (ret < 0)
		return ret;
	ret = service_lock(agent, call, request->name, service_deadline(call), &volume, err);
	if (ret < 0)
		return ret;
	ret = provision_owned(agent, volume, call, request, err);
	if (ret == 0)
		ret = service_describe_name(agent, request->name, (Berth__V1__HostVolume *)reply,
					    err);
	volumes_unlock(agent->volumes, volume);
	return ret;
}

/* Delete it on its node, if what is there under that name still is the volume of the record. */
static int delete_recorded(const struct record *record, int64_t deadline_ms, struct error *err)
{
	Berth__V1__Volume *found = NULL;
	bool is_same;
	int ret = nodes_get_volume(record->node, record->name, clock_within(deadline_ms, NODE_MS),
				   &found, err);

	if (ret == -ENOENT)
		return 0;
	if (ret < 0)
		return ret;
	is_same = strcmp(found->uuid, record->uuid) == 0;
	protobuf_c_message_free_unpacked(&found->base, NULL);
	if (!is_same) {
		log_warn("the node has another volume of that name, which stays volume=%s uuid=%s",
			 record->name, record->uuid);
		return 0;
	}
	ret = nodes_delete_volume(record->node, record->name, clock_within(deadline_ms, NODE_MS),
				  err);
	return ret == -ENOENT ? 0 : ret;
}

static int delete_unrecorded(struct agent *agent, const char *name, int64_t deadline_ms,
			     struct error *err)
{
	Berth__V1__Volume *found = NULL;
	const char *node = NULL;
	int ret = nodes_find_volume(&agent->settings, name, clock_within(deadline_ms, NODE_MS),
				    &node, &found, err);

	if (ret < 0)
		return ret == -ENOENT ? 0 : ret;
	protobuf_c_message_free_unpacked(&found->base, NULL);
	return nodes_delete_volume(node, name, clock_within(deadline_ms, NODE_MS), err);
}

static int remove_owned(struct job *job, struct error *err)
{
	struct agent *agent = job->agent;
	const struct holders *holders = &job->record.holders;
	/* Holders of runs that ended have no time of grace here: the kernel's word is enough. */
	size_t valid = instances_count_valid(&agent->instances, holders, clock_ms(), 0);
	int ret;

	if (valid > 0)
		return error_set(err, -EBUSY, "volume '%s' is in use by %zu holder%s; first '%s'",
				 job->record.name, valid, valid == 1 ? "" : "s",
				 holders->items[0].id);
	job->is_removing = true;
	ret = service_release(job, 0, err);
	if (ret == 0)
		ret = delete_recorded(&job->record, job->deadline_ms, err);
	if (ret < 0) {
		struct error cause = *err;

		job_note_error(job, &cause);
		return error_prefix(err, "volume '%s' is not removed", job->record.name);
	}
	return volumes_forget(agent->volumes, job->volume, err);
}

int service_remove(void *owner, struct rpc_call *call, const ProtobufCMessage *message,
		   ProtobufCMessage *reply, struct error *err)
{
	const char *name = ((const Berth__V1__HostVolumeName *)message)->name;
	int64_t deadline_ms = service_deadline(call);
	struct agent *agent = owner;
	struct volume *volume;
	struct job job;
	int ret;

	if (name_check("volume", name, err) < 0)
		return -EINVAL;
	ret = service_lock(agent, call, name, deadline_ms, &volume, err);
	if (ret < 0)
		return ret;
	if (volume_record(volume)) {
		ret = job_init(&job, agent, volume, deadline_ms, err);
		if (ret == 0)
			ret = remove_owned(&job, err);
		job_fini(&job);
	} else {
		ret = delete_unrecorded(agent, name, deadline_ms, err);
	}
	if (ret == 0)
		log_info("removed volume=%s", name);
	volumes_unlock(agent->volumes, volume);
	return ret;
}

/* The layers between the node and the file system, and the file system, from below. */
static int grow_attached(struct job *job, struct error *err)
{
	const struct attachment *attachment = attachment_find(job->record.attachment);
	bool is_up;
	int ret = job_look(job, &is_up, err);

	if (ret < 0 || !is_up)
		return ret; /* what is not mounted grows when it is */
	ret = attachment->identify(job, err);
	if (ret == 0)
		ret = attachment->resize(job, err);
	if (ret == 0)
		ret = filesystem_grow(job->record.filesystem, job->device, job->folder,
				      job->deadline_ms, err);
	return ret;
}

/* Growing cannot be taken back, so what has the name on the node must be this very volume. */
static int node_identify(const struct job *job, struct error *err)
{
	Berth__V1__Volume *found = NULL;
	int ret = nodes_get_volume(job->record.node, job->record.name,
				   clock_within(job->deadline_ms, NODE_MS), &found, err);

	if (ret < 0)
		return ret;
	if (strcmp(found->uuid, job->record.uuid) != 0)
		ret = error_set(err, -ESTALE, "the node has another volume named '%s' now",
				job->record.name);
	protobuf_c_message_free_unpacked(&found->base, NULL);
	return ret;
}

static int grow_owned(struct job *job, uint64_t size_bytes, struct error *err)
{
	Berth__V1__Volume *grown = NULL;
	int ret = node_identify(job, err);

	if (ret == 0)
		ret = nodes_grow_volume(job->record.node, job->record.name, size_bytes,
					clock_within(job->deadline_ms, NODE_MS), &grown, err);
	if (ret < 0 || !grown)
		return ret;
	job->record.size_bytes = grown->size;
	protobuf_c_message_free_unpacked(&grown->base, NULL);
	ret = job_save(job, err);
	if (ret == 0)
		ret = grow_attached(job, err);
	if (ret < 0)
		return error_prefix(err,
				    "volume '%s' grew on its node, but not on this host; "
				    "repeat it",
				    job->record.name);
	log_info("grown volume=%s size=%" PRIu64, job->record.name, job->record.size_bytes);
	return 0;
}

int service_grow(void *owner, struct rpc_call *call, const ProtobufCMessage *message,
		 ProtobufCMessage *reply, struct error *err)
{
	const Berth__V1__HostGrowRequest *request = (const Berth__V1__HostGrowRequest *)message;
	int64_t deadline_ms = service_deadline(call);
	struct agent *agent = owner;
	struct volume *volume;
	struct job job;
	int ret;

	if (name_check("volume", request->name, err) < 0)
		return -EINVAL;
	ret = service_lock(agent, call, request->name, deadline_ms, &volume, err);
	if (ret < 0)
		return ret;
	ret = job_init(&job, agent, volume, deadline_ms, err);
	if (ret == 0)
		ret = grow_owned(&job, request->size, err);
	job_fini(&job);
	if (ret == 0)
		ret = service_describe_name(agent, request->name, (Berth__V1__HostVolume *)reply,
					    err);
	volumes_unlock(agent->volumes, volume);
	return ret;
}
