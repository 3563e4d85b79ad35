/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who needs a volume mounted. A front end's word about its own holders is not to be trusted as
 * a set nor as a count: dockerd sends Mount and Unmount with a running container's ID for a
 * `docker cp`, forgets to unmount after it was killed, and sends an old ID again when it comes
 * back. So the accounts here decide only when the agent tries to let go; whether it may is
 * decided by the kernel (an exclusive open of the device).
 *
 * A holder is (id, instance, count). The instance says which run of the front end gave the id:
 * text of the form "KIND:RUN", for example "docker:812:99120". When a new run of a kind shows
 * up, holders of its earlier runs are suspect: they count no longer once a time of grace is over.
 * Holders with an empty instance are never suspect.
 *
 * Plain data, no thread of its own; tests/unit/agent/test_holders.c has a test for each
 * situation that was measured.
 */
#ifndef AGENT_HOLDERS_H
#define AGENT_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define HOLDER_ID_SIZE	     129
#define HOLDER_INSTANCE_SIZE 129
#define HOLDERS_MAX	     1024 /* for one volume: more is a front end gone wrong */

struct holder {
	char id[HOLDER_ID_SIZE];
	char instance[HOLDER_INSTANCE_SIZE];
	unsigned count; /* >= 1 */
};

struct holders {
	struct holder *items;
	size_t count;
};

void holders_fini(struct holders *holders);
int holders_copy(struct holders *to, const struct holders *from, struct error *err);

/* -EINVAL if an id or an instance is empty (the id), too long or holds control characters. */
int holder_check(const char *id, const char *instance, struct error *err);

/*
 * Note one more need. The same id of the same instance counts up; of another instance it
 * replaces what was there. -ENOMEM, -ENOSPC above HOLDERS_MAX; nothing has changed then.
 */
int holders_add(struct holders *holders, const char *id, const char *instance, struct error *err);

/*
 * Strike one need. From the instance that noted it the count goes down by one; from another
 * instance the holder goes as a whole, because counts of a run that has ended mean nothing.
 * False if there is no such holder.
 */
bool holders_strike(struct holders *holders, const char *id, const char *instance);

void holders_clear(struct holders *holders);

/* Length of the kind in "KIND:RUN"; 0 when there is no colon. */
size_t instance_kind_len(const char *instance);

/* True if both are runs of one kind, and not the same run. */
bool instance_is_superseded(const char *old_instance, const char *new_instance);

#endif
