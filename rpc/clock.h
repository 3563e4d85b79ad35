/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time for deadlines: milliseconds of CLOCK_MONOTONIC; CLOCK_NEVER is no deadline. */
#ifndef RPC_CLOCK_H
#define RPC_CLOCK_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

#include "base/compiler.h"

#define CLOCK_NEVER UINT64_MAX

static inline uint64_t clock_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A time to wait, as poll(2) wants it: -1 for CLOCK_NEVER, rounded so as not to spin. */
static inline int clock_poll_ms(uint64_t until_ms)
{
	uint64_t now = clock_now_ms();

	if (until_ms == CLOCK_NEVER)
		return -1;
	return until_ms <= now ? 0 : (int)MIN(until_ms - now, (uint64_t)INT_MAX);
}

#endif
