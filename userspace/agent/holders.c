/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/holders.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void holders_fini(struct holders *holders)
{
	free(holders->items);
	*holders = (struct holders){0};
}

int holders_copy(struct holders *to, const struct holders *from, struct error *err)
{
	struct holder *items = NULL;

	if (from->count > 0) {
		items = malloc(from->count * sizeof(*items));
		if (!items)
			return error_set(err, -ENOMEM, "out of memory");
		memcpy(items, from->items, from->count * sizeof(*items));
	}
	free(to->items);
	to->items = items;
	to->count = from->count;
	return 0;
}

static bool is_plain_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if (iscntrl((unsigned char)*text))
			return false;
	}
	return true;
}

int holder_check(const char *id, const char *instance, struct error *err)
{
	if (*id == '\0')
		return error_set(err, -EINVAL, "the holder is missing; give the id of who mounts");
	if (strlen(id) >= HOLDER_ID_SIZE || strlen(instance) >= HOLDER_INSTANCE_SIZE)
		return error_set(err, -EINVAL, "holder and instance have at most %d characters",
				 HOLDER_ID_SIZE - 1);
	if (!is_plain_text(id) || !is_plain_text(instance))
		return error_set(err, -EINVAL,
				 "holder and instance may not hold control characters");
	return 0;
}

static struct holder *find(struct holders *holders, const char *id)
{
	for (size_t i = 0; i < holders->count; i++) {
		if (strcmp(holders->items[i].id, id) == 0)
			return &holders->items[i];
	}
	return NULL;
}

int holders_add(struct holders *holders, const char *id, const char *instance, struct error *err)
{
	struct holder *holder = find(holders, id);

	if (!holder) {
		struct holder *items;

		if (holders->count >= HOLDERS_MAX)
			return error_set(err, -ENOSPC, "the volume has %d holders already",
					 HOLDERS_MAX);
		items = realloc(holders->items, (holders->count + 1) * sizeof(*items));
		if (!items)
			return error_set(err, -ENOMEM, "out of memory");
		holders->items = items;
		holder = &items[holders->count++];
		*holder = (struct holder){0};
		(void)snprintf(holder->id, sizeof(holder->id), "%s", id);
	}
	if (strcmp(holder->instance, instance) != 0)
		holder->count = 0;
	(void)snprintf(holder->instance, sizeof(holder->instance), "%s", instance);
	holder->count++;
	return 0;
}

bool holders_strike(struct holders *holders, const char *id, const char *instance)
{
	struct holder *holder = find(holders, id);

	if (!holder)
		return false;
	if (strcmp(holder->instance, instance) == 0 && holder->count > 1) {
		holder->count--;
		return true;
	}
	*holder = holders->items[--holders->count];
	return true;
}

void holders_clear(struct holders *holders)
{
	holders->count = 0;
}

size_t instance_kind_len(const char *instance)
{
	const char *colon = strchr(instance, ':');

	return colon ? (size_t)(colon - instance) : 0;
}

bool instance_is_superseded(const char *old_instance, const char *new_instance)
{
	size_t len = instance_kind_len(old_instance);

	return *old_instance != '\0' && *new_instance != '\0' &&
	       len == instance_kind_len(new_instance) &&
	       memcmp(old_instance, new_instance, len) == 0 &&
	       strcmp(old_instance, new_instance) != 0;
}
