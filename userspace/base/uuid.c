/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"

void uuid_generate(struct uuid *out_uuid)
{
	random_bytes(out_uuid->bytes, sizeof(out_uuid->bytes));
	out_uuid->bytes[6] = (out_uuid->bytes[6] & 0x0f) | 0x40; /* version 4 */
	out_uuid->bytes[8] = (out_uuid->bytes[8] & 0x3f) | 0x80; /* RFC 9562 variant */
}

bool uuid_is_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool uuid_is_nil(const struct uuid *uuid)
{
	static const struct uuid nil;

	return uuid_is_equal(uuid, &nil);
}

/* A hyphen stands before these bytes. */
static bool has_hyphen_before(unsigned byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

char *uuid_format(const struct uuid *uuid, char *buf)
{
	static const char digits[] = "0123456789abcdef";
	char *at = buf;

	for (unsigned i = 0; i < sizeof(uuid->bytes); i++) {
		if (has_hyphen_before(i))
			*at++ = '-';
		*at++ = digits[uuid->bytes[i] >> 4];
		*at++ = digits[uuid->bytes[i] & 15];
	}
	*at = '\0';
	return buf;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int uuid_parse(const char *text, struct uuid *out_uuid)
{
	struct uuid uuid;

	for (unsigned i = 0; i < sizeof(uuid.bytes); i++) {
		int high;
		int low;

		if (has_hyphen_before(i) && *text++ != '-')
			return -EINVAL;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return -EINVAL;
		uuid.bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (*text != '\0')
		return -EINVAL;
	*out_uuid = uuid;
	return 0;
}
