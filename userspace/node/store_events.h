/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What pools tell of themselves becomes events of the node. */
#ifndef NODE_STORE_EVENTS_H
#define NODE_STORE_EVENTS_H

#include "store/pool.h"

/* pool_settings.notify; `owner` is the struct node_pool. On the reactor; waits for nobody. */
void store_events_on(void *owner, const struct store_event *event);

#endif
