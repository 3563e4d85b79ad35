/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth-attach's command line and the text of secrets: what is taken, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach/options.h"

#define UUID "9b2e6c1e-7d7b-4e0e-9d52-8e7c0b6f4a11"
#define GOOD                                                                                       \
	"--portal", "127.0.0.1:3260", "--target", "iqn.x:t", "--initiator", "iqn.x:i", "--uuid",   \
		UUID, "--mount", "/m"

static int load(struct options *options, struct error *err, ...)
{
	char *argv[32] = {(char *)"berth-attach"};
	int argc = 1;
	va_list args;

	va_start(args, err);
	while ((argv[argc] = va_arg(args, char *)))
		argc++;
	va_end(args);
	return options_load(options, argc, argv, err);
}

static void a_whole_command_line_is_taken(void **state)
{
	struct options options;
	struct error err = {0};

	assert_int_equal(load(&options, &err, GOOD, "--fail-after", "30", "--queue-depth", "8",
			      "--ready-fd", "1", NULL),
			 0);
	assert_string_equal(options.login.portal, "127.0.0.1:3260");
	assert_string_equal(options.mountpoint, "/m");
	assert_int_equal(options.fail_after_s, 30);
	assert_int_equal(options.queue_depth, 8);
	assert_int_equal(options.ready_fd, 1);
	assert_int_equal(options.secrets_fd, 0);
}

static void what_is_missing_is_named(void **state)
{
	struct options options;
	struct error err = {0};

	assert_int_equal(load(&options, &err, "--portal", "h:1", "--target", "t", NULL), -EINVAL);
	assert_non_null(strstr(err.text, "--initiator"));
}

static void garbage_arguments_are_refused(void **state)
{
	static const char *const bad[][2] = {
		{"--uuid", "nonsense"},	 {"--uuid", "00000000-0000-0000-0000-000000000000"},
		{"--mount", "relative"}, {"--mount", ""},
		{"--queue-depth", "0"},	 {"--queue-depth", "257"},
		{"--queue-depth", "-1"}, {"--queue-depth", "7x"},
		{"--fail-after", ""},	 {"--fail-after", "99999999999999999999"},
		{"--ready-fd", "777"},	 {"--secrets-fd", "-1"},
		{"--target", ""},
	};
	struct options options;
	char name[512];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = {0};

		if (load(&options, &err, GOOD, bad[i][0], bad[i][1], NULL) != -EINVAL)
			fail_msg("%s '%s' was taken", bad[i][0], bad[i][1]);
		assert_true(strlen(err.text) > 0);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(load(&options, NULL, GOOD, "--target", name, NULL), -EINVAL);
}

static int parse(const char *text, struct login *login, struct error *err)
{
	memset(login, 0, sizeof(*login));
	return secrets_parse(text, strlen(text), login, err);
}

static void secrets_are_lines_of_key_and_value(void **state)
{
	struct login login;

	assert_int_equal(parse("chap-user=u\nchap-secret=a=b c\n\n"
			       "chap-target-user=t\nchap-target-secret=s",
			       &login, NULL),
			 0);
	assert_string_equal(login.chap_user, "u");
	assert_string_equal(login.chap_secret, "a=b c");
	assert_string_equal(login.chap_target_user, "t");
	assert_string_equal(login.chap_target_secret, "s");
	assert_int_equal(parse("", &login, NULL), 0);
	assert_string_equal(login.chap_user, "");
}

static void bad_secrets_are_refused_and_not_repeated(void **state)
{
	static const char *const bad[] = {"hunter2", "chap-secret:hunter2", "=hunter2",
					  "Chap-Secret=hunter2",
					  "chap-secret=hunter2\nchap-secret=hunter2"};
	struct login login;
	char text[400];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = {0};

		assert_int_equal(parse(bad[i], &login, &err), -EINVAL);
		assert_null(strstr(err.text, "hunter2"));
	}
	memset(text, 'x', sizeof(text));
	strcpy(text, "chap-user=");
	text[strlen(text)] = 'x';
	assert_int_equal(secrets_parse(text, sizeof(text), &login, NULL), -EINVAL);
	assert_int_equal(secrets_parse("chap-user=a\0b", 13, &login, NULL), -EINVAL);
}

static void secrets_come_by_a_pipe_in_pieces(void **state)
{
	struct login login = {0};
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "chap-us", 7), 7);
	assert_int_equal(write(fds[1], "er=me\n", 6), 6);
	close(fds[1]);
	assert_int_equal(secrets_read(fds[0], &login, NULL), 0);
	assert_string_equal(login.chap_user, "me");
	close(fds[0]);
	assert_int_equal(secrets_read(fds[0], &login, NULL), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_command_line_is_taken),
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(garbage_arguments_are_refused),
		cmocka_unit_test(secrets_are_lines_of_key_and_value),
		cmocka_unit_test(bad_secrets_are_refused_and_not_repeated),
		cmocka_unit_test(secrets_come_by_a_pipe_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
