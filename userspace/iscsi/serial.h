/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sequence numbers of 32 bits that wrap (RFC 1982, as RFC 7143, 4.2.2.1 asks for). */
#ifndef ISCSI_SERIAL_H
#define ISCSI_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

/* a comes before b. Two numbers 2^31 apart have no order: false both ways. */
static inline bool serial_is_before(uint32_t a, uint32_t b)
{
	uint32_t distance = b - a;

	return distance != 0 && distance < UINT32_C(0x80000000);
}

/* first <= number <= last. Empty when last is first - 1, as a closed command window is. */
static inline bool serial_is_within(uint32_t number, uint32_t first, uint32_t last)
{
	return !serial_is_before(number, first) && !serial_is_before(last, number) &&
	       last != first - 1;
}

#endif
