/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log as it arrives on stderr, which each test replaces by a file: one event is one line,
 * under systemd it carries its priority, and errno survives.
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
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static int real_stderr;
static int caught; /* an unnamed file in the place of stderr */
static char text[8192];

static int catch_start(void **state)
{
	real_stderr = dup(STDERR_FILENO);
	caught = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	(void)unsetenv("JOURNAL_STREAM"); /* cannot fail for a plain name */
	return real_stderr < 0 || caught < 0 || dup2(caught, STDERR_FILENO) < 0 ? -1 : 0;
}

static int catch_stop(void **state)
{
	int ret = dup2(real_stderr, STDERR_FILENO);

	return ret < 0 || close(real_stderr) < 0 || close(caught) < 0 ? -1 : 0;
}

/* All that was logged since the test began. */
static const char *logged(void)
{
	ssize_t len = pread(caught, text, sizeof(text) - 1, 0);

	assert_true(len >= 0);
	text[len] = '\0';
	return text;
}

/* What systemd sets: the device and inode that stderr is connected to. */
static void journal_stream_set(ino_t inode_offset)
{
	char value[64];
	struct stat st;

	assert_int_equal(fstat(caught, &st), 0);
	(void)snprintf(value, sizeof(value), "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino + inode_offset); /* two numbers fit */
	assert_int_equal(setenv("JOURNAL_STREAM", value, 1), 0);
}

static void a_line_names_program_and_level(void **state)
{
	log_init("berth-test", LOG_LEVEL_DEBUG);
	log_error("pool failed pool=%s", "fast");
	log_warn("slow");
	log_info("started port=%d", 3260);
	log_debug("pdu");
	assert_string_equal(logged(), "berth-test: error: pool failed pool=fast\n"
				      "berth-test: warn: slow\n"
				      "berth-test: info: started port=3260\n"
				      "berth-test: debug: pdu\n");
}

static void levels_below_are_silent(void **state)
{
	log_init("t", LOG_LEVEL_WARN);
	log_info("unseen");
	log_debug("unseen");
	log_warn("seen");
	assert_string_equal(logged(), "t: warn: seen\n");
	assert_true(log_is_on(LOG_LEVEL_ERROR));
	assert_true(log_is_on(LOG_LEVEL_WARN));
	assert_false(log_is_on(LOG_LEVEL_INFO));
}

static int evaluated;

static int evaluate(void)
{
	return ++evaluated;
}

static void debug_arguments_cost_nothing_when_off(void **state)
{
	log_init("t", LOG_LEVEL_INFO);
	log_debug("value=%d", evaluate());
	assert_int_equal(evaluated, 0);
	log_init("t", LOG_LEVEL_DEBUG);
	log_debug("value=%d", evaluate());
	assert_int_equal(evaluated, 1);
}

static void the_journal_gets_the_priority(void **state)
{
	journal_stream_set(0);
	log_init("t", LOG_LEVEL_DEBUG);
	log_error("e");
	log_warn("w");
	log_info("i");
	log_debug("d");
	assert_string_equal(logged(), "<3>e\n<4>w\n<6>i\n<7>d\n");
}

/* A service that starts us with another stderr passes its own JOURNAL_STREAM on. */
static void a_journal_that_is_not_our_stderr_does_not_count(void **state)
{
	journal_stream_set(1);
	log_init("t", LOG_LEVEL_INFO);
	log_info("i");
	assert_int_equal(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
	log_init("t", LOG_LEVEL_INFO);
	log_info("i");
	assert_string_equal(logged(), "t: info: i\nt: info: i\n");
}

static void control_characters_cannot_forge_a_line(void **state)
{
	log_init("t", LOG_LEVEL_INFO);
	log_info("name=%s", "a\nt: error: \x1b[31m\x7f\tz");
	assert_string_equal(logged(), "t: info: name=a?t: error: ?[31m??z\n");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
	char long_text[5000];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	log_init("t", LOG_LEVEL_INFO);
	log_info("%s", long_text);
	log_info("next");
	assert_true(strlen(logged()) < 1100);
	assert_ptr_equal(strstr(text, "xxx\nt: info: next\n"), text + strlen(text) - 18);
}

static void a_long_program_name_leaves_room(void **state)
{
	static char name[3000];

	memset(name, 'p', sizeof(name) - 1);
	log_init(name, LOG_LEVEL_INFO);
	log_info("hello");
	assert_non_null(strstr(logged(), "ppp: info: hello\n"));
	log_init("t", LOG_LEVEL_INFO);
}

static void errno_survives(void **state)
{
	log_init("t", LOG_LEVEL_INFO);
	errno = ENOSPC;
	log_info("full");
	assert_int_equal(errno, ENOSPC);
}

static void level_names_are_read(void **state)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	enum log_level level;

	for (unsigned i = 0; i < 4; i++) {
		assert_true(log_level_parse(names[i], &level));
		assert_int_equal(level, i);
	}
	assert_false(log_level_parse("", &level));
	assert_false(log_level_parse("Info", &level));
	assert_false(log_level_parse("trace", &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
}

#define catching(test) cmocka_unit_test_setup_teardown(test, catch_start, catch_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		catching(a_line_names_program_and_level),
		catching(levels_below_are_silent),
		catching(debug_arguments_cost_nothing_when_off),
		catching(the_journal_gets_the_priority),
		catching(a_journal_that_is_not_our_stderr_does_not_count),
		catching(control_characters_cannot_forge_a_line),
		catching(a_long_line_is_cut_and_still_ends),
		catching(a_long_program_name_leaves_room),
		catching(errno_survives),
		cmocka_unit_test(level_names_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
