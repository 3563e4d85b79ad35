/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts of login and text PDUs: what is taken apart, what is refused, what is built. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "iscsi/text.h"

/* Parse a copy that is exactly as long as the text, so that the sanitizer sees a step beyond. */
static int parse(const char *data, size_t len, struct text_pairs *pairs)
{
	static char *copy;

	free(copy);
	copy = malloc(len ? len : 1);
	assert_non_null(copy);
	memcpy(copy, data, len);
	return text_parse(copy, len, pairs);
}

#define PARSE(literal, pairs) parse(literal, sizeof(literal) - 1, pairs)

static void pairs_are_found_by_key(void **state)
{
	struct text_pairs pairs;

	(void)state;
	assert_int_equal(PARSE("InitiatorName=iqn.x:i\0Empty=\0A=b=c\0", &pairs), 0);
	assert_int_equal(pairs.count, 3);
	assert_string_equal(text_find(&pairs, "InitiatorName"), "iqn.x:i");
	assert_string_equal(text_find(&pairs, "Empty"), "");
	assert_string_equal(text_find(&pairs, "A"), "b=c");
	assert_null(text_find(&pairs, "Initiator"));
	assert_int_equal(PARSE("", &pairs), 0);
	assert_int_equal(pairs.count, 0);
}

static void malformed_texts_are_refused(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} bad[] = {
#define BAD(literal) {literal, sizeof(literal) - 1}
		BAD("NoEquals\0"), BAD("=v\0"),	   BAD("A=1"),	      BAD("A=1\0B"),
		BAD("A=1\0\0"),	   BAD("\0"),	   BAD("A=1\0A=2\0"), BAD("A=\001\0"),
		BAD("A=\177\0"),   BAD("A B=1\0"), BAD("A\200=1\0"),  BAD("A/B=1\0"),
	};
	struct text_pairs pairs;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse(bad[i].data, bad[i].len, &pairs) != -EPROTO)
			fail_msg("accepted '%s'", bad[i].data);
}

static int parse_long(size_t key_len, size_t value_len, const char *key)
{
	static char data[4096];
	struct text_pairs pairs;

	memset(data, 'k', key_len);
	if (key)
		memcpy(data, key, key_len);
	data[key_len] = '=';
	memset(data + key_len + 1, 'v', value_len);
	data[key_len + 1 + value_len] = 0;
	return parse(data, key_len + value_len + 2, &pairs);
}

static void lengths_are_limited(void **state)
{
	(void)state;
	assert_int_equal(parse_long(63, 255, NULL), 0);
	assert_int_equal(parse_long(64, 1, NULL), -EPROTO);
	assert_int_equal(parse_long(5, 256, NULL), -EPROTO);
	assert_int_equal(parse_long(6, 2050, "CHAP_C"), 0);
	assert_int_equal(parse_long(6, 2050, "CHAP_R"), 0);
	assert_int_equal(parse_long(6, 256, "CHAP_N"), -EPROTO);
}

static void too_many_pairs_are_refused(void **state)
{
	char data[TEXT_PAIRS_MAX * 8 + 8];
	struct text_writer writer = {.data = data, .size = sizeof(data)};
	struct text_pairs pairs;
	char key[8];

	(void)state;
	for (int i = 0; i < TEXT_PAIRS_MAX; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		text_add(&writer, key, "v");
	}
	assert_int_equal(parse(data, writer.len, &pairs), 0);
	assert_int_equal(pairs.count, TEXT_PAIRS_MAX);
	text_add(&writer, "z", "v");
	assert_false(writer.is_cut);
	assert_int_equal(parse(data, writer.len, &pairs), -E2BIG);
}

static void text_beyond_ascii_is_marked(void **state)
{
	struct text_pairs pairs;

	(void)state;
	assert_int_equal(PARSE("InitiatorAlias=gr\303\274n\0A=b\0", &pairs), 0);
	assert_false(pairs.list[0].is_ascii);
	assert_true(pairs.list[1].is_ascii);
}

static void lists_are_searched_by_whole_items(void **state)
{
	(void)state;
	assert_true(text_list_has("CHAP,None", "None"));
	assert_true(text_list_has("None", "None"));
	assert_false(text_list_has("CHAP,Nones", "None"));
	assert_false(text_list_has("CHAP,Non", "None"));
	assert_false(text_list_has("", "None"));
	assert_false(text_list_has(",,", "None"));
}

static void numbers_are_decimal_or_hexadecimal(void **state)
{
	static const char *const bad[] = {"",	"0x",  "-1",  "+1",  " 1",
					  "1 ", "1e3", "0xg", "12a", "18446744073709551616"};
	uint64_t number = 7;

	(void)state;
	assert_int_equal(text_number("0", &number), 0);
	assert_int_equal(number, 0);
	assert_int_equal(text_number("0X1fF", &number), 0);
	assert_int_equal(number, 0x1ff);
	assert_int_equal(text_number("18446744073709551615", &number), 0);
	assert_true(number == UINT64_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (text_number(bad[i], &number) != -EINVAL)
			fail_msg("accepted '%s'", bad[i]);
}

static void a_full_text_is_cut_at_a_pair(void **state)
{
	char data[12];
	struct text_writer writer = {.data = data, .size = sizeof(data)};

	(void)state;
	text_add(&writer, "a", "%d", 123);
	assert_int_equal(writer.len, 6);
	text_add(&writer, "b", "1234");
	assert_true(writer.is_cut);
	text_add(&writer, "c", "1");
	assert_int_equal(writer.len, 6);
	assert_memory_equal(data, "a=123", 6);
	writer = (struct text_writer){.data = data, .size = sizeof(data)};
	text_add(&writer, "key", "1234567");
	assert_false(writer.is_cut);
	assert_int_equal(writer.len, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_found_by_key),
		cmocka_unit_test(malformed_texts_are_refused),
		cmocka_unit_test(lengths_are_limited),
		cmocka_unit_test(too_many_pairs_are_refused),
		cmocka_unit_test(text_beyond_ascii_is_marked),
		cmocka_unit_test(lists_are_searched_by_whole_items),
		cmocka_unit_test(numbers_are_decimal_or_hexadecimal),
		cmocka_unit_test(a_full_text_is_cut_at_a_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
