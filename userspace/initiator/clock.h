/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Milliseconds of CLOCK_MONOTONIC, for deadlines. */
#ifndef INITIATOR_CLOCK_H
#define INITIATOR_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
