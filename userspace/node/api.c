/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/api.h"

#include <errno.h>

#include "base/log.h"
#include "rpc/message.h"

#define WATCH_POLL_MS 500

/* How a call is carried out; the table of methods below has one for each. */
struct api_call {
	api_handler *handle;
	bool is_change;
};

/*
 * One call at a time. One that changes something is refused if nobody waits for it any more: a
 * caller that gave up may have asked for something else since, and carrying out its old wish
 * after its new one could let in or fence the wrong host.
 */
static int api_run(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
		   ProtobufCMessage *reply, struct error *err)
{
	const struct api_call *how = rpc_call_context(call);
	struct node *node = owner;
	int ret;

	pthread_mutex_lock(&node->lock);
	if (how->is_change && rpc_call_is_cancelled(call))
		ret = error_set(err, -ECANCELED, "the call was given up before its turn came");
	else
		ret = how->handle(node, request, reply, err);
	pthread_mutex_unlock(&node->lock);
	return ret;
}

int api_get_node(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		 struct error *err)
{
	Berth__V1__NodeInfo *info = (Berth__V1__NodeInfo *)reply;
	int ret = rpc_set_string(&info->name, node->settings.name);

	if (ret == 0)
		ret = rpc_set_string(&info->version, BERTH_VERSION);
	for (unsigned i = 0; ret == 0 && i < node->portal_count; i++)
		ret = rpc_add_string(&info->n_portals, &info->portals, node->portals[i]);
	info->uptime_seconds = (uint64_t)(time(NULL) - node->started_at);
	return ret;
}

static int event_send(struct rpc_call *call, struct event *event)
{
	Berth__V1__Event message = BERTH__V1__EVENT__INIT;

	message.at = event->at_ms;
	message.kind = event->kind;
	message.pool = event->pool;
	message.volume = event->volume;
	message.initiator = event->initiator;
	message.text = event->text;
	return rpc_call_send(call, &message.base);
}

/* A stream: it takes no part in changes, and so not the lock. */
static int watch_events(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
			ProtobufCMessage *reply, struct error *err)
{
	struct node *node = owner;
	uint64_t position = events_now(&node->events);
	struct event event;
	int ret = 0;

	while (ret == 0 && !rpc_call_is_cancelled(call)) {
		if (events_wait(&node->events, &position, &event, WATCH_POLL_MS))
			ret = event_send(call, &event);
	}
	return ret;
}

#define METHOD(name, request_type, reply_type, function, is_changing)                              \
	{                                                                                          \
		.path = "/berth.v1.Node/" name,                                                    \
		.request = &berth__v1__##request_type##__descriptor,                               \
		.reply = &berth__v1__##reply_type##__descriptor, .handle = api_run,                \
		.context = &(const struct api_call){function, is_changing},                        \
	}
#define LOOK(name, request, reply, function)   METHOD(name, request, reply, function, false)
#define CHANGE(name, request, reply, function) METHOD(name, request, reply, function, true)

static const struct rpc_method methods[] = {
	LOOK("GetNode", get_node_request, node_info, api_get_node),
	CHANGE("CreatePool", create_pool_request, pool, api_create_pool),
	CHANGE("ImportPool", import_pool_request, pool, api_import_pool),
	CHANGE("ExportPool", pool_name, empty, api_export_pool),
	LOOK("GetPool", pool_name, pool, api_get_pool),
	LOOK("ListPools", list_pools_request, list_pools_reply, api_list_pools),
	CHANGE("GrowPool", grow_pool_request, pool, api_grow_pool),
	CHANGE("RenamePool", rename_pool_request, pool, api_rename_pool),
	CHANGE("SetPool", set_pool_request, pool, api_set_pool),
	CHANGE("DeletePool", pool_name, empty, api_delete_pool),
	CHANGE("CreateVolume", create_volume_request, volume, api_create_volume),
	LOOK("GetVolume", volume_name, volume, api_get_volume),
	LOOK("ListVolumes", list_volumes_request, list_volumes_reply, api_list_volumes),
	CHANGE("GrowVolume", grow_volume_request, volume, api_grow_volume),
	CHANGE("SetVolume", set_volume_request, volume, api_set_volume),
	CHANGE("RevertVolume", revert_volume_request, volume, api_revert_volume),
	CHANGE("DeleteVolume", volume_name, deleted, api_delete_volume),
	CHANGE("MarkFormatted", volume_name, volume, api_mark_formatted),
	CHANGE("CreateSnapshot", create_snapshot_request, snapshot, api_create_snapshot),
	LOOK("GetSnapshot", snapshot_name, snapshot, api_get_snapshot),
	LOOK("ListSnapshots", list_snapshots_request, list_snapshots_reply, api_list_snapshots),
	CHANGE("DeleteSnapshot", snapshot_name, deleted, api_delete_snapshot),
	LOOK("PreviewDelete", preview_delete_request, preview_delete_reply, api_preview_delete),
	CHANGE("Publish", publish_request, publication, api_publish),
	CHANGE("Unpublish", unpublish_request, empty, api_unpublish),
	LOOK("ListPublications", list_publications_request, list_publications_reply,
	     api_list_publications),
	{"/berth.v1.Node/WatchEvents", &berth__v1__watch_events_request__descriptor,
	 &berth__v1__event__descriptor, true, watch_events, NULL},
};

int api_start(struct node *node, struct rpc_server **out_server, struct error *err)
{
	const struct rpc_server_settings settings = {
		.methods = methods,
		.method_count = ARRAY_SIZE(methods),
		.owner = node,
		.worker_count = 16,
	};
	struct rpc_server *server;
	int ret = rpc_server_new(&settings, &server, err);

	if (ret < 0)
		return ret;
	for (unsigned i = 0; ret == 0 && i < node->settings.api_count; i++) {
		char bound[NODE_ADDRESS_SIZE];

		ret = rpc_server_listen(server, node->settings.api[i], bound, err);
		if (ret == 0)
			log_info("serving api address=%s", bound);
	}
	if (ret == 0)
		ret = rpc_server_start(server, err);
	if (ret < 0) {
		rpc_server_stop(server, 0);
		return ret;
	}
	*out_server = server;
	return 0;
}
