/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes on the control API. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/api.h"
#include "node/control.h"
#include "node/volumes.h"
#include "rpc/message.h"

/* Publications in order of volume, so that a list of volumes finds each one's at once. */
struct publication_index {
	const struct publication **sorted;
	size_t count;
};

static int publication_compare(const void *a, const void *b)
{
	const struct publication *const *first = a;
	const struct publication *const *second = b;

	return strcmp((*first)->volume, (*second)->volume);
}

static int publication_index_init(struct publication_index *index, const struct node *node)
{
	size_t count = 0;

	list_for_each (&node->publications, publication, struct publication, link)
		count++;
	index->sorted = calloc(count + 1, sizeof(*index->sorted));
	if (!index->sorted)
		return -ENOMEM;
	index->count = 0;
	list_for_each (&node->publications, publication, struct publication, link)
		index->sorted[index->count++] = publication;
	qsort(index->sorted, count, sizeof(*index->sorted), publication_compare);
	return 0;
}

static void publication_index_fini(struct publication_index *index)
{
	free(index->sorted);
}

/* The first that is not of a volume before this one. */
static size_t publication_index_find(const struct publication_index *index, const char *volume)
{
	size_t first = 0, end = index->count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (strcmp(index->sorted[middle]->volume, volume) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

static int publications_fill(struct node *node, const struct publication_index *index,
			     const char *volume, Berth__V1__Volume *message)
{
	for (size_t i = publication_index_find(index, volume);
	     i < index->count && strcmp(index->sorted[i]->volume, volume) == 0; i++) {
		Berth__V1__Publication *entry =
			rpc_add_message(&message->n_publications, &message->publications,
					&berth__v1__publication__descriptor);
		int ret = entry ? api_fill_publication(node, index->sorted[i], false, entry)
				: -ENOMEM;

		if (ret < 0)
			return ret;
	}
	return 0;
}

static int origin_fill(const struct volume_facts *facts, Berth__V1__Volume *message)
{
	char uuid[UUID_TEXT_SIZE];

	if (uuid_is_nil(&facts->origin))
		return 0;
	if (rpc_set_string(&message->snapshot, facts->origin_name) < 0)
		return -ENOMEM;
	return rpc_set_string(&message->snapshot_uuid, uuid_format(&facts->origin, uuid));
}

static int volume_fill(struct node *node, const struct node_pool *pool,
		       const struct volume_facts *facts, Berth__V1__Volume *message)
{
	char target_name[ISCSI_NAME_SIZE];
	char uuid[UUID_TEXT_SIZE];

	message->size = facts->size_bytes;
	message->mapped = facts->written_bytes;
	message->written = facts->written_bytes;
	message->exclusive = facts->exclusive_bytes;
	message->shared = facts->shared_bytes;
	message->exact = facts->is_counted;
	message->charged = facts->charged_bytes;
	message->reservation = facts->reservation_bytes;
	message->limit = facts->limit_bytes;
	message->threshold_used = facts->threshold_used_bytes;
	message->threshold_available = facts->threshold_available_bytes;
	message->depth = facts->depth;
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
	return origin_fill(facts, message);
}

/* The answer to everything that changes or asks for one volume. */
static int volume_answer(struct node *node, const struct volume_choice *choice,
			 ProtobufCMessage *reply, struct error *err)
{
	Berth__V1__Volume *message = (Berth__V1__Volume *)reply;
	struct publication_index index = {0};
	struct volume_facts facts;
	struct node_pool *pool;
	int ret = node_volume_choose(node, choice, &pool, &facts, err);

	if (ret == 0)
		ret = volume_fill(node, pool, &facts, message);
	if (ret == 0)
		ret = publication_index_init(&index, node);
	if (ret < 0)
		return ret;
	ret = publications_fill(node, &index, facts.name, message);
	publication_index_fini(&index);
	return ret;
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
		.snapshot = wanted->snapshot,
		.reservation_bytes = wanted->reservation,
		.limit_bytes = wanted->limit,
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

int api_visit(struct node *node, const char *pool_name, api_visitor *each, void *owner,
	      struct error *err)
{
	struct node_pool *only = NULL;
	int ret = 0;

	if (*pool_name)
		ret = node_pool_find(node, pool_name, &only, err);
	list_for_each (&node->pools, pool, struct node_pool, link) {
		struct volume_facts *facts;
		uint32_t count;

		if (ret != 0)
			break;
		if (!pool->pool || (only && pool != only))
			continue;
		ret = control_volume_list(node->reactor.loop, pool->pool, &facts, &count);
		if (ret < 0)
			break;
		for (uint32_t i = 0; ret == 0 && i < count; i++)
			ret = each(owner, pool, &facts[i]);
		free(facts);
	}
	return ret;
}

struct volume_list {
	struct node *node;
	struct publication_index index;
	Berth__V1__ListVolumesReply *reply;
};

static int volume_list_add(void *owner, const struct node_pool *pool,
			   const struct volume_facts *facts)
{
	struct volume_list *list = owner;
	Berth__V1__Volume *message;
	int ret;

	if (facts->is_snapshot)
		return 0;
	message = rpc_add_message(&list->reply->n_volumes, &list->reply->volumes,
				  &berth__v1__volume__descriptor);
	ret = message ? volume_fill(list->node, pool, facts, message) : -ENOMEM;
	return ret < 0 ? ret : publications_fill(list->node, &list->index, facts->name, message);
}

int api_list_volumes(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		     struct error *err)
{
	const Berth__V1__ListVolumesRequest *wanted =
		(const Berth__V1__ListVolumesRequest *)request;
	struct volume_list list = {
		.node = node,
		.reply = (Berth__V1__ListVolumesReply *)reply,
	};
	int ret = publication_index_init(&list.index, node);

	if (ret < 0)
		return ret;
	ret = api_visit(node, wanted->pool, volume_list_add, &list, err);
	publication_index_fini(&list.index);
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

int api_set_volume(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		   struct error *err)
{
	const Berth__V1__SetVolumeRequest *wanted = (const Berth__V1__SetVolumeRequest *)request;
	const struct volume_choice choice = {wanted->name, wanted->volume_uuid};
	const struct limits_change change = {
		.reservation_bytes = wanted->reservation_or_not_case ? &wanted->reservation : NULL,
		.limit_bytes = wanted->limit_or_not_case ? &wanted->limit : NULL,
		.threshold_used_bytes =
			wanted->threshold_used_or_not_case ? &wanted->threshold_used : NULL,
		.threshold_available_bytes =
			wanted->available_or_not_case ? &wanted->threshold_available : NULL,
	};
	int ret = node_volume_set_limits(node, &choice, &change, err);

	return ret < 0 ? ret : volume_answer(node, &choice, reply, err);
}

int api_revert_volume(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		      struct error *err)
{
	const Berth__V1__RevertVolumeRequest *wanted =
		(const Berth__V1__RevertVolumeRequest *)request;
	const struct volume_choice choice = {wanted->volume, wanted->volume_uuid};
	int ret = node_volume_revert(node, &choice, wanted->snapshot, err);

	return ret < 0 ? ret : volume_answer(node, &choice, reply, err);
}

void api_fill_deleted(const struct deletion *deletion, Berth__V1__Deleted *out_message)
{
	out_message->reclaiming = deletion->reclaiming_bytes;
	out_message->kept = deletion->kept_bytes;
	out_message->exact = deletion->is_exact;
}

int api_delete_volume(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		      struct error *err)
{
	const Berth__V1__VolumeName *wanted = (const Berth__V1__VolumeName *)request;
	const struct volume_choice choice = {wanted->name, wanted->volume_uuid};
	struct deletion deletion;
	int ret = node_volume_delete(node, &choice, &deletion, err);

	if (ret == 0)
		api_fill_deleted(&deletion, (Berth__V1__Deleted *)reply);
	return ret;
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
