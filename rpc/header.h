/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of gRPC headers as text: the sentence in grpc-message and the time in grpc-timeout.
 * Pure codecs, by the "PROTOCOL-HTTP2" text of gRPC.
 */
#ifndef RPC_HEADER_H
#define RPC_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEADER_TIMEOUT_SIZE 10 /* eight digits, a unit, NUL */

/* Bytes that percent_encode needs at most for a text of `len` bytes, with the NUL. */
#define HEADER_PERCENT_SIZE(len) (3 * (len) + 1)

/*
 * Everything but printable ASCII, and '%', becomes %XX. `buf` has HEADER_PERCENT_SIZE(strlen)
 * bytes. Returns the length.
 */
size_t header_percent_encode(const char *text, char *buf);

/*
 * The way back, for people to read: what is no valid escape stays as it is (clients must not
 * fail on it), control characters become spaces so that a peer cannot steer a terminal or
 * forge a line of a log, and bytes that are not UTF-8 become '?'. Cut to `size` - 1 bytes,
 * between characters.
 */
void header_percent_decode(const char *value, char *buf, size_t size);

/* A timeout in the finest unit that eight digits hold, rounded up; buf of HEADER_TIMEOUT_SIZE. */
void header_timeout_format(uint64_t timeout_ms, char *buf);

/* Units H M S m u n, one to eight digits; rounded up to milliseconds. -EINVAL. */
int header_timeout_parse(const char *value, uint64_t *out_timeout_ms);

#endif
