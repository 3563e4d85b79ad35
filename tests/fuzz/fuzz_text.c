/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a text, as a CHAP value, as additional headers: all that is parsed before anybody
 * has proven anything. What must hold: nothing outside the input is touched (it is copied to
 * memory of its exact length), answers to a text fit the space that login has for them, and a
 * decoded value is never longer than asked for.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "iscsi/chap.h"
#include "iscsi/keys.h"
#include "iscsi/pdu.h"
#include "iscsi/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_text(char *copy, size_t size)
{
	static char answer_data[8192];
	struct text_writer answer = {.data = answer_data, .size = sizeof(answer_data)};
	struct text_pairs pairs;
	struct keys keys;

	keys_init(&keys);
	if (text_parse(copy, size, &pairs) < 0)
		return;
	for (unsigned i = 0; i < pairs.count; i++)
		if (keys_offer(&keys, &pairs.list[i], &answer) < 0)
			text_add(&answer, pairs.list[i].key, "NotUnderstood");
	assert(!answer.is_cut);
	(void)keys_finish(&keys); /* either answer is fine */
}

static void take_binary(const char *text)
{
	enum chap_algorithm algorithm;
	uint8_t *bytes = malloc(CHAP_DIGEST_LEN_MAX);
	uint64_t number;
	size_t len;

	if (chap_decode(text, bytes, CHAP_DIGEST_LEN_MAX, &len) == 0)
		assert(len > 0 && len <= CHAP_DIGEST_LEN_MAX);
	(void)chap_choose(text, &algorithm);
	(void)text_number(text, &number);
	free(bytes);
}

static void take_headers(const uint8_t *data, uint32_t len)
{
	struct ahs ahs;
	uint32_t at = 0;

	while (ahs_next(data, len, &at, &ahs) > 0)
		assert(ahs.data >= data && ahs.data + ahs.len <= data + len && at <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	uint8_t *headers = malloc(size ? size : 1);

	assert(copy && headers);
	memcpy(copy, data, size);
	copy[size] = 0;
	take_binary(copy);
	copy = realloc(copy, size ? size : 1);
	take_text(copy, size);
	memcpy(headers, data, size);
	take_headers(headers, (uint32_t)(size & ~(size_t)3));
	free(headers);
	free(copy);
	return 0;
}
