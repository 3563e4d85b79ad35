/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table that keeps users' data: every row that may format, and every one that must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/format_rule.h"
#include "base/compiler.h"

#define OURS  "11111111-1111-4111-8111-111111111111"
#define OTHER "22222222-2222-4222-8222-222222222222"

/* A fresh thin volume: all that speaks for formatting. Rows change one thing and more. */
static const struct format_facts fresh = {
	.is_identity_sure = true,
	.is_read_whole = true,
	.is_same_publication = true,
	.is_blank = true,
	.found_type = "",
	.found_uuid = "",
	.wanted_type = "ext4",
	.chosen_uuid = "",
};

static void expect(const struct format_facts *facts, enum format_verdict verdict)
{
	const char *reason = NULL;

	assert_int_equal(format_decide(facts, &reason), verdict);
	if (verdict == FORMAT_REFUSE)
		assert_true(reason && strlen(reason) > 10);
}

static void fresh_volume_is_formatted(void **state)
{
	expect(&fresh, FORMAT_MAKE);
}

static void device_of_unknown_identity_is_refused_whatever_else_is_true(void **state)
{
	struct format_facts facts = fresh;

	facts.is_identity_sure = false;
	expect(&facts, FORMAT_REFUSE);
	facts.is_formatted_on_node = true;
	facts.found_type = "ext4";
	expect(&facts, FORMAT_REFUSE);
}

static void read_error_is_refused_whatever_else_is_true(void **state)
{
	struct format_facts facts = fresh;

	facts.is_read_whole = false;
	expect(&facts, FORMAT_REFUSE);
	facts.format = RECORD_FORMAT_STARTED;
	expect(&facts, FORMAT_REFUSE);
}

static void formatted_volume_is_never_formatted_again(void **state)
{
	static const enum record_format formats[] = {RECORD_FORMAT_NONE, RECORD_FORMAT_STARTED,
						     RECORD_FORMAT_MADE, RECORD_FORMAT_DONE};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct format_facts facts = fresh;

		facts.is_formatted_on_node = true;
		facts.format = formats[i];
		expect(&facts, FORMAT_REFUSE); /* blank: a stale or wrong answer, not a fresh one */
		facts.found_type = "ext4";
		facts.is_blank = false;
		expect(&facts, FORMAT_USE);
		facts.found_type = "xfs";
		expect(&facts, FORMAT_REFUSE);
		facts.wanted_type = "";
		expect(&facts, FORMAT_USE);
	}
}

static void data_without_the_bit_is_refused(void **state)
{
	static const char *const found[] = {"ext4",	   "xfs", "LVM2_member",
					    "crypto_LUKS", "dos", "several"};

	for (size_t i = 0; i < ARRAY_SIZE(found); i++) {
		struct format_facts facts = fresh;

		facts.found_type = found[i];
		facts.is_blank = false;
		expect(&facts, FORMAT_REFUSE);
		facts.is_blank = true; /* a signature beyond head and tail */
		expect(&facts, FORMAT_REFUSE);
	}
}

static void bytes_that_nobody_recognises_are_refused(void **state)
{
	struct format_facts facts = fresh;

	facts.is_blank = false;
	expect(&facts, FORMAT_REFUSE);
}

static void interrupted_format_is_repeated_under_its_own_publication_only(void **state)
{
	struct format_facts facts = fresh;

	facts.format = RECORD_FORMAT_STARTED;
	facts.chosen_uuid = OURS;
	facts.is_blank = false;
	expect(&facts, FORMAT_MAKE);
	facts.found_type = "ext4";
	facts.found_uuid = OURS;
	expect(&facts, FORMAT_MAKE);
	facts.is_same_publication = false;
	expect(&facts, FORMAT_REFUSE);
	facts.found_type = "";
	expect(&facts, FORMAT_REFUSE);
	facts.is_blank = true;
	expect(&facts, FORMAT_MAKE);
}

static void finished_format_is_adopted_if_it_is_ours(void **state)
{
	struct format_facts facts = fresh;

	facts.format = RECORD_FORMAT_MADE;
	facts.chosen_uuid = OURS;
	facts.found_type = "ext4";
	facts.found_uuid = OURS;
	facts.is_blank = false;
	expect(&facts, FORMAT_ADOPT);
	facts.is_same_publication = false;
	expect(&facts, FORMAT_ADOPT);
	facts.found_uuid = OTHER;
	expect(&facts, FORMAT_REFUSE);
	facts.found_uuid = OURS;
	facts.found_type = "xfs";
	expect(&facts, FORMAT_REFUSE);
	facts.found_uuid = "";
	facts.found_type = "ext4";
	facts.chosen_uuid = "";
	expect(&facts, FORMAT_REFUSE);
}

static void volume_that_others_may_write_is_not_formatted(void **state)
{
	struct format_facts facts = fresh;

	facts.is_shared = true;
	expect(&facts, FORMAT_REFUSE);
	facts.format = RECORD_FORMAT_STARTED;
	expect(&facts, FORMAT_REFUSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_volume_is_formatted),
		cmocka_unit_test(device_of_unknown_identity_is_refused_whatever_else_is_true),
		cmocka_unit_test(read_error_is_refused_whatever_else_is_true),
		cmocka_unit_test(formatted_volume_is_never_formatted_again),
		cmocka_unit_test(data_without_the_bit_is_refused),
		cmocka_unit_test(bytes_that_nobody_recognises_are_refused),
		cmocka_unit_test(interrupted_format_is_repeated_under_its_own_publication_only),
		cmocka_unit_test(finished_format_is_adopted_if_it_is_ours),
		cmocka_unit_test(volume_that_others_may_write_is_not_formatted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
