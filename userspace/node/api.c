/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/api.h"

#include <errno.h>

#include "base/log.h"
#include "rpc/message.h"

#define WATCH_POLL_MS 500

int api_lock(struct node *node, struct rpc_call *call, struct error *err)
{
	pthread_mutex_lock(&node->lock);
	if (!rpc_call_is_cancelled(call))
		return 0;
	pthread_mutex_unlock(&node->lock);
	return error_set(err, -ECANCELED, "the call was given up before its turn came");
}

int api_get_node(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
		 ProtobufCMessage *reply, struct error *err)
{
	struct node *node = owner;
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

int api_watch_events(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
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

#define METHOD(name, request_type, reply_type, handler, streaming)                                 \
	{                                                                                          \
		"/berth.v1.Node/" name, &berth__v1__##request_type##__descriptor,                  \
			&berth__v1__##reply_type##__descriptor, streaming, handler                 \
	}

static const struct rpc_method methods[] = {
	METHOD("GetNode", get_node_request, node_info, api_get_node, false),
	METHOD("CreatePool", create_pool_request, pool, api_create_pool, false),
	METHOD("ImportPool", import_pool_request, pool, api_import_pool, false),
	METHOD("GetPool", pool_name, pool, api_get_pool, false),
	METHOD("ListPools", list_pools_request, list_pools_reply, api_list_pools, false),
	METHOD("GrowPool", grow_pool_request, pool, api_grow_pool, false),
	METHOD("DeletePool", pool_name, empty, api_delete_pool, false),
	METHOD("CreateVolume", create_volume_request, volume, api_create_volume, false),
	METHOD("GetVolume", volume_name, volume, api_get_volume, false),
	METHOD("ListVolumes", list_volumes_request, list_volumes_reply, api_list_volumes, false),
	METHOD("GrowVolume", grow_volume_request, volume, api_grow_volume, false),
	METHOD("DeleteVolume", volume_name, empty, api_delete_volume, false),
	METHOD("MarkFormatted", volume_name, volume, api_mark_formatted, false),
	METHOD("Publish", publish_request, publication, api_publish, false),
	METHOD("Unpublish", unpublish_request, empty, api_unpublish, false),
	METHOD("ListPublications", list_publications_request, list_publications_reply,
	       api_list_publications, false),
	METHOD("WatchEvents", watch_events_request, event, api_watch_events, true),
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
