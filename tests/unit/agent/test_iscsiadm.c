/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iscsiadm's exit statuses mean, and the records that are written for it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/iscsiadm.h"
#include "base/compiler.h"

static void expect(int status, enum iscsiadm_verdict verdict, int code)
{
	int found = 1;

	assert_int_equal(iscsiadm_judge(status, &found), verdict);
	if (verdict == ISCSIADM_FAILED)
		assert_int_equal(found, code);
}

static void what_is_so_already_is_success(void **state)
{
	expect(0, ISCSIADM_DONE, 0);
	expect(15, ISCSIADM_DONE, 0); /* session exists */
	expect(21, ISCSIADM_DONE, 0); /* no objects found */
	expect(2, ISCSIADM_DONE, 0);  /* no such session */
}

static void busy_or_starting_iscsid_is_asked_again(void **state)
{
	static const int statuses[] = {18, 20, 28, 29};

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		expect(statuses[i], ISCSIADM_AGAIN, 0);
}

static void failures_keep_their_cause(void **state)
{
	expect(24, ISCSIADM_FAILED, -EACCES); /* CHAP */
	expect(19, ISCSIADM_FAILED, -EACCES);
	expect(8, ISCSIADM_FAILED, -ETIMEDOUT);
	expect(4, ISCSIADM_FAILED, -ECONNREFUSED);
	expect(12, ISCSIADM_FAILED, -ENODEV);
	expect(13, ISCSIADM_FAILED, -EPERM);
	expect(1, ISCSIADM_FAILED, -EIO);
	expect(255, ISCSIADM_FAILED, -EIO);
}

static const char record[] = "# BEGIN RECORD 2.1.8\n"
			     "node.name = iqn.2026-11.dev.berth:n1:db\n"
			     "node.startup = automatic\n"
			     "node.session.scan = auto\n"
			     "node.session.scanner = kept\n"
			     "node.session.auth.authmethod = CHAP\n"
			     "node.session.auth.password = old-secret\n"
			     "node.session.timeo.replacement_timeout = 120\n"
			     "node.conn[0].address = 127.0.0.1\n"
			     "# END RECORD\n";

static void expect_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (!at || at[strlen(line)] != '\n' || (at != text && at[-1] != '\n'))
		fail_msg("no line '%s' in:\n%s", line, text);
	else
		assert_null(strstr(at + 1, line)); /* once */
}

static void record_starts_nothing_by_itself_and_holds_the_new_secrets(void **state)
{
	const struct login login = {
		.chap_user = "user",
		.chap_secret = "new-secret",
		.chap_target_user = "target",
		.chap_target_secret = "target-secret",
	};
	struct error err = {0};
	char *text = NULL;

	assert_int_equal(iscsiadm_edit_record(record, &login, 0, &text, &err), 0);
	expect_line(text, "node.startup = manual");
	expect_line(text, "node.conn[0].startup = manual");
	expect_line(text, "node.session.scan = manual");
	expect_line(text, "node.session.scanner = kept");
	expect_line(text, "node.session.timeo.replacement_timeout = -1");
	expect_line(text, "node.session.auth.authmethod = CHAP");
	expect_line(text, "node.session.auth.username = user");
	expect_line(text, "node.session.auth.password = new-secret");
	expect_line(text, "node.session.auth.username_in = target");
	expect_line(text, "node.session.auth.password_in = target-secret");
	expect_line(text, "node.conn[0].address = 127.0.0.1");
	expect_line(text, "# END RECORD");
	assert_null(strstr(text, "old-secret"));
	assert_null(strstr(text, "automatic"));
	free(text);
}

static void record_without_chap_keeps_no_old_secret(void **state)
{
	const struct login login = {.chap_user = ""};
	struct error err = {0};
	char *text = NULL;

	assert_int_equal(iscsiadm_edit_record(record, &login, 30, &text, &err), 0);
	expect_line(text, "node.session.auth.authmethod = None");
	expect_line(text, "node.session.timeo.replacement_timeout = 30");
	assert_null(strstr(text, "password"));
	assert_null(strstr(text, "username"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_so_already_is_success),
		cmocka_unit_test(busy_or_starting_iscsid_is_asked_again),
		cmocka_unit_test(failures_keep_their_cause),
		cmocka_unit_test(record_starts_nothing_by_itself_and_holds_the_new_secrets),
		cmocka_unit_test(record_without_chap_keeps_no_old_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
