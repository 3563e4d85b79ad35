/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines. A deadline is a moment of the monotonic clock in milliseconds; whoever waits is
 * given one and passes it on, so that a whole operation ends in time and not each of its parts.
 */
#ifndef AGENT_CLOCK_H
#define AGENT_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Milliseconds until the deadline, 0 when it is past; fits what poll(2) takes. */
static inline int clock_left_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms - clock_ms();

	if (left <= 0)
		return 0;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

/* The earlier of `deadline_ms` and `limit_ms` from now. */
static inline int64_t clock_within(int64_t deadline_ms, int64_t limit_ms)
{
	int64_t limit = clock_ms() + limit_ms;

	return limit < deadline_ms ? limit : deadline_ms;
}

#endif
