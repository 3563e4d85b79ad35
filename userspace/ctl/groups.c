/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All groups of commands, in the order in which help shows them, and how one is found. */
#include <string.h>

#include "ctl/command.h"

const struct group *const groups[] = {
	&pool_group,  &volume_group, &snapshot_group, &attachment_group, &node_group,
	&event_group, NULL,
};

const struct group *group_find(const char *noun)
{
	for (size_t i = 0; groups[i]; i++) {
		if (strcmp(groups[i]->noun, noun) == 0)
			return groups[i];
	}
	return NULL;
}

const struct command *command_find(const struct group *group, const char *verb)
{
	for (size_t i = 0; i < group->command_count; i++) {
		if (strcmp(group->commands[i].verb, verb) == 0)
			return &group->commands[i];
	}
	return NULL;
}
