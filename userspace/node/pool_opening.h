/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a path to an open pool, and back. A pool is known by its UUID; its name is what its own
 * records say, since it may have been renamed by a node that died before it noted that.
 * Callers hold node->lock.
 */
#ifndef NODE_POOL_OPENING_H
#define NODE_POOL_OPENING_H

#include "node/pools.h"

/*
 * Open what lies on pool->path. pool->uuid and pool->name are compared where they are set, and
 * filled in. -EEXIST if it is another pool than that, or has a name, or a volume whose name,
 * another pool of the node has.
 */
int pool_opening_open(struct node *node, struct node_pool *pool, struct error *err);

/* Write a new pool with pool->name over pool->path, and open it. */
int pool_opening_format(struct node *node, struct node_pool *pool, struct error *err);

/* Everything becomes durable; the disk is closed whatever the result. */
int pool_opening_close(struct node *node, struct node_pool *pool, struct error *err);

#endif
