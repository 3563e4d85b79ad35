/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of pools and volumes: what is refused, and that the sentence says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/name.h"

static void plain_names_are_accepted(void **state)
{
	static const char *const names[] = {"a", "0", "db", "db-1", "my_data.v2", "a..b", "a--"};
	char longest[NAME_SIZE];
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(name_check("volume", names[i], &err), 0);
	memset(longest, 'f', NAME_LEN_MAX);
	longest[NAME_LEN_MAX] = '\0';
	assert_int_equal(name_check("volume", longest, &err), 0);
	assert_string_equal(err.text, "");
}

static void anything_else_is_refused(void **state)
{
	static const char *const names[] = {".",   "..",  "../x",     "/",     "a/b", "-a",  "_a",
					    "A",   "aB",  "a b",      "a\n",   "a\t", "a:b", "a%",
					    "a\"", "a\\", "\xc3\xa4", "a\x7f", "a*",  " a",  "a "};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct error err = {0};

		assert_int_equal(name_check("volume", names[i], &err), -EINVAL);
		assert_int_equal(err.code, -EINVAL);
		assert_ptr_equal(strstr(err.text, "volume name '"), err.text);
	}
}

static void an_empty_name_is_called_empty(void **state)
{
	struct error err = {0};

	assert_int_equal(name_check("pool", "", &err), -EINVAL);
	assert_string_equal(err.text, "pool name is empty");
}

static void one_character_too_many_is_told_with_numbers(void **state)
{
	char name[NAME_LEN_MAX + 2];
	struct error err = {0};

	memset(name, 'f', NAME_LEN_MAX + 1);
	name[NAME_LEN_MAX + 1] = '\0';
	assert_int_equal(name_check("pool", name, &err), -EINVAL);
	assert_non_null(strstr(err.text, "65 characters, at most 64 fit"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_names_are_accepted),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(an_empty_name_is_called_empty),
		cmocka_unit_test(one_character_too_many_is_told_with_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
