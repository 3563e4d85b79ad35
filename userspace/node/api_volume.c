/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes on the control API. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/api.h"
#include "node/control.h"
#include "node/volumes.h"
#include "rpc/message.h"

static int publications_fill(struct node *node, const char *volume, Berth__V1__Volume *message)
{
	list_for_each (&node->publications, publication, struct publication, link) {
		Berth__V1__Publication *entry;
		int ret;

		if (strcmp(publication->volume, volume) != 0)
			continue;
		entry = rpc_add_message(&message->n_publications, &message->publications,
					&berth__v1__publication__descriptor);
		ret = entry ? api_fill_publication(node, publication, false, entry) : -ENOMEM;
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int volume_fill(struct node *node, const struct node_pool *pool,
		       const struct volume_facts *facts, Berth__V1__Volume *message)
{
	char target_name[ISCSI_NAME_SIZE];
	char uuid[UUID_TEXT_SIZE];

	message->size = facts->size_bytes;
	message->mapped = facts->mapped_bytes;
	message->formatted = facts->is_formatted;
	message->created_at = (int64_t)facts->created_at_s;
	message->logical_block_size = facts->logical_block_bytes;
	if (rpc_set_string(&message->name, facts->name) < 0 ||
	    rpc_set_string(&message->uuid, uuid_format(&facts->uuid, uuid)) < 0 ||
	    rpc_set_string(&message->pool, pool->name) < 0 ||
	    rpc_set_string(&message->state, facts->is_damaged ? "damaged" : "ok") < 0 ||
	    rpc_set_string(&message->target_name,
			   node_target_name(node, facts->name, target_name)) < 0)
		return -ENOMEM;
	return publications_fill(node, facts->name, message);
}

/* The answer to everything that changes or asks for one volume. */
static int volume_answer(struct node *node, const struct volume_choice *choice,
			 ProtobufCMessage *reply, struct error *err)
{
	struct volume_facts facts;
	struct node_pool *pool;
	int ret = node_volume_choose(node, choice, &pool, &facts, err);

	return ret < 0 ? ret : volume_fill(node, pool, &facts, (Berth__V1__Volume *)reply);
}

int api_create_volume(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		      struct error *err)
{
	const Berth__V1__CreateVolumeRequest *wanted =
		(const Berth__V1__CreateVolumeRequest *)request;
	const struct volume_creation creation = {
		.name = wanted->name,
		.pool = wanted->pool,
		.size_bytes = wanted->size,
		.logical_block_bytes = wanted->logical_block_size,
	};
	int ret = node_volume_create(node, &creation, err);

	if (ret == 0)
		ret = volume_answer(node, &(struct volume_choice){wanted->name, ""}, reply, err);
	return ret;
}

int api_get_volume(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		   struct error *err)
{
	const Berth__V1__VolumeName *wanted = (const Berth__V1__VolumeName *)request;
	const struct volume_choice choice = {wanted->name, wanted->volume_uuid};

	return volume_answer(node, &choice, reply, err);
}

static int volumes_of_pool_fill(struct node *node, const struct node_pool *pool,
				Berth__V1__ListVolumesReply *list)
{
	struct volume_facts *facts = NULL;
	uint32_t count = 0;
	int ret = control_volume_list(node->reactor.loop, pool->pool, &facts, &count);

	for (uint32_t i = 0; ret == 0 && i < count; i++) {
		Berth__V1__Volume *message = rpc_add_message(&list->n_volumes, &list->volumes,
							     &berth__v1__volume__descriptor);

		ret = message ? volume_fill(node, pool, &facts[i], message) : -ENOMEM;
	}
	free(facts);
	return ret;
}

int api_list_volumes(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		     struct error *err)
{
	const Berth__V1__ListVolumesRequest *wanted =
		(const Berth__V1__ListVolumesRequest *)request;
	struct node_pool *only = NULL;
	int ret = 0;

	if (*wanted->pool)
		ret = node_pool_find(node, wanted->pool, &only, err);
	list_for_each (&node->pools, pool, struct node_pool, link) {
		if (ret < 0)
			break;
		if (pool->pool && (!only || pool == only))
			ret = volumes_of_pool_fill(node, pool,
						   (Berth__V1__ListVolumesReply *)reply);
	}
	return ret;
}

int api_grow_volume(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		    struct error *err)
{
	const Berth__V1__GrowVolumeRequest *wanted = (const Berth__V1__GrowVolumeRequest *)request;
	const struct volume_choice choice = {wanted->name, wanted->volume_uuid};
	int ret = node_volume_grow(node, &choice, wanted->size, err);

	if (ret == 0)
		ret = volume_answer(node, &choice, reply, err);
	return ret;
}

int api_delete_volume(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		      struct error *err)
{
	const Berth__V1__VolumeName *wanted = (const Berth__V1__VolumeName *)request;
	const struct volume_choice choice = {wanted->name, wanted->volume_uuid};

	return node_volume_delete(node, &choice, err);
}

int api_mark_formatted(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		       struct error *err)
{
	const Berth__V1__VolumeName *wanted = (const Berth__V1__VolumeName *)request;
	const struct volume_choice choice = {wanted->name, wanted->volume_uuid};
	int ret = node_volume_mark_formatted(node, &choice, err);

	if (ret == 0)
		ret = volume_answer(node, &choice, reply, err);
	return ret;
}
