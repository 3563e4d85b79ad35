/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which run of each kind of front end was seen last, and since when; see agent/holders.h. Kept in
 * memory only: after a restart of the agent the first call tells anew. Any thread.
 */
#ifndef AGENT_INSTANCES_H
#define AGENT_INSTANCES_H

#include <pthread.h>
#include <stdint.h>

#include "agent/holders.h"

#define INSTANCES_KIND_MAX 16

struct instance_seen {
	char instance[HOLDER_INSTANCE_SIZE];
	int64_t since_ms;
};

struct instances {
	pthread_mutex_t lock;
	struct instance_seen seen[INSTANCES_KIND_MAX];
	unsigned count;
};

void instances_init(struct instances *instances);

/* A call came from this run. True if it is a new one of a kind that was seen before, or the
 * first of its kind. Kinds above the limit are not followed: their holders are never suspect. */
bool instances_note(struct instances *instances, const char *instance, int64_t now_ms);

/*
 * How many of the holders still count: all but those whose run has been superseded for more than
 * `grace_ms`.
 */
size_t instances_count_valid(struct instances *instances, const struct holders *holders,
			     int64_t now_ms, int64_t grace_ms);

#endif
