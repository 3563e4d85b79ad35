/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See header.h. */
#include "rpc/header.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "rpc/utf8.h"

#define TIMEOUT_DIGITS_MAX 8
#define TIMEOUT_VALUE_MAX  UINT64_C(99999999)

size_t header_percent_encode(const char *text, char *buf)
{
	static const char digits[] = "0123456789ABCDEF";
	char *end = buf;

	for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
		if (*byte >= 0x20 && *byte <= 0x7e && *byte != '%') {
			*end++ = (char)*byte;
			continue;
		}
		*end++ = '%';
		*end++ = digits[*byte >> 4];
		*end++ = digits[*byte & 15];
	}
	*end = '\0';
	return (size_t)(end - buf);
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

/* The next byte of a percent-encoded text; moves `value` behind it. */
static char percent_byte(const char **value)
{
	const char *text = *value;
	int high = text[0] == '%' ? hex_digit(text[1]) : -1;
	int low = high >= 0 ? hex_digit(text[2]) : -1;

	if (low < 0) {
		*value += 1;
		return text[0];
	}
	*value += 3;
	return (char)(high << 4 | low);
}

void header_percent_decode(const char *value, char *buf, size_t size)
{
	size_t len = 0;

	while (*value && len + 1 < size) {
		char character[4];
		size_t have = 0, character_len;
		const char *ahead = value, *after_first = value;

		while (have < sizeof(character) && *ahead) {
			character[have++] = percent_byte(&ahead);
			if (have == 1)
				after_first = ahead;
		}
		character_len = utf8_character_len(character, have);
		if (len + MAX(character_len, 1u) >= size)
			break;
		if (character_len <= 1) {
			bool is_bad = character_len == 0;
			bool is_control = utf8_is_control(character, 1);

			buf[len++] = is_bad ? '?' : is_control ? ' ' : character[0];
			value = after_first;
			continue;
		}
		for (size_t i = 0; i < character_len; i++)
			(void)percent_byte(&value);
		if (utf8_is_control(character, character_len)) {
			buf[len++] = ' ';
			continue;
		}
		memcpy(buf + len, character, character_len);
		len += character_len;
	}
	buf[len] = '\0';
}

static uint64_t divide_up(uint64_t value, uint64_t by)
{
	return value / by + (value % by != 0);
}

void header_timeout_format(uint64_t timeout_ms, char *buf)
{
	char unit = 'm';
	uint64_t value = timeout_ms;

	if (value > TIMEOUT_VALUE_MAX) {
		unit = 'S';
		value = divide_up(timeout_ms, 1000);
	}
	if (value > TIMEOUT_VALUE_MAX) {
		unit = 'H';
		value = divide_up(timeout_ms, UINT64_C(3600000));
	}
	(void)snprintf(buf, HEADER_TIMEOUT_SIZE, "%" PRIu64 "%c", MIN(value, TIMEOUT_VALUE_MAX),
		       unit);
}

int header_timeout_parse(const char *value, uint64_t *out_timeout_ms)
{
	static const struct {
		char unit;
		uint64_t multiply_by, divide_by;
	} units[] = {
		{'H', 3600000, 1}, {'M', 60000, 1}, {'S', 1000, 1},
		{'m', 1, 1},	   {'u', 1, 1000},  {'n', 1, 1000000},
	};
	size_t digits = strspn(value, "0123456789");
	uint64_t number = 0;

	if (digits == 0 || digits > TIMEOUT_DIGITS_MAX || !value[digits] || value[digits + 1])
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint64_t)(value[i] - '0');
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].unit != value[digits])
			continue;
		*out_timeout_ms = divide_up(number * units[i].multiply_by, units[i].divide_by);
		return 0;
	}
	return -EINVAL;
}
