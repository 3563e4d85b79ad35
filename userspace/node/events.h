/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens on the node, for whoever watches: a ring of the latest events. Safe on any thread;
 * adding one takes a short lock and never waits for a watcher.
 */
#ifndef NODE_EVENTS_H
#define NODE_EVENTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/name.h"

#define EVENT_RING_SIZE 256

struct event {
	int64_t at_ms; /* Unix time */
	char kind[32];
	char pool[NAME_SIZE];
	char volume[NAME_SIZE];
	char initiator[224];
	char text[256];
};

struct events {
	pthread_mutex_t lock;
	pthread_cond_t added;
	struct event ring[EVENT_RING_SIZE];
	uint64_t next; /* number of the next event; ring[number % size] */
	/* Hears of each in order, on whatever thread it comes from, and must not wait; or NULL. */
	void (*listener)(void *owner, const struct event *event);
	void *owner;
};

/* Who and what an event is about; NULL where it is about none. */
struct event_subject {
	const char *pool;
	const char *volume;
	const char *initiator;
};

/* Before the first event; `listener` may be NULL. */
void events_init(struct events *events, void (*listener)(void *owner, const struct event *event),
		 void *owner);
void events_fini(struct events *events);

void events_add(struct events *events, const char *kind, const struct event_subject *subject,
		const char *format, ...) PRINTF_LIKE(4, 5);

/* The position that sees only what comes from now on. */
uint64_t events_now(struct events *events);

/*
 * Wait at most `timeout_ms` for the event at *position; true if there is one, *position is moved
 * past it. A watcher that fell behind the ring gets one of kind "events-lost" and goes on
 * with the oldest that is left.
 */
bool events_wait(struct events *events, uint64_t *position, struct event *out_event,
		 unsigned timeout_ms);

#endif
