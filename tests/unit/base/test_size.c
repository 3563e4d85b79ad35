/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes as text: what is accepted, what is refused, and what is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/size.h"

static void sizes_are_binary_in_any_case(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{"0", 0},
		{"10", 10},
		{"10B", 10},
		{"512 b", 512},
		{"4K", 4096},
		{"4k", 4096},
		{"4KB", 4096},
		{"4Ki", 4096},
		{"4KiB", 4096},
		{"4 kib", 4096},
		{"007M", 7 * MIB},
		{"20 GiB", 20 * GIB},
		{"20G", 20 * GIB},
		{"1TiB", TIB},
		{"1P", 1024 * TIB},
		{"7E", 7 * 1024 * 1024 * TIB},
		{"1.5G", 3 * GIB / 2},
		{"1.50G", 3 * GIB / 2},
		{"0.5K", 512},
		{"1.500000K", 1536},
		{"1.5000000000000000K", 1536},
		{"0.000000", 0},
		{"0.125T", TIB / 8},
		{"9223372036854775807", INT64_MAX},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t bytes = 1;

		assert_int_equal(size_parse(cases[i].text, &bytes, NULL), 0);
		assert_true(bytes == cases[i].bytes);
	}
}

static void what_is_no_size_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		" 1",
		"G",
		"-1",
		"+1",
		"-1G",
		"1..5G",
		".5G",
		"1.G",
		"1,5G",
		"1.5.1G",
		"0x10",
		"10X",
		"10GG",
		"10GiBx",
		"10Gib ",
		"10 G B",
		"1e3",
		"inf",
		"ten",
		"1.5",			/* no half bytes */
		"0.0001K",		/* nor parts of them */
		"1.0000001G",		/* more digits than are read */
		"8E",			/* 2^63 */
		"9223372036854775808",	/* the same */
		"99999999999999999999", /* past 64 bits */
		"18446744073709551616", /* 2^64 */
		"4611686018427387904E", /* 2^122, which is 0 in 128 bits of millionths */
		"9223372036854775807E",
		"1024P000000",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint64_t bytes = 1;
		struct error err = {0};

		if (size_parse(texts[i], &bytes, &err) != -EINVAL)
			fail_msg("'%s' was taken for %llu bytes", texts[i],
				 (unsigned long long)bytes);
		assert_int_equal(bytes, 1);
		assert_non_null(strstr(err.text, "is not a size; write a number and a unit"));
	}
}

static void sizes_are_printed_with_at_most_one_decimal(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1 KiB"},
		{1536, "1.5 KiB"},
		{MIB - 1, "1023.9 KiB"}, /* cut, so that nothing looks larger than it is */
		{MIB, "1 MiB"},
		{10 * GIB, "10 GiB"},
		{3 * TIB / 2, "1.5 TiB"},
		{1024 * TIB, "1 PiB"},
		{UINT64_MAX, "15.9 EiB"},
	};
	char buf[SIZE_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(size_format(cases[i].bytes, buf), cases[i].text);
}

static void what_is_printed_whole_is_read_back(void **state)
{
	char buf[SIZE_TEXT_MAX];

	for (unsigned shift = 0; shift < 63; shift++) {
		uint64_t bytes;

		assert_int_equal(size_parse(size_format(UINT64_C(1) << shift, buf), &bytes, NULL),
				 0);
		assert_true(bytes == UINT64_C(1) << shift);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_binary_in_any_case),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(sizes_are_printed_with_at_most_one_decimal),
		cmocka_unit_test(what_is_printed_whole_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
