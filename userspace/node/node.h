/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node: its pools, its publications and the target that serves them. This is where the
 * engines meet: the store's volumes become the target's exports.
 *
 * The control API's workers come in here, several at once. One lock guards the catalogue (lists of
 * pools, publications and exports) and is held for a whole change, so changes are one after the
 * other; the data path takes no part in it. Nothing is told to a caller before it is durable.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/list.h"
#include "node/events.h"
#include "node/reactor.h"
#include "node/settings.h"
#include "store/pool.h"
#include "store/volume.h"
#include "target/target.h"

/* A pool that this node was given, whether or not its disk is there. */
struct node_pool {
	struct list_node link; /* node.pools */
	char name[NAME_SIZE];
	char path[PATH_MAX];
	bool is_file_ours;     /* berth made the file, and removes it with the pool */
	struct pool *pool;     /* NULL: missing */
	char why_missing[256]; /* the sentence for people */
};

/* One initiator's leave to use one volume. */
struct publication {
	struct list_node link; /* node.publications */
	char volume[NAME_SIZE];
	struct uuid volume_uuid;
	struct target_access access;
	bool is_shared;
	int64_t published_at_s;
};

/* A published volume as the target has it. */
struct node_export {
	struct list_node link; /* node.exports */
	char volume[NAME_SIZE];
	struct block *block;
};

struct node {
	struct node_settings settings;
	pthread_mutex_t lock;
	struct list pools;
	struct list publications;
	struct list exports;
	struct reactor reactor;
	struct target *target;
	struct events events;
	struct uuid boot_id;
	time_t started_at;
	char portals[NODE_ADDRESS_MAX][NODE_ADDRESS_SIZE]; /* as initiators are told */
	unsigned portal_count;
};

/* Reactor, target, state, pools, exports: everything but the control API. A pool that cannot be
 * opened is logged and shown as missing; it keeps nothing else from starting. */
int node_start(struct node *node, struct error *err);

/* Drain sessions, make everything durable, close pools, stop. The control API is stopped before. */
void node_stop(struct node *node);

/* The iSCSI name of a volume's target, into buf of ISCSI_NAME_SIZE; returns buf. */
char *node_target_name(const struct node *node, const char *volume, char *buf);

/* --- pools.c: callers hold node->lock --- */

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
int node_pool_delete(struct node *node, const char *name, struct error *err);
/* -ENOENT with a sentence. The pool may be missing. */
int node_pool_find(struct node *node, const char *name, struct node_pool **out_pool,
		   struct error *err);
/* Open what the state file lists. */
void node_pools_open(struct node *node);
void node_pools_close(struct node *node);

/* --- volumes.c: callers hold node->lock --- */

struct volume_creation {
	const char *name;
	const char *pool; /* "": the only pool, or the one with most room */
	uint64_t size_bytes;
	uint32_t logical_block_bytes; /* 0: 512 */
};

int node_volume_create(struct node *node, const struct volume_creation *creation,
		       struct error *err);
int node_volume_grow(struct node *node, const char *name, uint64_t size_bytes, struct error *err);
int node_volume_delete(struct node *node, const char *name, struct error *err);
int node_volume_mark_formatted(struct node *node, const char *name, struct error *err);
/* Which pool a volume lies in, and its facts. -ENOENT with a sentence that also says whether a
 * pool is missing in which it might be. */
int node_volume_find(struct node *node, const char *name, struct node_pool **out_pool,
		     struct volume_facts *out_facts, struct error *err);

/* --- publications.c: callers hold node->lock --- */

struct publication_request {
	const char *volume;
	const char *initiator;
	bool has_no_chap;
	bool is_shared;
};

int node_publish(struct node *node, const struct publication_request *request,
		 const struct publication **out_publication, struct error *err);
/* `initiator` "": everybody's. Sessions are over when this returns. */
int node_unpublish(struct node *node, const char *volume, const char *initiator, struct error *err);
bool node_volume_is_published(struct node *node, const char *volume);
/* Make the target serve what is published on this pool's volumes; failures are logged. */
void node_exports_open(struct node *node, struct node_pool *pool);
void node_exports_close(struct node *node);

/* --- state.c: callers hold node->lock --- */

/* Read the lists of pools and publications; a file that is not there means none. */
int node_state_load(struct node *node, struct error *err);
int node_state_save(const struct node *node, struct error *err);

#endif
