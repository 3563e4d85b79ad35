/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pools on the control API. */
#include <errno.h>

#include "node/api.h"
#include "node/control.h"
#include "rpc/message.h"

static const char *state_text(enum pool_state state)
{
	static const char *const texts[] = {
		[POOL_READ_WRITE] = "read-write",
		[POOL_READ_ONLY] = "read-only",
		[POOL_FAILED] = "failed",
	};

	return texts[state];
}

static int pool_fill(struct node *node, const struct node_pool *pool, Berth__V1__Pool *message)
{
	char uuid[UUID_TEXT_SIZE];
	struct pool_facts facts;
	int ret = rpc_set_string(&message->name, pool->name);

	if (ret == 0)
		ret = rpc_set_string(&message->path, pool->path);
	if (ret < 0)
		return ret;
	if (!pool->pool) {
		ret = rpc_set_string(&message->state_reason, pool->why_missing);
		return ret < 0 ? ret : rpc_set_string(&message->state, "missing");
	}
	control_pool_describe(node->reactor.loop, pool->pool, &facts);
	message->size = facts.size_bytes;
	message->used = facts.used_bytes;
	message->free = facts.free_bytes;
	message->metadata = facts.metadata_bytes;
	message->promised = facts.promised_bytes;
	message->volumes = facts.volume_count;
	message->snapshots = facts.snapshot_count;
	message->data = facts.data_bytes;
	message->reclaiming = facts.reclaiming_bytes;
	message->reserved = facts.reserved_bytes;
	message->unpunched = facts.unpunched_bytes;
	message->full = facts.is_full;
	message->threshold_percent = facts.threshold_used_percent;
	message->overcommit_percent = facts.overcommit_percent;
	if (rpc_set_string(&message->uuid, uuid_format(&facts.uuid, uuid)) < 0 ||
	    rpc_set_string(&message->state, state_text(facts.state)) < 0 ||
	    rpc_set_string(&message->state_reason, facts.reason.text) < 0)
		return -ENOMEM;
	return 0;
}

int api_create_pool(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		    struct error *err)
{
	const Berth__V1__CreatePoolRequest *wanted = (const Berth__V1__CreatePoolRequest *)request;
	const struct pool_creation creation = {wanted->name, wanted->path, wanted->size};
	struct node_pool *pool;
	int ret = node_pool_create(node, &creation, &pool, err);

	if (ret == 0)
		ret = pool_fill(node, pool, (Berth__V1__Pool *)reply);
	return ret;
}

int api_import_pool(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		    struct error *err)
{
	const Berth__V1__ImportPoolRequest *wanted = (const Berth__V1__ImportPoolRequest *)request;
	struct node_pool *pool;
	int ret = node_pool_import(node, wanted->path, &pool, err);

	if (ret == 0)
		ret = pool_fill(node, pool, (Berth__V1__Pool *)reply);
	return ret;
}

int api_get_pool(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		 struct error *err)
{
	const Berth__V1__PoolName *wanted = (const Berth__V1__PoolName *)request;
	struct node_pool *pool;
	int ret = node_pool_find(node, wanted->name, &pool, err);

	if (ret == 0)
		ret = pool_fill(node, pool, (Berth__V1__Pool *)reply);
	return ret;
}

int api_list_pools(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		   struct error *err)
{
	Berth__V1__ListPoolsReply *list = (Berth__V1__ListPoolsReply *)reply;
	int ret = 0;

	list_for_each (&node->pools, pool, struct node_pool, link) {
		Berth__V1__Pool *message =
			rpc_add_message(&list->n_pools, &list->pools, &berth__v1__pool__descriptor);

		ret = message ? pool_fill(node, pool, message) : -ENOMEM;
		if (ret < 0)
			break;
	}
	return ret;
}

int api_grow_pool(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		  struct error *err)
{
	const Berth__V1__GrowPoolRequest *wanted = (const Berth__V1__GrowPoolRequest *)request;
	struct node_pool *pool;
	int ret = node_pool_grow(node, wanted->name, wanted->size, &pool, err);

	if (ret == 0)
		ret = pool_fill(node, pool, (Berth__V1__Pool *)reply);
	return ret;
}

int api_delete_pool(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		    struct error *err)
{
	const Berth__V1__PoolName *wanted = (const Berth__V1__PoolName *)request;

	return node_pool_delete(node, wanted->name, err);
}

int api_export_pool(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		    struct error *err)
{
	return node_pool_export(node, ((const Berth__V1__PoolName *)request)->name, err);
}

int api_rename_pool(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		    struct error *err)
{
	const Berth__V1__RenamePoolRequest *wanted = (const Berth__V1__RenamePoolRequest *)request;
	struct node_pool *pool;
	int ret = node_pool_rename(node, wanted->name, wanted->new_name, &pool, err);

	return ret < 0 ? ret : pool_fill(node, pool, (Berth__V1__Pool *)reply);
}

int api_set_pool(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
		 struct error *err)
{
	const Berth__V1__SetPoolRequest *wanted = (const Berth__V1__SetPoolRequest *)request;
	const struct policy_change change = {
		.threshold_used_percent =
			wanted->threshold_case ? &wanted->threshold_percent : NULL,
		.overcommit_percent = wanted->overcommit_case ? &wanted->overcommit_percent : NULL,
	};
	struct node_pool *pool;
	int ret = node_pool_set_policy(node, wanted->name, &change, &pool, err);

	return ret < 0 ? ret : pool_fill(node, pool, (Berth__V1__Pool *)reply);
}
