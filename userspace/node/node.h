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
#include <time.h>

#include "base/list.h"
#include "node/events.h"
#include "node/hook.h"
#include "node/reactor.h"
#include "node/settings.h"
#include "target/target.h"

struct node {
	struct node_settings settings;
	pthread_mutex_t lock;
	struct list pools;	  /* struct node_pool (pools.h) */
	struct list publications; /* struct publication (publications.h) */
	struct list exports;	  /* those that are served (publications.c) */
	struct reactor reactor;
	struct target *target;
	struct events events;
	struct hook hook;
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

#endif
