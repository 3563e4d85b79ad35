/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may reach which volume, on record and at the target. Callers hold node->lock. */
#ifndef NODE_PUBLICATIONS_H
#define NODE_PUBLICATIONS_H

#include "node/volumes.h"

/* One initiator's leave to use one volume. */
struct publication {
	struct list_node link; /* node.publications */
	char volume[NAME_SIZE];
	struct uuid volume_uuid;
	struct target_access access;
	bool is_shared;
	int64_t published_at_s;
};

struct publication_request {
	const char *volume;
	const char *initiator;
	bool has_no_chap;
	bool is_shared;
};

int node_publish(struct node *node, const struct publication_request *request,
		 const struct publication **out_publication, struct error *err);
/* `initiator` "": everybody's. Sessions are over when this returns. -EBUSY if it was another
 * volume of that name that was published. */
int node_unpublish(struct node *node, const struct volume_choice *choice, const char *initiator,
		   struct error *err);
bool node_volume_is_published(struct node *node, const char *volume);
/* Make the target serve what is published on this pool's volumes; failures are logged. */
void node_exports_open(struct node *node, struct node_pool *pool);
void node_exports_close(struct node *node);

#endif
