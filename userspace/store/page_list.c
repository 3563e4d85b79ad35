/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/page_list.h"

#include <stdlib.h>
#include <string.h>

#include "store/format.h"

void *page_list_add(struct page_list *list, uint64_t block, const void *from)
{
	void *data;

	if (list->count == list->capacity) {
		uint32_t capacity = list->capacity ? list->capacity * 2 : 64;
		struct page *pages = realloc(list->pages, capacity * sizeof(*pages));

		if (!pages)
			return NULL;
		list->pages = pages;
		list->capacity = capacity;
	}
	data = aligned_alloc(FORMAT_BLOCK_BYTES, FORMAT_BLOCK_BYTES);
	if (!data)
		return NULL;
	if (from)
		memcpy(data, from, FORMAT_BLOCK_BYTES);
	else
		memset(data, 0, FORMAT_BLOCK_BYTES);
	list->pages[list->count++] = (struct page){.block = block, .data = data};
	return data;
}

static int page_compare(const void *a, const void *b)
{
	uint64_t left = ((const struct page *)a)->block;
	uint64_t right = ((const struct page *)b)->block;

	return (left > right) - (left < right);
}

void page_list_sort(struct page_list *list)
{
	if (list->count > 1)
		qsort(list->pages, list->count, sizeof(*list->pages), page_compare);
}

void page_list_fini(struct page_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free(list->pages[i].data);
	free(list->pages);
	*list = (struct page_list){0};
}
