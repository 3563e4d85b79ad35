/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/buffers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* A free buffer begins with the link to the next of its size class. */
struct buffer_free {
	struct buffer_free *next;
};

static unsigned buffer_class(uint32_t size)
{
	unsigned order = 0;

	while ((uint32_t)BUFFER_ALIGN << order < size)
		order++;
	assert(order < BUFFER_CLASS_COUNT);
	return order;
}

void buffers_init(struct buffers *buffers, size_t limit)
{
	*buffers = (struct buffers){.limit = limit};
}

void buffers_trim(struct buffers *buffers)
{
	for (unsigned order = 0; order < BUFFER_CLASS_COUNT; order++) {
		struct buffer_free *buffer;

		while ((buffer = buffers->free[order])) {
			buffers->free[order] = buffer->next;
			buffers->total -= (size_t)BUFFER_ALIGN << order;
			free(buffer);
		}
	}
}

void buffers_fini(struct buffers *buffers)
{
	buffers_trim(buffers);
	assert(buffers->total == 0);
}

int buffers_get(struct buffers *buffers, uint32_t size, struct buffer *out_buffer)
{
	unsigned order = buffer_class(size);
	uint32_t class_size = (uint32_t)BUFFER_ALIGN << order;
	struct buffer_free *buffer = buffers->free[order];

	if (buffer) {
		buffers->free[order] = buffer->next;
	} else {
		if (buffers->total + class_size > buffers->limit)
			buffers_trim(buffers); /* of classes nobody wants just now */
		if (buffers->total + class_size > buffers->limit)
			return -ENOBUFS;
		buffer = aligned_alloc(BUFFER_ALIGN, class_size);
		if (!buffer)
			return -ENOBUFS;
		buffers->total += class_size;
	}
	*out_buffer = (struct buffer){.data = (uint8_t *)buffer, .size = class_size};
	return 0;
}

void buffers_put(struct buffers *buffers, struct buffer *buffer)
{
	struct buffer_free *freed = (struct buffer_free *)(void *)buffer->data;
	unsigned order;

	if (!freed)
		return;
	order = buffer_class(buffer->size);
	freed->next = buffers->free[order];
	buffers->free[order] = freed;
	*buffer = (struct buffer){0};
}
