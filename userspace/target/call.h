/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call into a reactor by a thread that is none, which waits for its end. `run` starts on the
 * reactor's thread; call_finish ends it, at once or from a later callback.
 */
#ifndef TARGET_CALL_H
#define TARGET_CALL_H

#include <pthread.h>
#include <stdbool.h>

#include "base/list.h"
#include "loop/loop.h"

struct call {
	struct loop_task task;
	void (*run)(struct call *call);
	struct list_node link; /* for whoever keeps the call until it can be finished */

	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool is_finished;
};

/* Run on `loop` and wait until call_finish. */
void call_run(struct call *call, struct loop *loop, void (*run)(struct call *call));

/* On the reactor; the call's memory is gone afterwards. */
void call_finish(struct call *call);

#endif
