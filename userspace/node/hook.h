/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program of the administrator's that is run for each event, one run at a time and in order, on a
 * thread of its own: neither the data path nor the control API ever waits for it. What it is
 * told stands in its environment, so no shell ever reads a name.
 *
 * Events wait in a bounded queue. A run that takes too long is killed; what fails or is lost is
 * logged. Sessions and refused logins are not told: peers make them at any rate they like.
 */
#ifndef NODE_HOOK_H
#define NODE_HOOK_H

#include "node/events.h"
#include "node/settings.h"

#define HOOK_QUEUE_SIZE 64

struct hook {
	const struct node_settings *settings;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct event queue[HOOK_QUEUE_SIZE];
	unsigned first;
	unsigned count;
	uint64_t lost; /* since the last that found room */
	bool is_stopping;
	int stop_fd; /* readable once it is stopping */
};

/* Begin to take events; nothing if the settings have no hook. They outlive it. */
int hook_start(struct hook *hook, const struct node_settings *settings, struct error *err);

/* What waits is dropped; what runs gets a moment to end. */
void hook_stop(struct hook *hook);

/* On any thread; never waits for a run. */
void hook_tell(struct hook *hook, const struct event *event);

#endif
