/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control API of the node: berth.v1.Node of rpc/node.proto. */
#ifndef NODE_API_H
#define NODE_API_H

#include "node/publications.h"
#include "node/volumes.h"
#include "rpc/node.pb-c.h"
#include "rpc/server.h"

/* Listen on all of settings.api and serve. The server ends before the node does. */
int api_start(struct node *node, struct rpc_server **out_server, struct error *err);

/*
 * Does one call, with the node's lock held: does it, then fills in the answer. `request` and
 * `reply` are of the method's types; errors as of an rpc_handler.
 */
typedef int api_handler(struct node *node, const ProtobufCMessage *request, ProtobufCMessage *reply,
			struct error *err);

/* A file for each kind of thing. */
api_handler api_get_node;

api_handler api_create_pool;
api_handler api_import_pool;
api_handler api_export_pool;
api_handler api_get_pool;
api_handler api_list_pools;
api_handler api_grow_pool;
api_handler api_rename_pool;
api_handler api_set_pool;
api_handler api_delete_pool;

api_handler api_create_volume;
api_handler api_get_volume;
api_handler api_list_volumes;
api_handler api_grow_volume;
api_handler api_set_volume;
api_handler api_revert_volume;
api_handler api_delete_volume;
api_handler api_mark_formatted;

api_handler api_create_snapshot;
api_handler api_get_snapshot;
api_handler api_list_snapshots;
api_handler api_delete_snapshot;
api_handler api_preview_delete;

api_handler api_publish;
api_handler api_unpublish;
api_handler api_list_publications;

/*
 * All volumes and snapshots of the pool that is named, or ("") of all that are here; ends early
 * with what `each` returns if that is not 0. -ENOENT if there is no such pool.
 */
typedef int api_visitor(void *owner, const struct node_pool *pool,
			const struct volume_facts *facts);
int api_visit(struct node *node, const char *pool_name, api_visitor *each, void *owner,
	      struct error *err);

void api_fill_deleted(const struct deletion *deletion, Berth__V1__Deleted *out_message);

/* Fill in a message. With secrets only in the answer to Publish. */
int api_fill_publication(struct node *node, const struct publication *publication, bool has_secrets,
			 Berth__V1__Publication *out_message);

#endif
