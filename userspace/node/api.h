/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control API of the node: berth.v1.Node of rpc/node.proto. */
#ifndef NODE_API_H
#define NODE_API_H

#include "node/node.h"
#include "rpc/node.pb-c.h"
#include "rpc/server.h"

/* Listen on all of settings.api and serve. The server ends before the node does. */
int api_start(struct node *node, struct rpc_server **out_server, struct error *err);

/*
 * Take the node's lock for a change, unless nobody waits for it any more: -ECANCELED, not locked.
 * A caller that gave up may have asked for something else since; carrying out its
 * old wish after its new one could let in or fence the wrong host.
 */
int api_lock(struct node *node, struct rpc_call *call, struct error *err);

/* Handlers, a file for each kind of thing; `owner` is the node. */
rpc_handler api_get_node;
rpc_handler api_watch_events;

rpc_handler api_create_pool;
rpc_handler api_import_pool;
rpc_handler api_get_pool;
rpc_handler api_list_pools;
rpc_handler api_grow_pool;
rpc_handler api_delete_pool;

rpc_handler api_create_volume;
rpc_handler api_get_volume;
rpc_handler api_list_volumes;
rpc_handler api_grow_volume;
rpc_handler api_delete_volume;
rpc_handler api_mark_formatted;

rpc_handler api_publish;
rpc_handler api_unpublish;
rpc_handler api_list_publications;

/* Fill in a message. With secrets only in the answer to Publish. */
int api_fill_publication(struct node *node, const struct publication *publication, bool has_secrets,
			 Berth__V1__Publication *out_message);

#endif
