/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the node must remember beside its pools, in one file. Callers hold node->lock. */
#ifndef NODE_STATE_H
#define NODE_STATE_H

#include "node/node.h"

/* Read the lists of pools and publications; a file that is not there means none. */
int node_state_load(struct node *node, struct error *err);
int node_state_save(const struct node *node, struct error *err);

#endif
