/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who watches a device is a chain that begins in struct block: NULL where nobody does. */
#include "block/space.h"

void block_describe_space(struct block *block, struct block_space *out_space)
{
	block->space->describe(block, out_space);
}

void block_set_thresholds(struct block *block, const struct block_thresholds *thresholds)
{
	block->space->set_thresholds(block, thresholds);
}

void block_watch_start(struct block *block, struct block_watch *watch)
{
	watch->next = block->watches;
	block->watches = watch;
}

void block_watch_stop(struct block *block, struct block_watch *watch)
{
	struct block_watch **at = &block->watches;

	while (*at && *at != watch)
		at = &(*at)->next;
	if (*at)
		*at = watch->next;
}

void block_tell(struct block *block, enum block_event event)
{
	struct block_watch *watch = block->watches;

	while (watch) {
		struct block_watch *next = watch->next;

		watch->happened(watch, event);
		watch = next;
	}
}
