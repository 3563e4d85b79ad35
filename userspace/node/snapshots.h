/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots of all pools, in one name space with the volumes. Callers hold node->lock. */
#ifndef NODE_SNAPSHOTS_H
#define NODE_SNAPSHOTS_H

#include "node/volumes.h"

/* As node_name_find, for a snapshot; a volume is -ENOENT. */
int node_snapshot_find(struct node *node, const char *name, struct node_pool **out_pool,
		       struct volume_facts *out_facts, struct error *err);

/* The same name of the same volume again is success, a name that is taken otherwise -EEXIST. */
int node_snapshot_create(struct node *node, const struct volume_choice *volume, const char *name,
			 struct error *err);

/* Success if there is none of that name: nothing was deleted then. */
int node_snapshot_delete(struct node *node, const struct volume_choice *choice,
			 struct deletion *out_deletion, struct error *err);

#endif
