/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/state.h"

struct event {
	struct list_node link;
	struct store_event said;
};

void event_queue_init(struct event_queue *queue)
{
	*queue = (struct event_queue){0};
	list_init(&queue->waiting);
}

void event_queue_fini(struct event_queue *queue)
{
	struct list_node *node;

	while ((node = list_take_first(&queue->waiting)))
		free(list_entry(node, struct event, link));
}

static void event_run(struct block_io *io, int result)
{
	struct pool *pool = container_of(io, struct pool, events.turn);
	struct list_node *node;

	(void)result; /* nothing was asked for */
	pool->events.is_deferred = false;
	while ((node = list_take_first(&pool->events.waiting))) {
		struct event *event = list_entry(node, struct event, link);

		pool->settings.notify(pool->settings.notify_owner, &event->said);
		free(event);
	}
}

void event_tell(struct pool *pool, enum store_event_kind kind, const char *volume, uint64_t bytes)
{
	struct event_queue *queue = &pool->events;
	struct event *event = pool->settings.notify ? calloc(1, sizeof(*event)) : NULL;

	if (!event)
		return;
	event->said.kind = kind;
	event->said.bytes = bytes;
	if (volume)
		(void)snprintf(event->said.volume, sizeof(event->said.volume), "%s", volume);
	list_append(&queue->waiting, &event->link);
	if (queue->is_deferred)
		return;
	queue->is_deferred = true;
	queue->turn.done = event_run;
	block_queue_complete(pool->disk->queue, &queue->turn, 0);
}
