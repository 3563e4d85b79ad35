/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes of all pools: one name space over the node. Callers hold node->lock. */
#ifndef NODE_VOLUMES_H
#define NODE_VOLUMES_H

#include "node/control.h"
#include "node/pools.h"
#include "store/volume.h"

/* Which volume a caller means: after it looked, the name may have become another's. */
struct volume_choice {
	const char *name;
	const char *uuid; /* "": whatever has the name */
};

struct volume_creation {
	const char *name;
	const char *pool;	      /* "": the only pool, or the one with most room */
	uint64_t size_bytes;	      /* 0 with a snapshot: as large as that */
	uint32_t logical_block_bytes; /* 0: 512, or as the snapshot */
	const char *snapshot;	      /* "": an empty volume; else a clone of it */
	uint64_t reservation_bytes;   /* 0: none */
	uint64_t limit_bytes;	      /* 0: none */
};

/* What became of the space of something that was deleted. */
struct deletion {
	uint64_t reclaiming_bytes; /* comes back in the background */
	uint64_t kept_bytes;	   /* was its own, but others show it: stays with them */
	bool is_exact;
};

int node_volume_create(struct node *node, const struct volume_creation *creation,
		       struct error *err);
int node_volume_grow(struct node *node, const struct volume_choice *choice, uint64_t size_bytes,
		     struct error *err);
int node_volume_set_limits(struct node *node, const struct volume_choice *choice,
			   const struct limits_change *change, struct error *err);
/* The volume becomes what its snapshot is; -EBUSY while it is published. */
int node_volume_revert(struct node *node, const struct volume_choice *choice, const char *snapshot,
		       struct error *err);
/* Success if there is none of that name: nothing was deleted then. */
int node_volume_delete(struct node *node, const struct volume_choice *choice,
		       struct deletion *out_deletion, struct error *err);
int node_volume_mark_formatted(struct node *node, const struct volume_choice *choice,
			       struct error *err);
/*
 * Which pool something of this name lies in, volume or snapshot, and its facts. -ENOENT, but
 * -EHOSTUNREACH if a pool is missing in which it might be. The sentence calls it `what`.
 */
int node_name_find(struct node *node, const char *what, const char *name,
		   struct node_pool **out_pool, struct volume_facts *out_facts, struct error *err);
/* The same for a volume; a snapshot is -ENOENT. */
int node_volume_find(struct node *node, const char *name, struct node_pool **out_pool,
		     struct volume_facts *out_facts, struct error *err);
/* The same for a volume that somebody chose; -EBUSY if it is another than that. */
int node_volume_choose(struct node *node, const struct volume_choice *choice,
		       struct node_pool **out_pool, struct volume_facts *out_facts,
		       struct error *err);
/* Is `uuid` the one that the choice has, if it has one? -EBUSY, -EINVAL. */
int volume_choice_check(const struct volume_choice *choice, const struct uuid *uuid,
			struct error *err);
/* What deleting all of these, volumes and snapshots, would give back. -ENOENT, -EINVAL. */
int node_deletion_preview(struct node *node, char *const *names, size_t count, uint64_t *out_bytes,
			  struct error *err);
/* What deleting it will do, from what is known of it before. */
void deletion_expect(const struct volume_facts *facts, struct deletion *out_deletion);

#endif
