/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a pool tells its owner of its own accord (pool_settings.notify), on the pool's thread, from
 * the queue: never from inside a call of the store.
 */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/name.h"
#include "block/block.h"

struct pool;

enum store_event_kind {
	STORE_POOL_THRESHOLD,	/* more is used than it says; bytes: used */
	STORE_VOLUME_THRESHOLD, /* of the volume; bytes: charged to it */
	STORE_POOL_FULL,	/* writes that need room fail from now on */
	STORE_POOL_HAS_ROOM,	/* and now they do not any more */
	STORE_RECLAIMED,	/* all that was deleted is free; bytes: since the last time */
	STORE_POOL_DEGRADED,	/* it is not read-write any more: see pool_facts.reason */
};

struct store_event {
	enum store_event_kind kind;
	char volume[NAME_SIZE]; /* "" where it is about the pool */
	uint64_t bytes;
};

struct event_queue {
	struct list waiting;
	struct block_io turn;
	bool is_deferred;
};

void event_queue_init(struct event_queue *queue);
void event_queue_fini(struct event_queue *queue);

/* The owner hears of it soon. `volume` may be NULL. Without memory it does not. */
void event_tell(struct pool *pool, enum store_event_kind kind, const char *volume, uint64_t bytes);

#endif
