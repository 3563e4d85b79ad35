/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/call.h"

static void call_start(struct loop_task *task)
{
	struct call *call = container_of(task, struct call, task);

	call->run(call);
}

void call_run(struct call *call, struct loop *loop, void (*run)(struct call *call))
{
	call->task.run = call_start;
	call->run = run;
	call->is_finished = false;
	list_node_init(&call->link);
	pthread_mutex_init(&call->lock, NULL);
	pthread_cond_init(&call->ended, NULL);
	loop_post(loop, &call->task);

	pthread_mutex_lock(&call->lock);
	while (!call->is_finished)
		pthread_cond_wait(&call->ended, &call->lock);
	pthread_mutex_unlock(&call->lock);
	pthread_cond_destroy(&call->ended);
	pthread_mutex_destroy(&call->lock);
}

void call_finish(struct call *call)
{
	pthread_mutex_lock(&call->lock);
	call->is_finished = true;
	pthread_cond_signal(&call->ended);
	pthread_mutex_unlock(&call->lock);
}
