/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See frame.h. */
#include "rpc/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"

#define FRAME_FIRST_SIZE 256

void frame_reader_init(struct frame_reader *reader, size_t limit)
{
	*reader = (struct frame_reader){.limit = limit};
}

void frame_reader_fini(struct frame_reader *reader)
{
	free(reader->data);
	reader->data = NULL;
}

static uint32_t frame_message_len(const struct frame_reader *reader)
{
	return get_be32(reader->header + 1);
}

static int frame_header_check(const struct frame_reader *reader)
{
	if (reader->header[0] == 1)
		return -EOPNOTSUPP;
	if (reader->header[0] != 0)
		return -EBADMSG;
	return frame_message_len(reader) > reader->limit ? -EMSGSIZE : 0;
}

/* Room for `want` bytes in all; doubles, so that copying stays linear. */
static int frame_reader_grow(struct frame_reader *reader, size_t want)
{
	size_t size = MAX(reader->size, (size_t)FRAME_FIRST_SIZE);
	uint8_t *data;

	if (reader->data && want <= reader->size)
		return 0;
	while (size < want)
		size *= 2;
	size = MIN(size, MAX((size_t)frame_message_len(reader), (size_t)1));
	data = realloc(reader->data, size);
	if (!data)
		return -ENOMEM;
	reader->data = data;
	reader->size = size;
	return 0;
}

int frame_reader_feed(struct frame_reader *reader, const uint8_t *data, size_t len,
		      size_t *out_used)
{
	size_t part = MIN(len, FRAME_HEADER_SIZE - reader->header_len);
	int ret;

	memcpy(reader->header + reader->header_len, data, part);
	reader->header_len += part;
	*out_used = part;
	if (reader->header_len < FRAME_HEADER_SIZE)
		return 0;
	ret = frame_header_check(reader);
	if (ret < 0)
		return ret;
	data += part;
	part = MIN(len - part, frame_message_len(reader) - reader->len);
	ret = frame_reader_grow(reader, reader->len + part);
	if (ret < 0)
		return ret;
	memcpy(reader->data + reader->len, data, part);
	reader->len += part;
	*out_used += part;
	return reader->len == frame_message_len(reader);
}

uint8_t *frame_reader_take(struct frame_reader *reader, size_t *out_len)
{
	uint8_t *data = reader->data;

	assert(data && reader->len == frame_message_len(reader));
	*out_len = reader->len;
	frame_reader_init(reader, reader->limit);
	return data;
}

bool frame_reader_is_inside(const struct frame_reader *reader)
{
	return reader->header_len > 0;
}

void frame_header_encode(uint8_t *header, uint32_t len)
{
	header[0] = 0;
	put_be32(header + 1, len);
}
