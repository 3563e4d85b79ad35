/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data buffers of one reactor: page-aligned memory in classes of powers of two, kept for the
 * next command instead of being freed. All of it together is bounded; a command that finds
 * nothing gets TASK SET FULL. On the reactor's thread.
 */
#ifndef TARGET_BUFFERS_H
#define TARGET_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

#define BUFFER_ALIGN	   4096
#define BUFFER_SIZE_MAX	   (UINT32_C(16) << 20)
#define BUFFER_CLASS_COUNT 13 /* 4 KiB to 16 MiB */

struct buffers {
	struct buffer_free *free[BUFFER_CLASS_COUNT];
	size_t total; /* bytes, in use and free */
	size_t limit;
};

struct buffer {
	uint8_t *data; /* NULL: none */
	uint32_t size;
};

void buffers_init(struct buffers *buffers, size_t limit);

/* All must be back. */
void buffers_fini(struct buffers *buffers);

/* At least `size` bytes, 1 to BUFFER_SIZE_MAX; the content is not cleared. -ENOBUFS at the limit
 * or without memory. */
int buffers_get(struct buffers *buffers, uint32_t size, struct buffer *out_buffer);

/* Empties *buffer; one without memory is fine. */
void buffers_put(struct buffers *buffers, struct buffer *buffer);

/* Give the kernel back what is free. */
void buffers_trim(struct buffers *buffers);

#endif
