/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Get and List. They are asked before nearly everything dockerd does, and a wrong "not found"
 * makes it put an empty local volume in the place of ours: so they answer from the records, wait
 * for nobody, and say "not found" only when every node has said so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "agent/clock.h"
#include "agent/service.h"
#include "base/cleanup.h"

#define ASK_MS 800 /* dockerd must have its answer within a second */

int service_text(char **field, const char *text, struct error *err)
{
	char *copy;

	if (*text == '\0')
		return 0; /* the answer's default */
	copy = strdup(text);
	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	*field = copy;
	return 0;
}

/* Bytes in use; of mounted ext4 and XFS the kernel tells this from memory, without I/O. */
static uint64_t used_bytes(const char *folder)
{
	struct statfs fs;

	if (statfs(folder, &fs) < 0 || fs.f_blocks < fs.f_bfree)
		return 0;
	return (uint64_t)(fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
}

static int describe_holders(const struct holders *holders, Berth__V1__HostVolume *reply,
			    struct error *err)
{
	if (holders->count == 0)
		return 0;
	reply->holders = calloc(holders->count, sizeof(*reply->holders));
	if (!reply->holders)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < holders->count; i++) {
		reply->holders[i] = strdup(holders->items[i].id);
		if (!reply->holders[i])
			return error_set(err, -ENOMEM, "out of memory");
		reply->n_holders++;
	}
	return 0;
}

static int describe_place(struct agent *agent, const struct volume_view *view,
			  Berth__V1__HostVolume *reply, struct error *err)
{
	char folder[PATH_MAX];

	if (service_text(&reply->attachment, view->record.attachment, err) < 0 ||
	    service_text(&reply->device, view->record.device, err) < 0)
		return -ENOMEM;
	if (view->state != VOLUME_ATTACHED)
		return 0;
	(void)snprintf(folder, sizeof(folder), "%s/%s", agent->settings.mounts, view->record.name);
	reply->used = used_bytes(folder);
	return service_text(&reply->mountpoint, folder, err);
}

int service_describe(struct agent *agent, const struct volume_view *view,
		     Berth__V1__HostVolume *reply, struct error *err)
{
	const struct record *record = &view->record;

	if (service_text(&reply->name, record->name, err) < 0 ||
	    service_text(&reply->uuid, record->uuid, err) < 0 ||
	    service_text(&reply->node, record->node, err) < 0 ||
	    service_text(&reply->pool, record->pool, err) < 0 ||
	    service_text(&reply->filesystem, record->filesystem, err) < 0 ||
	    service_text(&reply->state, volume_state_name(view->state), err) < 0 ||
	    service_text(&reply->last_error, *view->trouble ? view->trouble : record->last_error,
			 err) < 0)
		return -ENOMEM;
	reply->size = record->size_bytes;
	reply->created_at = record->created_at_s;
	if (describe_place(agent, view, reply, err) < 0)
		return -ENOMEM;
	return describe_holders(&record->holders, reply, err);
}

int service_describe_name(struct agent *agent, const char *name, Berth__V1__HostVolume *reply,
			  struct error *err)
{
	struct volume_view view = {0};
	int ret = volumes_view(agent->volumes, name, &view, err);

	if (ret == 0)
		ret = service_describe(agent, &view, reply, err);
	volume_view_fini(&view);
	return ret;
}

/* A volume that this host has never used: described as its node knows it, and not recorded. */
static int describe_unknown(struct agent *agent, const char *name, Berth__V1__HostVolume *reply,
			    struct error *err)
{
	Berth__V1__Volume *found;
	const char *node;
	int ret =
		nodes_find_volume(&agent->settings, name, clock_ms() + ASK_MS, &node, &found, err);

	if (ret < 0)
		return ret;
	reply->size = found->size;
	reply->created_at = found->created_at;
	if (service_text(&reply->name, found->name, err) < 0 ||
	    service_text(&reply->uuid, found->uuid, err) < 0 ||
	    service_text(&reply->node, node, err) < 0 ||
	    service_text(&reply->pool, found->pool, err) < 0 ||
	    service_text(&reply->state, volume_state_name(VOLUME_DETACHED), err) < 0)
		ret = -ENOMEM;
	protobuf_c_message_free_unpacked(&found->base, NULL);
	return ret;
}

int service_get(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
		ProtobufCMessage *reply, struct error *err)
{
	const char *name = ((const Berth__V1__HostVolumeName *)request)->name;
	Berth__V1__HostVolume *volume = (Berth__V1__HostVolume *)reply;
	struct agent *agent = owner;
	int ret = service_describe_name(agent, name, volume, err);

	if (ret != -ENOENT)
		return ret;
	/* No node can have a volume whose name no node accepts. */
	if (name_check("volume", name, NULL) < 0)
		return ret;
	return describe_unknown(agent, name, volume, err);
}

int service_list(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
		 ProtobufCMessage *reply, struct error *err)
{
	Berth__V1__ListReply *list = (Berth__V1__ListReply *)reply;
	struct agent *agent = owner;
	struct volume_view *views;
	size_t count;
	int ret = volumes_view_all(agent->volumes, &views, &count, err);

	if (ret < 0)
		return ret;
	list->volumes = calloc(count + 1, sizeof(*list->volumes));
	if (!list->volumes) {
		ret = -ENOMEM;
		error_set(err, ret, "out of memory");
	}
	for (size_t i = 0; ret == 0 && list->volumes && i < count; i++) {
		Berth__V1__HostVolume *volume = malloc(sizeof(*volume));

		if (!volume) {
			ret = error_set(err, -ENOMEM, "out of memory");
			break;
		}
		berth__v1__host_volume__init(volume);
		list->volumes[list->n_volumes++] = volume;
		ret = service_describe(agent, &views[i], volume, err);
	}
	volumes_views_free(views, count);
	return ret;
}
