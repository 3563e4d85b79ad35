/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences and timeouts in headers, and the UTF-8 that sentences are made of. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "rpc/header.h"
#include "rpc/utf8.h"

static void assert_decoded(const char *value, const char *text)
{
	char buf[256];

	header_percent_decode(value, buf, sizeof(buf));
	assert_string_equal(buf, text);
}

static void only_printable_ascii_stays_as_it_is(void **state)
{
	char buf[HEADER_PERCENT_SIZE(32)];

	assert_int_equal(header_percent_encode("pool 'x' ~ 5%\n\x7f\xc3\xbc", buf), 27);
	assert_string_equal(buf, "pool 'x' ~ 5%25%0A%7F%C3%BC");
}

static void sentence_survives_the_way_there_and_back(void **state)
{
	char buf[HEADER_PERCENT_SIZE(64)];

	(void)header_percent_encode("100% größer: € 𝄞 /dev/%41", buf);
	assert_decoded(buf, "100% größer: € 𝄞 /dev/%41");
}

static void broken_escapes_stay_as_they_are(void **state)
{
	assert_decoded("a%", "a%");
	assert_decoded("a%4", "a%4");
	assert_decoded("a%zz%41", "a%zzA");
	assert_decoded("%c3%BC%C3", "ü?");
}

static void control_characters_become_spaces(void **state)
{
	assert_decoded("a%0Ab%1B[0m%00%7Fc", "a b [0m  c");
	assert_decoded("a%C2%9Bb%C2%A0c", "a b\xc2\xa0"
					  "c");
}

static void bytes_that_are_not_utf8_become_question_marks(void **state)
{
	assert_decoded("a%FFb%E2%82c", "a?b??c");
	assert_decoded("%ED%A0%80", "???"); /* a surrogate */
	assert_decoded("%C0%80", "??");	    /* an overlong NUL */
}

static void long_sentence_is_cut_between_characters(void **state)
{
	char buf[6];

	header_percent_decode("abc%C3%BC%C3%BC", buf, sizeof(buf));
	assert_string_equal(buf, "abcü");
	header_percent_decode("abcd%C3%BC", buf, sizeof(buf));
	assert_string_equal(buf, "abcd");
	header_percent_decode("abcdefgh", buf, sizeof(buf));
	assert_string_equal(buf, "abcde");
	header_percent_decode("abc", buf, 1);
	assert_string_equal(buf, "");
}

static void timeout_is_written_in_the_finest_unit_that_fits(void **state)
{
	char buf[HEADER_TIMEOUT_SIZE];

	header_timeout_format(1, buf);
	assert_string_equal(buf, "1m");
	header_timeout_format(99999999, buf);
	assert_string_equal(buf, "99999999m");
	header_timeout_format(100000001, buf);
	assert_string_equal(buf, "100001S");
	header_timeout_format(UINT64_C(99999999001), buf);
	assert_string_equal(buf, "27778H");
	header_timeout_format(UINT64_MAX, buf);
	assert_string_equal(buf, "99999999H");
}

static void timeout_is_read_in_every_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t timeout_ms;
	} rows[] = {
		{"2H", 7200000},
		{"3M", 180000},
		{"4S", 4000},
		{"5m", 5},
		{"1000u", 1},
		{"1001u", 2},
		{"1n", 1},
		{"0m", 0},
		{"0n", 0},
		{"00000001S", 1000},
		{"99999999H", UINT64_C(359999996400000)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t timeout_ms = 77;

		assert_int_equal(header_timeout_parse(rows[i].text, &timeout_ms), 0);
		assert_int_equal(timeout_ms, rows[i].timeout_ms);
	}
}

static void what_is_no_timeout_is_refused(void **state)
{
	static const char *const texts[] = {"",	   "m",	  "1",	  "1s",		"1 m", "-1m",
					    "+1m", "1mm", "1.5S", "123456789m", " 1m"};
	uint64_t timeout_ms;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(header_timeout_parse(texts[i], &timeout_ms), -EINVAL);
}

static void utf8_is_told_from_what_looks_like_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		size_t character_len;
	} rows[] = {
		{"a", 1, 1},
		{"\0", 1, 1},
		{"\xc3\xbc", 2, 2},
		{"\xe2\x82\xac", 3, 3},
		{"\xf0\x9d\x84\x9e", 4, 4},
		{"", 0, 0},
		{"\xc3", 1, 0},
		{"\xc3\x28", 2, 0},
		{"\x80", 1, 0},
		{"\xc0\x80", 2, 0},
		{"\xc1\xbf", 2, 0},
		{"\xe0\x9f\xbf", 3, 0},
		{"\xe0\xa0\x80", 3, 3},
		{"\xed\xa0\x80", 3, 0},
		{"\xed\x9f\xbf", 3, 3},
		{"\xf0\x8f\xbf\xbf", 4, 0},
		{"\xf4\x8f\xbf\xbf", 4, 4},
		{"\xf4\x90\x80\x80", 4, 0},
		{"\xf5\x80\x80\x80", 4, 0},
		{"\xff", 1, 0},
		{"\xe2\x82", 2, 0},
		{"\xe2\x82\x28", 3, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(utf8_character_len(rows[i].bytes, rows[i].len),
				 rows[i].character_len);
}

static void text_has_no_nul(void **state)
{
	assert_true(utf8_is_text("größer", strlen("größer")));
	assert_true(utf8_is_text("", 0));
	assert_false(utf8_is_text("a\0b", 3));
	assert_false(utf8_is_text("a\xff", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_printable_ascii_stays_as_it_is),
		cmocka_unit_test(sentence_survives_the_way_there_and_back),
		cmocka_unit_test(broken_escapes_stay_as_they_are),
		cmocka_unit_test(control_characters_become_spaces),
		cmocka_unit_test(bytes_that_are_not_utf8_become_question_marks),
		cmocka_unit_test(long_sentence_is_cut_between_characters),
		cmocka_unit_test(timeout_is_written_in_the_finest_unit_that_fits),
		cmocka_unit_test(timeout_is_read_in_every_unit),
		cmocka_unit_test(what_is_no_timeout_is_refused),
		cmocka_unit_test(utf8_is_told_from_what_looks_like_it),
		cmocka_unit_test(text_has_no_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
