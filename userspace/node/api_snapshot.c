/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots on the control API. */
#include <errno.h>

#include "node/api.h"
#include "node/snapshots.h"
#include "rpc/message.h"

static int snapshot_fill(const struct node_pool *pool, const struct volume_facts *facts,
			 Berth__V1__Snapshot *message)
{
	char uuid[UUID_TEXT_SIZE], volume_uuid[UUID_TEXT_SIZE];

	message->size = facts->size_bytes;
	message->written = facts->written_bytes;
	message->exclusive = facts->exclusive_bytes;
	message->shared = facts->shared_bytes;
	message->exact = facts->is_counted;
	message->formatted = facts->is_formatted;
	message->created_at = (int64_t)facts->created_at_s;
	message->logical_block_size = facts->logical_block_bytes;
	message->depth = facts->depth;
	message->clones = facts->clone_count;
	if (rpc_set_string(&message->name, facts->name) < 0 ||
	    rpc_set_string(&message->uuid, uuid_format(&facts->uuid, uuid)) < 0 ||
	    rpc_set_string(&message->pool, pool->name) < 0 ||
	    rpc_set_string(&message->volume, facts->origin_name) < 0 ||
	    rpc_set_string(&message->volume_uuid, uuid_format(&facts->origin, volume_uuid)) < 0 ||
	    rpc_set_string(&message->state, facts->is_damaged ? "damaged" : "ok") < 0)
		return -ENOMEM;
	return 0;
}

/* The answer to everything that makes or asks for one snapshot. */
static int snapshot_answer(struct node *node, const struct volume_choice *choice,
			   ProtobufCMessage *reply, struct error *err)
{
	struct volume_facts facts;
	struct node_pool *pool;
	int ret = node_snapshot_find(node, choice->name, &pool, &facts, err);

	if (ret == 0)
		ret = volume_choice_check(choice, &facts.uuid, err);
	return ret < 0 ? ret : snapshot_fill(pool, &facts, (Berth__V1__Snapshot *)reply);
}

int api_create_snapshot(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
			struct error *err)
{
	const Berth__V1__CreateSnapshotRequest *wanted =
		(const Berth__V1__CreateSnapshotRequest *)request;
	const struct volume_choice volume = {wanted->volume, wanted->volume_uuid};
	const struct volume_choice snapshot = {wanted->name, ""};
	int ret = node_snapshot_create(node, &volume, wanted->name, err);

	return ret < 0 ? ret : snapshot_answer(node, &snapshot, reply, err);
}

int api_get_snapshot(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		     struct error *err)
{
	const Berth__V1__SnapshotName *wanted = (const Berth__V1__SnapshotName *)request;
	const struct volume_choice choice = {wanted->name, wanted->snapshot_uuid};

	return snapshot_answer(node, &choice, reply, err);
}

struct snapshot_list {
	const struct uuid *volume; /* NULL: of all */
	Berth__V1__ListSnapshotsReply *reply;
};

static int snapshot_list_add(void *owner, const struct node_pool *pool,
			     const struct volume_facts *facts)
{
	struct snapshot_list *list = owner;
	Berth__V1__Snapshot *message;

	if (!facts->is_snapshot || (list->volume && !uuid_is_equal(list->volume, &facts->origin)))
		return 0;
	message = rpc_add_message(&list->reply->n_snapshots, &list->reply->snapshots,
				  &berth__v1__snapshot__descriptor);
	return message ? snapshot_fill(pool, facts, message) : -ENOMEM;
}

int api_list_snapshots(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		       struct error *err)
{
	const Berth__V1__ListSnapshotsRequest *wanted =
		(const Berth__V1__ListSnapshotsRequest *)request;
	struct snapshot_list list = {.reply = (Berth__V1__ListSnapshotsReply *)reply};
	struct volume_facts volume;
	struct node_pool *pool;
	int ret = 0;

	if (*wanted->volume) {
		ret = node_volume_find(node, wanted->volume, &pool, &volume, err);
		list.volume = &volume.uuid;
	}
	return ret < 0 ? ret : api_visit(node, wanted->pool, snapshot_list_add, &list, err);
}

int api_delete_snapshot(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
			struct error *err)
{
	const Berth__V1__SnapshotName *wanted = (const Berth__V1__SnapshotName *)request;
	const struct volume_choice choice = {wanted->name, wanted->snapshot_uuid};
	struct deletion deletion;
	int ret = node_snapshot_delete(node, &choice, &deletion, err);

	if (ret == 0)
		api_fill_deleted(&deletion, (Berth__V1__Deleted *)reply);
	return ret;
}

int api_preview_delete(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		       struct error *err)
{
	const Berth__V1__PreviewDeleteRequest *wanted =
		(const Berth__V1__PreviewDeleteRequest *)request;
	Berth__V1__PreviewDeleteReply *message = (Berth__V1__PreviewDeleteReply *)reply;

	return node_deletion_preview(node, wanted->names, wanted->n_names, &message->bytes, err);
}
