/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings of a made-up daemon with two options: "listen", which may be repeated, and "size",
 * which refuses what is no number. Files are made under /tmp; stdout is caught for --help.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/config.h"
#include "base/file.h"

struct settings {
	char listen[200]; /* all values in a row */
	int size;
};

static int set_listen(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;

	strcat(settings->listen, value);
	strcat(settings->listen, ";");
	return 0;
}

static int set_size(void *owner, const char *value, struct error *err)
{
	struct settings *settings = owner;
	char *end;
	long size = strtol(value, &end, 10);

	if (end == value || *end != '\0')
		return error_set(err, -EINVAL, "'%s' is no number", value);
	settings->size = (int)size;
	return 0;
}

static const struct config_option options[] = {
	{"listen", "HOST:PORT", "where to listen", set_listen},
	{"size", "NUMBER", "how large", set_size},
};

static struct settings settings;
static struct error err;
static char path[64];

static const struct config config = {
	.program = "berth-test",
	.section = "test",
	.summary = "Tests.",
	.example = "berth-test --size 4",
	.options = options,
	.option_count = ARRAY_SIZE(options),
	.owner = &settings,
};

#define MAX_ARGUMENTS 8

/* config_load with the arguments given, up to a NULL. */
static int load(const char *first, ...)
{
	static char program[] = "berth-test";
	char *argv[MAX_ARGUMENTS + 2] = {program};
	int argc = 1;
	va_list list;

	va_start(list, first);
	for (const char *next = first; next; next = va_arg(list, const char *)) {
		assert_in_range(argc, 1, MAX_ARGUMENTS);
		argv[argc++] = (char *)(uintptr_t)next; /* getopt_long only moves the pointers */
	}
	va_end(list);
	return config_load(&config, argc, argv, &err);
}

static int load_file(const char *text)
{
	assert_int_equal(file_replace(path, text, strlen(text), 0600, NULL), 0);
	return load("--config", path, NULL);
}

static void assert_sentence(const char *part)
{
	if (!strstr(err.text, part))
		fail_msg("'%s' has no '%s'", err.text, part);
}

static int start(void **state)
{
	int fd;

	memset(&settings, 0, sizeof(settings));
	memset(&err, 0, sizeof(err));
	strcpy(path, "/tmp/berth-test-config-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 || close(fd) < 0 ? -1 : 0;
}

static int stop(void **state)
{
	return unlink(path);
}

static void flags_set_options(void **state)
{
	assert_int_equal(load("--size", "4", "--listen=a:1", "--listen", "b:2", NULL), 0);
	assert_int_equal(settings.size, 4);
	assert_string_equal(settings.listen, "a:1;b:2;");
}

static void nothing_set_is_fine(void **state)
{
	assert_int_equal(load(NULL), 0);
	assert_int_equal(settings.size, 0);
}

static void the_file_sets_options(void **state)
{
	assert_int_equal(load_file("# comment\n\n[test]\nsize = 5\nlisten=c:3\nlisten = d:4\n"), 0);
	assert_int_equal(settings.size, 5);
	assert_string_equal(settings.listen, "c:3;d:4;");
}

static void a_flag_wins_wherever_it_stands(void **state)
{
	static const char text[] = "[test]\nsize = 5\nlisten = c:3\n";

	assert_int_equal(file_replace(path, text, strlen(text), 0600, NULL), 0);
	assert_int_equal(load("--size", "4", "--listen", "a:1", "--config", path, NULL), 0);
	assert_int_equal(settings.size, 4);
	assert_string_equal(settings.listen, "c:3;a:1;");
}

static void bad_flags_are_named(void **state)
{
	assert_int_equal(load("--sise", "4", NULL), -EINVAL);
	assert_sentence("unknown option '--sise'; try berth-test --help");
	assert_int_equal(load("--size", NULL), -EINVAL);
	assert_sentence("value missing after '--size'");
	assert_int_equal(load("--size", "four", NULL), -EINVAL);
	assert_sentence("--size: 'four' is no number");
	assert_int_equal(load("--size", "4", "five", NULL), -EINVAL);
	assert_sentence("unexpected argument 'five'");
}

static void bad_lines_are_named_with_their_number(void **state)
{
	static const struct {
		const char *text;
		const char *sentence;
	} cases[] = {
		{"[test]\n\nsise = 4\n", ":3: unknown key 'sise'; berth-test --help lists them"},
		{"[test]\nsize = four\n", ":2: 'four' is no number"},
		{"[node]\nsize = 4\n",
		 ":2: section [node] is not for berth-test, which reads [test]"},
		{"size = 4\n", ":1: section [] is not for"},
		{"[test]\nsize 4\n", ":2: not of the form 'key = value'"},
		{"[test\nsize = 4\n", ":1: not of the form"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(load_file(cases[i].text), -EINVAL);
		assert_ptr_equal(strstr(err.text, path), err.text);
		assert_sentence(cases[i].sentence);
	}
}

static void the_first_bad_line_is_the_one_told(void **state)
{
	assert_int_equal(load_file("[test]\nsize 4\nsise = 4\n"), -EINVAL);
	assert_sentence(":2: not of the form 'key = value'");
	assert_int_equal(load_file("[test]\nsise = 4\nsize 4\n"), -EINVAL);
	assert_sentence(":2: unknown key 'sise'");
}

static void a_line_that_is_too_long_is_not_split(void **state)
{
	char text[600] = "[test]\nlisten = ";

	memset(text + strlen(text), 'x', 400);
	strcat(text, "\nsize = 4\n");
	assert_int_equal(load_file(text), -EINVAL);
	assert_sentence(":2: the line is longer than ");
	assert_string_equal(settings.listen, "");
}

static void a_file_that_cannot_be_read_says_why(void **state)
{
	assert_int_equal(load("--config", "/nowhere/berth.conf", NULL), -EINVAL);
	assert_sentence("cannot read configuration file '/nowhere/berth.conf': No such file");
}

/* What config_load prints for one flag. */
static void load_and_catch(const char *flag, char *out_text, size_t size)
{
	int real_stdout = dup(STDOUT_FILENO);
	int caught = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ssize_t len;
	int ret;

	assert_true(real_stdout >= 0 && caught >= 0);
	(void)fflush(stdout); /* what cmocka has printed */
	assert_true(dup2(caught, STDOUT_FILENO) >= 0);
	ret = load(flag, NULL);
	(void)fflush(stdout); /* checked by what is read back */
	assert_true(dup2(real_stdout, STDOUT_FILENO) >= 0);
	assert_int_equal(ret, 1);
	len = pread(caught, out_text, size - 1, 0);
	assert_true(len > 0);
	out_text[len] = '\0';
	assert_int_equal(close(caught) + close(real_stdout), 0);
}

static void help_lists_every_option(void **state)
{
	char text[2000];

	load_and_catch("--help", text, sizeof(text));
	assert_ptr_equal(strstr(text, "Usage: berth-test "), text);
	assert_non_null(strstr(text, "\n  --listen HOST:PORT           where to listen\n"));
	assert_non_null(strstr(text, "\n  --size NUMBER                how large\n"));
	assert_non_null(strstr(text, "--config FILE"));
	assert_non_null(strstr(text, "under [test]"));
	assert_non_null(strstr(text, "berth-test --size 4\n"));
}

static void the_version_is_told(void **state)
{
	char text[200];

	load_and_catch("--version", text, sizeof(text));
	assert_string_equal(text, "berth-test " BERTH_VERSION "\n");
}

#define config_test(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		config_test(flags_set_options),
		config_test(nothing_set_is_fine),
		config_test(the_file_sets_options),
		config_test(a_flag_wins_wherever_it_stands),
		config_test(bad_flags_are_named),
		config_test(bad_lines_are_named_with_their_number),
		config_test(the_first_bad_line_is_the_one_told),
		config_test(a_line_that_is_too_long_is_not_split),
		config_test(a_file_that_cannot_be_read_says_why),
		config_test(help_lists_every_option),
		config_test(the_version_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
