/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/slots.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

int slots_init(struct slots *slots, uint32_t count, uint32_t item_size)
{
	const uint32_t align = alignof(max_align_t);

	if (count == 0 || item_size == 0 || item_size > UINT32_MAX - align)
		return -EINVAL;
	*slots = (struct slots){.count = count, .free_count = count};
	slots->item_size = (item_size + align - 1) / align * align;
	slots->memory = calloc(count, slots->item_size);
	slots->free_indexes = calloc(count, sizeof(*slots->free_indexes));
	if (!slots->memory || !slots->free_indexes) {
		free(slots->memory);
		free(slots->free_indexes);
		*slots = (struct slots){0};
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		slots->free_indexes[i] = count - 1 - i;
	return 0;
}

void slots_fini(struct slots *slots)
{
	assert(slots->free_count == slots->count);
	free(slots->memory);
	free(slots->free_indexes);
	*slots = (struct slots){0};
}

void *slots_get(struct slots *slots)
{
	if (slots->free_count == 0)
		return NULL;
	return slots_at(slots, slots->free_indexes[--slots->free_count]);
}

void slots_put(struct slots *slots, void *item)
{
	assert(slots->free_count < slots->count);
	slots->free_indexes[slots->free_count++] = slots_index(slots, item);
}

uint32_t slots_index(const struct slots *slots, const void *item)
{
	size_t offset = (size_t)((const char *)item - (const char *)slots->memory);

	assert(offset % slots->item_size == 0 && offset / slots->item_size < slots->count);
	return (uint32_t)(offset / slots->item_size);
}

void *slots_at(const struct slots *slots, uint32_t index)
{
	assert(index < slots->count);
	return (char *)slots->memory + (size_t)index * slots->item_size;
}
