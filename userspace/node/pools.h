/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pools of a node: files and block devices that it was given, by name. Callers hold node->lock.
 */
#ifndef NODE_POOLS_H
#define NODE_POOLS_H

#include "node/node.h"
#include "store/pool.h"

/* A pool that this node was given, whether or not its disk is there. */
struct node_pool {
	struct list_node link; /* node.pools */
	struct node *node;
	struct uuid uuid; /* nil: not known yet */
	char name[NAME_SIZE];
	char path[PATH_MAX];
	bool is_file_ours;     /* berth made the file, and removes it with the pool */
	struct pool *pool;     /* NULL: missing */
	char why_missing[256]; /* the sentence for people */
};

struct pool_creation {
	const char *name;
	const char *path;
	uint64_t size_bytes; /* 0: as large as what is there */
};

int node_pool_create(struct node *node, const struct pool_creation *creation,
		     struct node_pool **out_pool, struct error *err);
int node_pool_import(struct node *node, const char *path, struct node_pool **out_pool,
		     struct error *err);
int node_pool_grow(struct node *node, const char *name, uint64_t size_bytes,
		   struct node_pool **out_pool, struct error *err);
/* Close it and forget it; all that it holds stays. -EBUSY while one of its volumes is published;
 * success if there is none of that name. A missing pool can be forgotten too. */
int node_pool_export(struct node *node, const char *name, struct error *err);
/* -EEXIST if the new name is taken; success if only the new one is there, as after a repeat. */
int node_pool_rename(struct node *node, const char *name, const char *new_name,
		     struct node_pool **out_pool, struct error *err);
/* What to change of a pool's policy; NULL: it stays as it is. */
struct policy_change {
	const uint32_t *threshold_used_percent;
	const uint32_t *overcommit_percent;
};
int node_pool_set_policy(struct node *node, const char *name, const struct policy_change *change,
			 struct node_pool **out_pool, struct error *err);
int node_pool_delete(struct node *node, const char *name, struct error *err);
/* -ENOENT with a sentence. The pool may be missing. */
int node_pool_find(struct node *node, const char *name, struct node_pool **out_pool,
		   struct error *err);
/* Open what the state file lists. */
void node_pools_open(struct node *node);
void node_pools_close(struct node *node);

#endif
