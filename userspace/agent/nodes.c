/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/nodes.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "agent/clock.h"
#include "rpc/client.h"

/* One method of the service: where it is and what it answers. */
struct method {
	const char *path;
	const ProtobufCMessageDescriptor *reply;
};

static const struct method get_volume = {"/berth.v1.Node/GetVolume",
					 &berth__v1__volume__descriptor};
static const struct method create_volume = {"/berth.v1.Node/CreateVolume",
					    &berth__v1__volume__descriptor};
static const struct method grow_volume = {"/berth.v1.Node/GrowVolume",
					  &berth__v1__volume__descriptor};
static const struct method delete_volume = {"/berth.v1.Node/DeleteVolume",
					    &berth__v1__empty__descriptor};
static const struct method mark_formatted = {"/berth.v1.Node/MarkFormatted",
					     &berth__v1__volume__descriptor};
static const struct method publish = {"/berth.v1.Node/Publish",
				      &berth__v1__publication__descriptor};
static const struct method unpublish = {"/berth.v1.Node/Unpublish", &berth__v1__empty__descriptor};
static const struct method list_pools = {"/berth.v1.Node/ListPools",
					 &berth__v1__list_pools_reply__descriptor};

static int call(const char *node, const struct method *method, const ProtobufCMessage *request,
		int64_t deadline_ms, ProtobufCMessage **out_reply, struct error *err)
{
	int left_ms = clock_left_ms(deadline_ms);
	struct rpc_client *client = NULL;
	int ret;

	if (left_ms == 0)
		return error_set(err, -ETIMEDOUT, "no time was left to ask node '%s'", node);
	ret = rpc_client_new(node, &client, err);
	if (ret < 0)
		return ret;
	ret = rpc_client_call(client, method->path, request, method->reply, (unsigned)left_ms,
			      out_reply, err);
	rpc_client_free(client);
	return ret;
}

/* A call whose answer says nothing. */
static int call_plain(const char *node, const struct method *method,
		      const ProtobufCMessage *request, int64_t deadline_ms, struct error *err)
{
	ProtobufCMessage *reply = NULL;
	int ret = call(node, method, request, deadline_ms, &reply, err);

	if (ret == 0)
		protobuf_c_message_free_unpacked(reply, NULL);
	return ret;
}

int nodes_get_volume(const char *node, const char *name, int64_t deadline_ms,
		     Berth__V1__Volume **out_volume, struct error *err)
{
	Berth__V1__VolumeName request = BERTH__V1__VOLUME_NAME__INIT;

	request.name = (char *)name;
	return call(node, &get_volume, &request.base, deadline_ms, (ProtobufCMessage **)out_volume,
		    err);
}

int nodes_create_volume(const char *node, const Berth__V1__CreateVolumeRequest *request,
			int64_t deadline_ms, Berth__V1__Volume **out_volume, struct error *err)
{
	return call(node, &create_volume, &request->base, deadline_ms,
		    (ProtobufCMessage **)out_volume, err);
}

int nodes_grow_volume(const char *node, const char *name, uint64_t size_bytes, int64_t deadline_ms,
		      Berth__V1__Volume **out_volume, struct error *err)
{
	Berth__V1__GrowVolumeRequest request = BERTH__V1__GROW_VOLUME_REQUEST__INIT;

	request.name = (char *)name;
	request.size = size_bytes;
	return call(node, &grow_volume, &request.base, deadline_ms, (ProtobufCMessage **)out_volume,
		    err);
}

int nodes_delete_volume(const char *node, const char *name, int64_t deadline_ms, struct error *err)
{
	Berth__V1__VolumeName request = BERTH__V1__VOLUME_NAME__INIT;

	request.name = (char *)name;
	return call_plain(node, &delete_volume, &request.base, deadline_ms, err);
}

int nodes_mark_formatted(const char *node, const char *name, int64_t deadline_ms, struct error *err)
{
	Berth__V1__VolumeName request = BERTH__V1__VOLUME_NAME__INIT;

	request.name = (char *)name;
	return call_plain(node, &mark_formatted, &request.base, deadline_ms, err);
}

int nodes_publish(const char *node, const char *name, const char *initiator, int64_t deadline_ms,
		  Berth__V1__Publication **out_publication, struct error *err)
{
	Berth__V1__PublishRequest request = BERTH__V1__PUBLISH_REQUEST__INIT;

	request.volume = (char *)name;
	request.initiator = (char *)initiator;
	return call(node, &publish, &request.base, deadline_ms,
		    (ProtobufCMessage **)out_publication, err);
}

int nodes_unpublish(const char *node, const char *name, const char *initiator, int64_t deadline_ms,
		    struct error *err)
{
	Berth__V1__UnpublishRequest request = BERTH__V1__UNPUBLISH_REQUEST__INIT;
	int ret;

	request.volume = (char *)name;
	request.initiator = (char *)initiator;
	ret = call_plain(node, &unpublish, &request.base, deadline_ms, err);
	return ret == -ENOENT ? 0 : ret; /* a volume that is gone is not published */
}

int nodes_find_volume(const struct settings *settings, const char *name, int64_t deadline_ms,
		      const char **out_node, Berth__V1__Volume **out_volume, struct error *err)
{
	int first_failure = -ENOENT;
	struct error failure = {0};

	error_set(&failure, -ENOENT, "there is no volume '%s' on any node", name);
	for (unsigned i = 0; i < settings->node_count; i++) {
		const char *node = settings->nodes[i];
		/* Each node gets its share of the time, so that one that hangs leaves some. */
		int64_t share = clock_left_ms(deadline_ms) / (int64_t)(settings->node_count - i);
		struct error reason = {0};
		int ret = nodes_get_volume(node, name, clock_within(deadline_ms, share), out_volume,
					   &reason);

		if (ret == 0) {
			*out_node = node;
			return 0;
		}
		if (ret != -ENOENT && first_failure == -ENOENT) {
			/* However it failed, the meaning is: nobody knows. Never "not found". */
			first_failure = -ECONNREFUSED;
			error_set(&failure, first_failure,
				  "whether there is a volume '%s' is unknown: node '%s': %s", name,
				  node, reason.text);
		}
	}
	return error_set(err, first_failure, "%s", failure.text);
}

/* The most free space in a pool of the node that may take the volume; 0 if there is none. */
static uint64_t free_bytes_in(const Berth__V1__ListPoolsReply *reply, const char *pool)
{
	uint64_t most = 0;

	for (size_t i = 0; i < reply->n_pools; i++) {
		const Berth__V1__Pool *one = reply->pools[i];

		if (*pool != '\0' && strcmp(one->name, pool) != 0)
			continue;
		if (strcmp(one->state, "read-write") == 0 && one->free > most)
			most = one->free;
	}
	return most;
}

int nodes_choose(const struct settings *settings, const char *pool, int64_t deadline_ms,
		 const char **out_node, struct error *err)
{
	Berth__V1__ListPoolsRequest request = BERTH__V1__LIST_POOLS_REQUEST__INIT;
	const char *best = NULL;
	uint64_t best_bytes = 0;

	if (settings->node_count == 1) {
		*out_node = settings->nodes[0];
		return 0;
	}
	for (unsigned i = 0; i < settings->node_count; i++) {
		Berth__V1__ListPoolsReply *reply = NULL;
		uint64_t bytes;
		int ret = call(settings->nodes[i], &list_pools, &request.base, deadline_ms,
			       (ProtobufCMessage **)&reply, err);

		if (ret < 0 || !reply)
			return ret;
		bytes = free_bytes_in(reply, pool);
		protobuf_c_message_free_unpacked(&reply->base, NULL);
		if (bytes > best_bytes) {
			best_bytes = bytes;
			best = settings->nodes[i];
		}
	}
	if (!best)
		return error_set(err, -ENOSPC, "no node has %s%s with free space",
				 *pool ? "a pool " : "a pool", pool);
	*out_node = best;
	return 0;
}
