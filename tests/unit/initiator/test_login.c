/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Portals as people write them, secrets that fit together, and refusals in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "initiator/login.h"

static void expect_address(const char *portal, const char *expected)
{
	char address[LOGIN_ADDRESS_SIZE];
	struct login login = {0};

	strcpy(login.portal, portal);
	assert_int_equal(login_resolve(&login, address, NULL), 0);
	assert_string_equal(address, expected);
}

static void portals_become_addresses(void **state)
{
	expect_address("127.0.0.1:3261", "127.0.0.1:3261");
	expect_address("127.0.0.1", "127.0.0.1:3260");
	expect_address("[::1]:3261", "[::1]:3261");
	expect_address("[::1]", "[::1]:3260");
}

static void garbage_is_no_portal(void **state)
{
	static const char *const portals[] = {
		"",	":3260", "1.2.3.4:",	"1.2.3.4:0", "h:65536", "h:12x",
		"h:-1", "[::1",	 "[::1]x:3260", "[]:3260",   "h: 3260", "[::1]3260"};
	char address[LOGIN_ADDRESS_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(portals); i++) {
		struct login login = {0};

		strcpy(login.portal, portals[i]);
		if (login_resolve(&login, address, NULL) != -EINVAL)
			fail_msg("'%s' was taken for a portal", portals[i]);
	}
}

static void half_a_secret_is_refused(void **state)
{
	struct login login = {.initiator_name = "iqn.x:me"};

	assert_int_equal(login_check(&login, NULL), 0);
	strcpy(login.chap_secret, "secret");
	assert_int_equal(login_check(&login, NULL), -EINVAL);
	strcpy(login.chap_user, "user");
	assert_int_equal(login_check(&login, NULL), 0);
	strcpy(login.chap_target_user, "target");
	assert_int_equal(login_check(&login, NULL), -EINVAL);
	strcpy(login.chap_target_secret, "other secret");
	assert_int_equal(login_check(&login, NULL), 0);
	login.chap_user[0] = login.chap_secret[0] = '\0';
	assert_int_equal(login_check(&login, NULL), -EINVAL);
	login.initiator_name[0] = '\0';
	assert_int_equal(login_check(&login, NULL), -EINVAL);
}

static void refusals_say_what_to_do(void **state)
{
	static const struct {
		unsigned status;
		const char *reason;
		int code;
		const char *says;
	} cases[] = {
		{0x0201, "Authentication failure", -EACCES, "secret"},
		{0x0202, "Authorization failure", -EACCES, "publish"},
		{0x0203, "Target not found", -ENOENT, "published"},
		{0x0301, "Service unavailable", -EBUSY, "now"},
		{0x0101, "Target moved", -EREMOTE, "moved"},
		{0x0000, "It did not return CHAP_R", -EACCES, "prove"},
		{0x0207, "Missing parameter", -EPROTO, "Missing parameter"},
	};
	struct login login = {.portal = "p:1", .target_name = "iqn.x:t", .chap_user = "u"};
	struct error err;

	strcpy(login.chap_secret, "not to be told");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(login_refusal(&login, cases[i].status, cases[i].reason, &err),
				 cases[i].code);
		assert_non_null(strstr(err.text, cases[i].says));
		assert_null(strstr(err.text, login.chap_secret));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(portals_become_addresses),
		cmocka_unit_test(garbage_is_no_portal),
		cmocka_unit_test(half_a_secret_is_refused),
		cmocka_unit_test(refusals_say_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
