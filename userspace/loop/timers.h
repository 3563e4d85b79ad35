/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside loop/: timers in a list sorted by deadline, searched from its end. Nearly all timers of
 * a node have one of two or three delays, so a new one belongs near the end; with the few
 * hundred that there are, a heap would be no faster.
 */
#ifndef LOOP_TIMERS_H
#define LOOP_TIMERS_H

#include <stdint.h>

#include "base/list.h"
#include "loop/loop.h"

struct timers {
	struct list by_deadline;
};

void timers_init(struct timers *timers);
void timers_insert(struct timers *timers, struct loop_timer *timer, uint64_t deadline_ms);

/* Does nothing to a timer that is not set. */
void timers_remove(struct loop_timer *timer);

/* Milliseconds until the first deadline (0: it has passed), or -1 without timers. */
int64_t timers_delay_ms(const struct timers *timers, uint64_t now_ms);

/* Run all whose deadline has passed. A timer set meanwhile waits for the next call. */
void timers_run(struct timers *timers, uint64_t now_ms);

#endif
