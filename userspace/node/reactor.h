/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that runs one event loop. */
#ifndef NODE_REACTOR_H
#define NODE_REACTOR_H

#include <pthread.h>

#include "loop/loop.h"
#include "store/loop_queue.h"

struct reactor {
	struct loop *loop;
	struct loop_queue queue; /* of the disks that live on it */
	pthread_t thread;
};

/* Make the loop and start its thread, with all signals blocked on it. */
int reactor_start(struct reactor *reactor, struct error *err);

/* Stop and free the loop; nothing may be in flight or queued on it. */
void reactor_stop(struct reactor *reactor);

#endif
