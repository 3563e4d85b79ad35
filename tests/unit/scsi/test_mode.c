/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Golden bytes of the mode pages, and what MODE SELECT takes and refuses. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/compiler.h"
#include "scsi/mode.h"

static const struct mode_facts facts = {
	.has_write_cache = true, .block_count = 0x1000, .block_bytes = 512};

#define RECOVERY 0x01, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define CACHING	 0x08, 0x12, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define CONTROL	 0x0a, 0x0a, 0, 0x10, 0, 0, 0, 0, 0xff, 0xff, 0, 0
#define CONTROL_EXTENSION                                                                          \
	0x4a, 0x01, 0, 0x1c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  \
		0, 0, 0, 0, 0
#define EXCEPTIONS   0x1c, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define PROVISIONING 0x5c, 0x02, 0, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

static void assert_list(const struct mode_sense *request, const uint8_t *expected, size_t len)
{
	struct mode_values values = mode_default(&facts);
	uint8_t out[MODE_LEN_MAX];

	memset(out, 0xa5, sizeof(out));
	assert_int_equal(mode_encode(out, request, &facts, &values), len);
	assert_memory_equal(out, expected, len);
}

static void all_pages_of_six_bytes(void **state)
{
	static const uint8_t expected[] = {3 + 8 + 56, 0,	0x10,	 8,	    0,	  0,
					   0x10,       0,	0,	 0,	    0x02, 0,
					   RECOVERY,   CACHING, CONTROL, EXCEPTIONS};
	struct mode_sense request = {.page = MODE_ALL_PAGES};

	(void)state;
	assert_list(&request, expected, sizeof(expected));
}

static void all_pages_and_subpages(void **state)
{
	static const uint8_t expected[] = {3 + 104,    0,	    0x10,    0,
					   RECOVERY,   CACHING,	    CONTROL, CONTROL_EXTENSION,
					   EXCEPTIONS, PROVISIONING};
	struct mode_sense request = {.page = MODE_ALL_PAGES,
				     .subpage = MODE_ALL_SUBPAGES,
				     .without_block_descriptor = true};

	(void)state;
	assert_list(&request, expected, sizeof(expected));
}

static void long_block_descriptor(void **state)
{
	static const uint8_t expected[] = {0, 6 + 16 + 12, 0, 0x10, 1,	  0,	0,	16, 0,
					   0, 0,	   0, 0,    0,	  0x10, 0,	0,  0,
					   0, 0,	   0, 0,    0x02, 0,	CONTROL};
	struct mode_sense request = {.is_ten = true, .long_lba_accepted = true, .page = 0x0a};

	(void)state;
	assert_list(&request, expected, sizeof(expected));
}

static void changeable_bits_are_three(void **state)
{
	static const uint8_t expected[] = {3 + 56, 0, 0, 0,    RECOVERY,  0x08, 0x12, 0x04, 0, 0, 0,
					   0,	   0, 0, 0,    0,	  0,	0,    0,    0, 0, 0,
					   0,	   0, 0, 0x0a, 0x0a,	  0x04, 0,    0x08, 0, 0, 0,
					   0,	   0, 0, 0,    EXCEPTIONS};
	struct mode_sense request = {.page = MODE_ALL_PAGES,
				     .control = MODE_CHANGEABLE,
				     .without_block_descriptor = true};
	uint8_t out[MODE_LEN_MAX];
	struct mode_values values = mode_default(&facts);

	(void)state;
	assert_int_equal(mode_encode(out, &request, &facts, &values), sizeof(expected));
	out[2] = 0; /* DPOFUA */
	assert_memory_equal(out, expected, sizeof(expected));
}

static void write_protection_is_in_the_header(void **state)
{
	struct mode_facts read_only = facts;
	struct mode_sense request = {.page = 0x08};
	struct mode_values values = mode_default(&facts);
	uint8_t out[MODE_LEN_MAX];

	(void)state;
	read_only.is_write_protected = true;
	assert_true(mode_encode(out, &request, &read_only, &values) > 0);
	assert_int_equal(out[2], 0x90);
}

static void unknown_pages_are_not_there(void **state)
{
	static const struct mode_sense requests[] = {
		{.page = 0x00},
		{.page = 0x02},
		{.page = 0x08, .subpage = 0x01},
		{.page = 0x1c, .subpage = 0x01},
	};
	struct mode_values values = mode_default(&facts);
	uint8_t out[MODE_LEN_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		assert_int_equal(mode_encode(out, &requests[i], &facts, &values), -ENOENT);
}

static void select_changes_what_is_changeable(void **state)
{
	static const uint8_t list[] = {0,    0,	   0,	 0,    0x08, 0x12, 0, 0, 0,    0,    0, 0,
				       0,    0,	   0,	 0,    0,    0,	   0, 0, 0,    0,    0, 0,
				       0x0a, 0x0a, 0x04, 0x10, 0x08, 0,	   0, 0, 0xff, 0xff, 0, 0};
	struct mode_values values = mode_default(&facts);
	uint16_t byte = 0;

	(void)state;
	assert_true(values.write_cache_enable);
	assert_int_equal(mode_decode(list, sizeof(list), false, &facts, &values, &byte), 0);
	assert_false(values.write_cache_enable);
	assert_true(values.descriptor_sense);
	assert_true(values.software_write_protect);
}

static void select_with_block_descriptors_that_are_true(void **state)
{
	static const uint8_t six[] = {0, 0, 0x90, 8, 0, 0, 0x10, 0, 0, 0, 2, 0, CONTROL};
	static const uint8_t ten[] = {0, 0, 0, 0, 1, 0, 0, 16, 0, 0, 0, 0,	0,
				      0, 0, 0, 0, 0, 0, 0, 0,  0, 2, 0, CONTROL};
	struct mode_values values = mode_default(&facts);
	uint16_t byte = 0;

	(void)state;
	assert_int_equal(mode_decode(six, sizeof(six), false, &facts, &values, &byte), 0);
	assert_int_equal(mode_decode(ten, sizeof(ten), true, &facts, &values, &byte), 0);
}

struct bad_list {
	const char *what;
	uint8_t list[32];
	size_t len;
	bool is_ten;
	int error;
	uint16_t byte;
};

static const struct bad_list bad_lists[] = {
	{"cut in the header", {0}, 3, false, -EMSGSIZE, 0},
	{"cut in the header of ten", {0}, 7, true, -EMSGSIZE, 0},
	{"medium type", {0, 1, 0, 0}, 4, false, -EINVAL, 1},
	{"descriptor beyond the list", {0, 0, 0, 8, 0, 0}, 6, false, -EMSGSIZE, 0},
	{"descriptor of 16 without LONGLBA", {0, 0, 0, 16}, 20, false, -EINVAL, 3},
	{"another size", {0, 0, 0, 8, 0, 0, 0x20, 0, 0, 0, 2, 0}, 12, false, -EINVAL, 4},
	{"another block length", {0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 4, 0}, 12, false, -EINVAL, 9},
	{"one byte of a page", {0, 0, 0, 0, 0x0a}, 5, false, -EMSGSIZE, 0},
	{"unknown page", {0, 0, 0, 0, 0x02, 0x0e}, 20, false, -EINVAL, 4},
	{"subpage without its format", {0, 0, 0, 0, 0x08 | 0x40, 0, 0, 16}, 24, false, -EINVAL, 4},
	{"wrong page length", {0, 0, 0, 0, 0x0a, 0x0b}, 32, false, -EINVAL, 5},
	{"page cut short", {0, 0, 0, 0, 0x0a, 0x0a, 0, 0x10}, 15, false, -EMSGSIZE, 0},
	{"a bit that cannot be changed",
	 {0, 0, 0, 0, 0x0a, 0x0a, 0, 0x10, 0x80, 0, 0, 0, 0xff, 0xff},
	 16,
	 false,
	 -EINVAL,
	 8},
	{"PS is reserved here",
	 {0, 0, 0, 0, 0x8a, 0x0a, 0, 0x10, 0, 0, 0, 0, 0xff, 0xff},
	 16,
	 false,
	 -EINVAL,
	 4},
};

static void select_refuses_and_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_lists); i++) {
		const struct bad_list *bad = &bad_lists[i];
		struct mode_values before = mode_default(&facts);
		struct mode_values values = before;
		uint16_t byte = 0;

		if (mode_decode(bad->list, bad->len, bad->is_ten, &facts, &values, &byte) !=
			    bad->error ||
		    byte != bad->byte)
			fail_msg("%s: expected byte %u, seen %u", bad->what, bad->byte, byte);
		assert_memory_equal(&values, &before, sizeof(values));
	}
}

static void select_is_all_or_nothing(void **state)
{
	static const uint8_t list[] = {0, 0, 0, 0, 0x08, 0x12, 0, 0, 0, 0, 0, 0,    0,
				       0, 0, 0, 0, 0,	 0,    0, 0, 0, 0, 0, 0x3e, 0};
	struct mode_values values = mode_default(&facts);
	uint16_t byte = 0;

	(void)state;
	assert_int_equal(mode_decode(list, sizeof(list), false, &facts, &values, &byte), -EINVAL);
	assert_int_equal(byte, 24);
	assert_true(values.write_cache_enable);
}

static void without_a_cache_wce_cannot_be_set(void **state)
{
	static const uint8_t list[] = {0, 0, 0, 0, CACHING};
	struct mode_facts uncached = facts;
	struct mode_values values;
	uint16_t byte = 0;

	(void)state;
	uncached.has_write_cache = false;
	values = mode_default(&uncached);
	assert_false(values.write_cache_enable);
	assert_int_equal(mode_decode(list, sizeof(list), false, &uncached, &values, &byte),
			 -EINVAL);
	assert_int_equal(byte, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pages_of_six_bytes),
		cmocka_unit_test(all_pages_and_subpages),
		cmocka_unit_test(long_block_descriptor),
		cmocka_unit_test(changeable_bits_are_three),
		cmocka_unit_test(write_protection_is_in_the_header),
		cmocka_unit_test(unknown_pages_are_not_there),
		cmocka_unit_test(select_changes_what_is_changeable),
		cmocka_unit_test(select_with_block_descriptors_that_are_true),
		cmocka_unit_test(select_refuses_and_changes_nothing),
		cmocka_unit_test(select_is_all_or_nothing),
		cmocka_unit_test(without_a_cache_wce_cannot_be_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
