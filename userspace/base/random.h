/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two kinds of chance. random_bytes is for secrets, identifiers and challenges; struct random
 * is a small seeded generator (splitmix64) for tests and simulation, never for secrets.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fill buf from the kernel (getrandom); aborts if the kernel cannot, which needs a kernel < 3.17.
 */
void random_bytes(void *buf, size_t len);

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Evenly (to 2^-64) one of 0 .. limit - 1; limit > 0. */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
	return (uint64_t)(((unsigned __int128)random_next(random) * limit) >> 64);
}

#endif
