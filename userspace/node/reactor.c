/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/reactor.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define REACTOR_RING_ENTRIES 4096

static void *reactor_main(void *argument)
{
	struct reactor *reactor = argument;
	int ret;

	loop_queue_init(&reactor->queue, reactor->loop);
	ret = loop_run(reactor->loop);

	if (ret < 0) {
		/* The ring is gone, and with it every acknowledgement: nothing can go on. What was
		 * flushed is safe; a restart recovers the rest. */
		log_error("event loop failed error=%s", strerror(-ret));
		abort();
	}
	return NULL;
}

int reactor_start(struct reactor *reactor, struct error *err)
{
	sigset_t all;
	sigset_t old;
	int ret = loop_new(REACTOR_RING_ENTRIES, &reactor->loop, err);

	if (ret < 0)
		return ret;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&reactor->thread, NULL, reactor_main, reactor);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret != 0) {
		loop_free(reactor->loop);
		return error_set(err, -ret, "cannot start a thread: %s", strerror(ret));
	}
	return 0;
}

void reactor_stop(struct reactor *reactor)
{
	loop_stop(reactor->loop);
	pthread_join(reactor->thread, NULL);
	loop_free(reactor->loop);
}
