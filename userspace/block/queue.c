/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The completions of one turn are taken off as a whole, so that a queue never starves its loop. */
#include "block/queue.h"

void block_queue_init(struct block_queue *queue, void (*wake)(void *owner), void *owner)
{
	*queue = (struct block_queue){.wake = wake, .owner = owner};
	list_init(&queue->ready);
}

void block_queue_complete(struct block_queue *queue, struct block_io *io, int result)
{
	bool was_empty = list_is_empty(&queue->ready);

	io->result = result;
	list_append(&queue->ready, &io->link);
	if (was_empty && queue->wake)
		queue->wake(queue->owner);
}

bool block_queue_run(struct block_queue *queue)
{
	struct list now;
	struct list_node *node;
	bool has_run = false;

	list_init(&now);
	list_append_all(&now, &queue->ready);
	while ((node = list_take_first(&now))) {
		struct block_io *io = list_entry(node, struct block_io, link);

		io->done(io, io->result);
		has_run = true;
	}
	return has_run;
}
