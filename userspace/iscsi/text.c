/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iscsi/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool text_key_is_valid(const char *key, size_t len)
{
	if (len == 0 || len > TEXT_KEY_LEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)key[i];

		if (byte >= 0x80 || (!isalnum(byte) && !strchr(".-+@_", byte)))
			return false;
	}
	return true;
}

/* CHAP's binary values are large (12.1.3); how long they may be is for chap.h to say. */
static bool text_value_may_be_long(const char *key)
{
	return strcmp(key, "CHAP_C") == 0 || strcmp(key, "CHAP_R") == 0;
}

static bool text_value_is_valid(const struct text_pair *pair, bool *out_is_ascii)
{
	size_t len = strlen(pair->value);

	if (len > TEXT_VALUE_LEN_MAX && !text_value_may_be_long(pair->key))
		return false;
	*out_is_ascii = true;
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)pair->value[i];

		if (byte < 0x20 || byte == 0x7f)
			return false;
		if (byte >= 0x80)
			*out_is_ascii = false;
	}
	return true;
}

int text_parse(char *data, size_t len, struct text_pairs *out_pairs)
{
	char *end = data + len;

	out_pairs->count = 0;
	while (data < end) {
		struct text_pair *pair = &out_pairs->list[out_pairs->count];
		char *nul = memchr(data, 0, (size_t)(end - data));
		char *equals;

		if (!nul)
			return -EPROTO;
		equals = memchr(data, '=', (size_t)(nul - data));
		if (!equals || !text_key_is_valid(data, (size_t)(equals - data)))
			return -EPROTO;
		*equals = 0;
		if (text_find(out_pairs, data))
			return -EPROTO;
		if (out_pairs->count == TEXT_PAIRS_MAX)
			return -E2BIG;
		*pair = (struct text_pair){.key = data, .value = equals + 1};
		if (!text_value_is_valid(pair, &pair->is_ascii))
			return -EPROTO;
		out_pairs->count++;
		data = nul + 1;
	}
	return 0;
}

const char *text_find(const struct text_pairs *pairs, const char *key)
{
	for (unsigned i = 0; i < pairs->count; i++)
		if (strcmp(pairs->list[i].key, key) == 0)
			return pairs->list[i].value;
	return NULL;
}

bool text_list_has(const char *list, const char *item)
{
	size_t item_len = strlen(item);

	for (;;) {
		size_t len = strcspn(list, ",");

		if (len == item_len && memcmp(list, item, len) == 0)
			return true;
		if (!list[len])
			return false;
		list += len + 1;
	}
}

int text_number(const char *value, uint64_t *out_number)
{
	bool is_hex = value[0] == '0' && (value[1] == 'x' || value[1] == 'X');
	const char *digits = is_hex ? value + 2 : value;
	size_t len = strlen(digits);
	unsigned long long number;

	if (len == 0 || strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789") != len)
		return -EINVAL;
	errno = 0;
	number = strtoull(digits, NULL, is_hex ? 16 : 10);
	if (errno != 0)
		return -EINVAL;
	*out_number = number;
	return 0;
}

void text_add(struct text_writer *writer, const char *key, const char *format, ...)
{
	size_t room = writer->size - writer->len;
	char *at = writer->data + writer->len;
	size_t key_len = strlen(key);
	int value_len;
	va_list args;

	if (writer->is_cut || key_len + 2 > room) {
		writer->is_cut = true;
		return;
	}
	va_start(args, format);
	value_len = vsnprintf(at + key_len + 1, room - key_len - 1, format, args);
	va_end(args);
	if (value_len < 0 || (size_t)value_len + 1 > room - key_len - 1) {
		writer->is_cut = true;
		return;
	}
	for (size_t i = 0; i < key_len; i++)
		at[i] = key[i];
	at[key_len] = '=';
	writer->len += key_len + 1 + (size_t)value_len + 1;
}
