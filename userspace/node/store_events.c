/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/store_events.h"

#include "base/log.h"
#include "base/size.h"
#include "node/pools.h"

/* The event's bytes stand between the two halves. */
static const struct {
	const char *kind;
	const char *before, *after;
	bool is_warning;
} kinds[] = {
	[STORE_POOL_THRESHOLD] = {"pool-threshold", "a level to warn at is reached: ", " are used",
				  true},
	[STORE_VOLUME_THRESHOLD] = {"volume-threshold",
				    "a level to warn at is reached: with its snapshots it takes ",
				    "", true},
	[STORE_POOL_FULL] = {"pool-full", "writes to new space fail, with ",
			     " free; grow the pool or delete something", true},
	[STORE_POOL_HAS_ROOM] = {"pool-has-room", "writes to new space go on, with ", " free",
				 false},
	[STORE_RECLAIMED] = {"reclaimed", "", " of what was deleted have come back", false},
	[STORE_POOL_DEGRADED] = {"pool-degraded",
				 "it cannot be written any more, 'berth pool show' has the reason",
				 NULL, true},
};

void store_events_on(void *owner, const struct store_event *event)
{
	const struct node_pool *pool = owner;
	const char *kind = kinds[event->kind].kind;
	bool has_bytes = kinds[event->kind].after;
	struct event_subject subject = {.volume = event->volume};
	char text[SIZE_TEXT_MAX];
	struct pool_facts facts;

	pool_describe(pool->pool, &facts); /* the name in *pool is not the reactor's */
	subject.pool = facts.name;
	size_format(event->bytes, text);
	events_add(&pool->node->events, kind, &subject, "%s%s%s", kinds[event->kind].before,
		   has_bytes ? text : "", has_bytes ? kinds[event->kind].after : "");
	if (kinds[event->kind].is_warning)
		log_warn("%s pool=%s volume=%s bytes=%llu", kind, facts.name, event->volume,
			 (unsigned long long)event->bytes);
	else
		log_info("%s pool=%s bytes=%llu", kind, facts.name,
			 (unsigned long long)event->bytes);
}
