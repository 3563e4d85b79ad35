/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UUIDs (RFC 9562, version 4): the identity of pools and volumes. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_TEXT_SIZE 37 /* with the NUL */

struct uuid {
	uint8_t bytes[16];
};

void uuid_generate(struct uuid *out_uuid);
bool uuid_is_equal(const struct uuid *a, const struct uuid *b);
bool uuid_is_nil(const struct uuid *uuid);

/* Lower case with hyphens into buf of UUID_TEXT_SIZE; returns buf. */
char *uuid_format(const struct uuid *uuid, char *buf);

/* 8-4-4-4-12 hex digits, any case; -EINVAL for anything else. */
int uuid_parse(const char *text, struct uuid *out_uuid);

#endif
