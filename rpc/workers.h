/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that run work which may block. A fixed number takes work from a queue in order; work
 * that lasts as long as a caller listens gets a thread of its own, so that listeners
 * never starve the others. All functions are safe on any thread.
 */
#ifndef RPC_WORKERS_H
#define RPC_WORKERS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/list.h"

struct workers;

/* A member of the thing to be done; `run` may free it. */
struct work {
	struct list_node node;
	void (*run)(struct work *work);
};

/* Start `count` threads, with all signals blocked: they belong to the program. -ENOMEM, -EAGAIN. */
int workers_new(unsigned count, struct workers **out_workers);

/* Let queued and running work end, then join all threads and free. NULL is fine. */
void workers_free(struct workers *workers);

void workers_submit(struct workers *workers, struct work *work);

/* Run it at once on a thread of its own. -EAGAIN if the system gives none. */
int workers_run_alone(struct workers *workers, struct work *work);

/* Take work back; false if it has begun, or was not queued. */
bool workers_cancel(struct workers *workers, struct work *work);

/* A thread with all signals blocked. 0 or a negative errno. */
int thread_start(pthread_t *out_thread, void *(*run)(void *), void *argument);

#endif
