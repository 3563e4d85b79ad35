/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fixed number of equal things, handed out and taken back in O(1), allocated once. Each has
 * an index below `count` for as long as it is out. Not thread-safe.
 */
#ifndef BASE_SLOTS_H
#define BASE_SLOTS_H

#include <stdint.h>

struct slots {
	void *memory;
	uint32_t *free_indexes;
	uint32_t free_count;
	uint32_t count;
	uint32_t item_size;
};

/* `count` zeroed things of `item_size` bytes, aligned for any type; -ENOMEM, -EINVAL. */
int slots_init(struct slots *slots, uint32_t count, uint32_t item_size);

/* All must be back. Accepts zeroed memory. */
void slots_fini(struct slots *slots);

/* NULL when all are out. The content is as it was when it was last put back. */
void *slots_get(struct slots *slots);
void slots_put(struct slots *slots, void *item);

uint32_t slots_index(const struct slots *slots, const void *item);
void *slots_at(const struct slots *slots, uint32_t index);

static inline uint32_t slots_used(const struct slots *slots)
{
	return slots->count - slots->free_count;
}

#endif
