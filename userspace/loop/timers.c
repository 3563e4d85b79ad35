/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop/timers.h"

void timers_init(struct timers *timers)
{
	list_init(&timers->by_deadline);
}

void timers_insert(struct timers *timers, struct loop_timer *timer, uint64_t deadline_ms)
{
	struct list_node *before = timers->by_deadline.head.prev;

	timer->deadline_ms = deadline_ms;
	while (before != &timers->by_deadline.head &&
	       list_entry(before, struct loop_timer, link)->deadline_ms > deadline_ms)
		before = before->prev;
	list_insert_after(before, &timer->link);
}

void timers_remove(struct loop_timer *timer)
{
	if (timer->deadline_ms == 0)
		return;
	timer->deadline_ms = 0;
	list_remove(&timer->link);
}

static struct loop_timer *timers_first(const struct timers *timers)
{
	return list_entry(timers->by_deadline.head.next, struct loop_timer, link);
}

int64_t timers_delay_ms(const struct timers *timers, uint64_t now_ms)
{
	uint64_t deadline_ms;

	if (list_is_empty(&timers->by_deadline))
		return -1;
	deadline_ms = timers_first(timers)->deadline_ms;
	return deadline_ms > now_ms ? (int64_t)(deadline_ms - now_ms) : 0;
}

void timers_run(struct timers *timers, uint64_t now_ms)
{
	struct list expired;
	struct list_node *node;

	list_init(&expired);
	while (timers_delay_ms(timers, now_ms) == 0) {
		node = list_take_first(&timers->by_deadline);
		list_append(&expired, node);
	}
	while ((node = list_take_first(&expired))) {
		struct loop_timer *timer = list_entry(node, struct loop_timer, link);

		timer->deadline_ms = 0;
		timer->expired(timer);
	}
}
