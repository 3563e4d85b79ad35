/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/instances.h"

#include <stdio.h>
#include <string.h>

void instances_init(struct instances *instances)
{
	(void)pthread_mutex_init(&instances->lock, NULL); /* cannot fail on Linux */
	instances->count = 0;
}

static bool is_of_kind(const char *a, const char *b)
{
	size_t len = instance_kind_len(a);

	return len == instance_kind_len(b) && memcmp(a, b, len) == 0;
}

/* The run seen last of the same kind; NULL if none was. */
static struct instance_seen *find(struct instances *instances, const char *instance)
{
	for (unsigned i = 0; i < instances->count; i++) {
		if (is_of_kind(instances->seen[i].instance, instance))
			return &instances->seen[i];
	}
	return NULL;
}

bool instances_note(struct instances *instances, const char *instance, int64_t now_ms)
{
	struct instance_seen *seen;
	bool is_new = false;

	if (*instance == '\0')
		return false;
	pthread_mutex_lock(&instances->lock);
	seen = find(instances, instance);
	if (!seen && instances->count < INSTANCES_KIND_MAX)
		seen = &instances->seen[instances->count++];
	if (seen && strcmp(seen->instance, instance) != 0) {
		(void)snprintf(seen->instance, sizeof(seen->instance), "%s", instance);
		seen->since_ms = now_ms;
		is_new = true;
	}
	pthread_mutex_unlock(&instances->lock);
	return is_new;
}

size_t instances_count_valid(struct instances *instances, const struct holders *holders,
			     int64_t now_ms, int64_t grace_ms)
{
	size_t count = 0;

	pthread_mutex_lock(&instances->lock);
	for (size_t i = 0; i < holders->count; i++) {
		const struct instance_seen *seen = find(instances, holders->items[i].instance);

		if (!seen || !instance_is_superseded(holders->items[i].instance, seen->instance) ||
		    now_ms - seen->since_ms < grace_ms)
			count++;
	}
	pthread_mutex_unlock(&instances->lock);
	return count;
}
