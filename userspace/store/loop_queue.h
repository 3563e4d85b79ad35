/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A block_queue that runs on an event loop: its completions run in the loop's next turn. */
#ifndef STORE_LOOP_QUEUE_H
#define STORE_LOOP_QUEUE_H

#include "block/queue.h"
#include "loop/loop.h"

struct loop_queue {
	struct block_queue queue;
	struct loop *loop;
	struct loop_task task;
	bool is_posted;
};

/* On the loop's thread, which is also the only one to use the queue. */
void loop_queue_init(struct loop_queue *queue, struct loop *loop);

/* True if nothing is queued or posted: the memory may go. */
bool loop_queue_is_idle(const struct loop_queue *queue);

#endif
