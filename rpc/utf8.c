/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One row for each shape of a lead byte, after table 3-7 of the Unicode standard. */
#include "rpc/utf8.h"

#include <stdint.h>

#include "base/compiler.h"

static const struct {
	uint8_t lead_first, lead_last;
	uint8_t second_first, second_last;
	uint8_t len;
} utf8_shapes[] = {
	{0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t utf8_character_len(const char *text, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t shape = 0;

	if (len == 0)
		return 0;
	while (shape < ARRAY_SIZE(utf8_shapes) && bytes[0] > utf8_shapes[shape].lead_last)
		shape++;
	if (shape == ARRAY_SIZE(utf8_shapes) || bytes[0] < utf8_shapes[shape].lead_first ||
	    utf8_shapes[shape].len > len)
		return 0;
	if (utf8_shapes[shape].len == 1)
		return 1;
	if (bytes[1] < utf8_shapes[shape].second_first || bytes[1] > utf8_shapes[shape].second_last)
		return 0;
	for (size_t i = 2; i < utf8_shapes[shape].len; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return utf8_shapes[shape].len;
}

bool utf8_is_control(const char *character, size_t character_len)
{
	const uint8_t *bytes = (const uint8_t *)character;

	if (character_len == 1)
		return bytes[0] < 0x20 || bytes[0] == 0x7f;
	return character_len == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;
}

bool utf8_is_text(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t character_len = utf8_character_len(text + at, len - at);

		if (character_len == 0 || text[at] == '\0')
			return false;
		at += character_len;
	}
	return true;
}
