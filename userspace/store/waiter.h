/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who waits for something inside the pool: a leaf, a block, a commit, room. What was waited
 * for wakes it; it then runs from the pool's runner, never from inside the call that woke it,
 * so nothing recurses.
 */
#ifndef STORE_WAITER_H
#define STORE_WAITER_H

#include <stdbool.h>

#include "base/list.h"

struct waiter {
	void (*run)(struct waiter *waiter, int result);
	struct list_node link;
	int result;
};

struct runner {
	struct list ready;
	bool is_running;
};

static inline void runner_init(struct runner *runner)
{
	list_init(&runner->ready);
	runner->is_running = false;
}

static inline void waiter_wake(struct runner *runner, struct waiter *waiter, int result)
{
	waiter->result = result;
	list_append(&runner->ready, &waiter->link);
}

static inline void waiter_wake_all(struct runner *runner, struct list *waiters, int result)
{
	struct list_node *node;

	while ((node = list_take_first(waiters)))
		waiter_wake(runner, list_entry(node, struct waiter, link), result);
}

/* Run all that are awake, and those they wake; nothing if it is running already. */
static inline void runner_run(struct runner *runner)
{
	struct list_node *node;

	if (runner->is_running)
		return;
	runner->is_running = true;
	while ((node = list_take_first(&runner->ready))) {
		struct waiter *waiter = list_entry(node, struct waiter, link);

		waiter->run(waiter, waiter->result);
	}
	runner->is_running = false;
}

#endif
