/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences: set, prefixed, cut to fit, and made from themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"

static void code_and_sentence_are_kept(void **state)
{
	struct error err = {0};

	assert_int_equal(error_set(&err, -ENOSPC, "pool '%s' has %d GiB free", "fast", 12),
			 -ENOSPC);
	assert_int_equal(err.code, -ENOSPC);
	assert_string_equal(err.text, "pool 'fast' has 12 GiB free");
}

static void no_failure_looks_like_success(void **state)
{
	struct error err = {0};

	assert_int_equal(error_set(&err, 0, "end of file"), -EIO);
	assert_int_equal(err.code, -EIO);
	assert_int_equal(error_set(NULL, EINVAL, "never seen"), -EIO);
}

static void nobody_may_be_listening(void **state)
{
	assert_int_equal(error_set(NULL, -EIO, "never seen"), -EIO);
	assert_int_equal(error_prefix(NULL, "never seen"), 0);
}

static void prefix_goes_in_front(void **state)
{
	struct error err = {0};

	(void)error_set(&err, -EIO, "cannot read"); /* its result is the -EIO just given */
	assert_int_equal(error_prefix(&err, "pool '%s'", "fast"), -EIO);
	assert_string_equal(err.text, "pool 'fast': cannot read");
}

static void a_long_sentence_is_cut(void **state)
{
	struct error err = {0};
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(error_set(&err, -EIO, "%s", text), -EIO);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(error_prefix(&err, "first"), -EIO);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "first: xxx", 10);
}

static void a_prefix_may_fill_it_all(void **state)
{
	struct error err = {0};
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)error_set(&err, -EIO, "cannot read"); /* its result is the -EIO just given */
	assert_int_equal(error_prefix(&err, "%s", text), -EIO);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void a_sentence_may_be_made_from_the_one_before(void **state)
{
	struct error err = {0};

	(void)error_set(&err, -EIO, "cannot read"); /* its result is the -EIO just given */
	assert_int_equal(error_set(&err, -EBUSY, "while going back: %s", err.text), -EBUSY);
	assert_string_equal(err.text, "while going back: cannot read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_and_sentence_are_kept),
		cmocka_unit_test(no_failure_looks_like_success),
		cmocka_unit_test(nobody_may_be_listening),
		cmocka_unit_test(prefix_goes_in_front),
		cmocka_unit_test(a_long_sentence_is_cut),
		cmocka_unit_test(a_prefix_may_fill_it_all),
		cmocka_unit_test(a_sentence_may_be_made_from_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
