/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries lie whole, one behind the other. One that does not fit before the end of the ring
 * begins at its start; `wrap` notes where the last one before the gap ends.
 */
#include "initiator/unflushed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 8

static size_t entry_size(uint32_t data_len)
{
	return (sizeof(struct unflushed_entry) + data_len + ALIGN - 1) / ALIGN * ALIGN;
}

int unflushed_init(struct unflushed *unflushed, size_t size)
{
	memset(unflushed, 0, sizeof(*unflushed));
	size = size / ALIGN * ALIGN;
	unflushed->ring = malloc(size);
	if (!unflushed->ring)
		return -ENOMEM;
	memset(unflushed->ring, 0, size);
	unflushed->size = size;
	unflushed->wrap = size;
	unflushed->next_number = 1;
	return 0;
}

void unflushed_fini(struct unflushed *unflushed)
{
	free(unflushed->ring);
	unflushed->ring = NULL;
}

/* Where the next entry of `size` bytes goes; false if nowhere. */
static bool place_find(struct unflushed *unflushed, size_t size, size_t *out_at)
{
	size_t end = unflushed->start + unflushed->used;

	if (unflushed->used == 0) {
		unflushed->start = 0;
		unflushed->wrap = unflushed->size;
		end = 0;
	}
	if (end >= unflushed->size) { /* already wrapped: free is from end to start */
		end -= unflushed->size;
		if (size > unflushed->start - end)
			return false;
	} else if (size > unflushed->size - end) {
		if (size > unflushed->start)
			return false;
		unflushed->wrap = end;
		unflushed->used += unflushed->size - end;
		end = 0;
	}
	*out_at = end;
	return true;
}

uint64_t unflushed_number(struct unflushed *unflushed)
{
	return unflushed->next_number++;
}

uint64_t unflushed_add(struct unflushed *unflushed, const struct unflushed_entry *head,
		       const void *data)
{
	size_t size = entry_size(head->data_len);
	struct unflushed_entry *entry;
	size_t at;

	if (!place_find(unflushed, size, &at))
		return 0;
	entry = (struct unflushed_entry *)(void *)(unflushed->ring + at);
	*entry = *head;
	entry->number = unflushed_number(unflushed);
	if (head->data_len > 0)
		memcpy(entry + 1, data, head->data_len);
	unflushed->used += size;
	return entry->number;
}

/* The entry at distance `distance` from the start, with the gap skipped; NULL at the end. */
static const struct unflushed_entry *entry_at(const struct unflushed *unflushed, size_t *distance)
{
	size_t at = unflushed->start + *distance;

	if (at == unflushed->wrap && unflushed->wrap < unflushed->size) {
		*distance += unflushed->size - unflushed->wrap;
		at = unflushed->size;
	}
	if (*distance >= unflushed->used)
		return NULL;
	if (at >= unflushed->size)
		at -= unflushed->size;
	return (const struct unflushed_entry *)(const void *)(unflushed->ring + at);
}

void unflushed_drop(struct unflushed *unflushed, uint64_t number)
{
	size_t distance = 0;
	const struct unflushed_entry *entry;

	while ((entry = entry_at(unflushed, &distance)) && entry->number < number)
		distance += entry_size(entry->data_len);
	unflushed->start += distance;
	unflushed->used -= distance;
	if (unflushed->start >= unflushed->size) {
		unflushed->start -= unflushed->size;
		unflushed->wrap = unflushed->size;
	}
}

const struct unflushed_entry *unflushed_next(const struct unflushed *unflushed, size_t *cursor)
{
	const struct unflushed_entry *entry = entry_at(unflushed, cursor);

	if (entry)
		*cursor += entry_size(entry->data_len);
	return entry;
}
