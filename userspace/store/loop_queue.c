/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/loop_queue.h"

static void loop_queue_run(struct loop_task *task)
{
	struct loop_queue *queue = container_of(task, struct loop_queue, task);

	queue->is_posted = false;
	(void)block_queue_run(&queue->queue); /* what it adds wakes again */
}

static void loop_queue_wake(void *owner)
{
	struct loop_queue *queue = owner;

	if (queue->is_posted)
		return;
	queue->is_posted = true;
	loop_post(queue->loop, &queue->task);
}

void loop_queue_init(struct loop_queue *queue, struct loop *loop)
{
	*queue = (struct loop_queue){.loop = loop, .task.run = loop_queue_run};
	block_queue_init(&queue->queue, loop_queue_wake, queue);
}

bool loop_queue_is_idle(const struct loop_queue *queue)
{
	return !queue->is_posted && list_is_empty(&queue->queue.ready);
}
