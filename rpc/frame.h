/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages inside the body of a gRPC call: one byte of flags, four bytes of length, big endian,
 * then the message. Pure codec: fed with bytes in pieces of any size.
 */
#ifndef RPC_FRAME_H
#define RPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER_SIZE 5

/* Zeroed memory is a reader at its beginning, apart from the limit. */
struct frame_reader {
	size_t limit; /* largest message taken */
	uint8_t header[FRAME_HEADER_SIZE];
	size_t header_len;
	uint8_t *data;
	size_t len;  /* bytes of the message that are here */
	size_t size; /* bytes allocated: grows as data comes, not as the header announces */
};

void frame_reader_init(struct frame_reader *reader, size_t limit);
void frame_reader_fini(struct frame_reader *reader);

/*
 * Take bytes up to the end of one message. `*out_used` says how many were taken. Returns 1 when
 * a message is complete (take it before feeding more), 0 when more bytes are needed, -EMSGSIZE
 * if the message is over the limit, -EOPNOTSUPP if it is compressed, -EBADMSG for other flags,
 * -ENOMEM. After an error the reader is good only for fini.
 */
int frame_reader_feed(struct frame_reader *reader, const uint8_t *data, size_t len,
		      size_t *out_used);

/* The complete message (never NULL); the caller frees it, and the reader starts the next. */
uint8_t *frame_reader_take(struct frame_reader *reader, size_t *out_len);

/* True if a message has begun and is not complete: the body must not end here. */
bool frame_reader_is_inside(const struct frame_reader *reader);

/* Write the header of an uncompressed message of `len` bytes. */
void frame_header_encode(uint8_t *header, uint32_t len);

#endif
