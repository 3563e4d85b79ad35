/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may have how much. A volume's share is what it is charged for and what its writes under way
 * have taken. Of its reservation the part it has not got yet is kept free for it, and up to its
 * limit it may take more, as long as there is more.
 *
 * Once an extent is refused to a write, all writes that need one are refused, until something was
 * freed (or the pool grew) and there is room worth the name: never success and failure in turns.
 * That holds for the pool and, with a limit, for a volume. Overwrites need no extent.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct pool;
struct task;
struct volume;

struct quota {
	uint64_t reserved_extents; /* for all volumes together, and not theirs yet */
	bool is_full;
	uint64_t full_frees; /* all frees there ever were, when it became full */
	uint64_t full_end;   /* extents the pool had then */
};

/*
 * An extent for a task's volume: `wanted` if it is free. -ENOSPC; -EAGAIN: some will be free
 * soon, and the task is woken to ask again.
 */
int quota_take(struct task *task, uint64_t wanted, uint32_t *out_extent);

/* The write is over: what it took is charged by now, or was given back. */
void quota_settle(struct task *task);

/* The one way to change what a volume is charged for (NULL: nobody is). Extents. */
void quota_charge(struct pool *pool, struct volume *owner, int64_t extents);

/* Add up anew: volumes came, went, or have other limits. */
void quota_recount(struct pool *pool);

/* Whether writes that need room are refused now. */
bool quota_is_full(const struct pool *pool);

/* What the volume can still have, were nobody else to take anything. */
uint64_t quota_available_bytes(const struct volume *volume);

/* -ENOSPC with a sentence: `more_bytes` for volume `name` would be promised too much. */
int quota_check_promise(const struct pool *pool, const char *name, uint64_t more_bytes,
			struct error *err);

/*
 * Whether the volume (NULL: a new one called `name`) can have these. -EINVAL, -ENOSPC (so much is
 * not there to be reserved).
 */
int quota_check_limits(const struct pool *pool, const struct volume *volume, const char *name,
		       uint64_t reservation_bytes, uint64_t limit_bytes, struct error *err);

#endif
