/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UUIDs: the bits that make a version 4, golden text, and what is no UUID. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/uuid.h"

static const struct uuid golden = {{0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0, 0xa7, 0x65,
				    0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6}};
static const char golden_text[] = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"; /* RFC 4122, 3 */

static void text_and_bytes_are_the_known_ones(void **state)
{
	char buf[UUID_TEXT_SIZE];
	struct uuid uuid;

	assert_string_equal(uuid_format(&golden, buf), golden_text);
	assert_int_equal(uuid_parse(golden_text, &uuid), 0);
	assert_true(uuid_is_equal(&uuid, &golden));
	assert_int_equal(uuid_parse("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", &uuid), 0);
	assert_true(uuid_is_equal(&uuid, &golden));
}

static void a_generated_one_is_a_version_4_and_new(void **state)
{
	struct uuid previous = {{0}};

	for (int i = 0; i < 200; i++) {
		struct uuid uuid;

		uuid_generate(&uuid);
		assert_int_equal(uuid.bytes[6] >> 4, 4);
		assert_int_equal(uuid.bytes[8] >> 6, 2);
		assert_false(uuid_is_nil(&uuid));
		assert_false(uuid_is_equal(&uuid, &previous));
		previous = uuid;
	}
}

static void nil_is_all_zeros(void **state)
{
	struct uuid uuid = {{0}};

	assert_true(uuid_is_nil(&uuid));
	uuid.bytes[15] = 1;
	assert_false(uuid_is_nil(&uuid));
}

static void what_is_no_uuid_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"f81d4fae",
		"f81d4fae-",
		"f81d4fae-7dec-11d0-a765-00a0c91e6bf",
		"f81d4fae-7dec-11d0-a765-00a0c91e6bf66",
		"f81d4fae-7dec-11d0-a765-00a0c91e6bf6 ",
		" f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		"f81d4fae7dec11d0a76500a0c91e6bf6",
		"f81d4fae-7dec-11d0-a76500-a0c91e6bf6",
		"f81d4fag-7dec-11d0-a765-00a0c91e6bf6",
		"{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
	};
	struct uuid uuid = golden;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(uuid_parse(texts[i], &uuid), -EINVAL);
	assert_true(uuid_is_equal(&uuid, &golden)); /* untouched on failure */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_bytes_are_the_known_ones),
		cmocka_unit_test(a_generated_one_is_a_version_4_and_new),
		cmocka_unit_test(nil_is_all_zeros),
		cmocka_unit_test(what_is_no_uuid_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
