/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Durable files, in a folder of their own under /tmp: whole or not at all, with the mode that
 * was asked for, and sentences that name the file.
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

#include "base/file.h"

static char folder[64];
static char path[256]; /* in_folder() */

static const char *in_folder(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name); /* both are short */
	return path;
}

static int folder_make(void **state)
{
	strcpy(folder, "/tmp/berth-test-file-XXXXXX");
	(void)umask(022);
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_drop(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r '%s'", folder); /* a short name */
	return system(command);
}

static unsigned mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(in_folder(name), &st), 0);
	return st.st_mode & 07777;
}

static void assert_content(const char *name, const char *expected)
{
	char *data = NULL;
	size_t len = 0;

	assert_int_equal(file_read(in_folder(name), 1000, &data, &len, NULL), 0);
	assert_int_equal(len, strlen(expected));
	assert_string_equal(data, expected);
	free(data);
}

static void what_is_replaced_is_read_back(void **state)
{
	assert_int_equal(file_replace(in_folder("a"), "one", 3, 0600, NULL), 0);
	assert_content("a", "one");
	assert_int_equal(file_replace(in_folder("a"), "", 0, 0600, NULL), 0);
	assert_content("a", "");
	assert_int_equal(file_replace(in_folder("a"), "three", 5, 0600, NULL), 0);
	assert_content("a", "three");
	assert_int_equal(access(in_folder("a.new"), F_OK), -1);
}

static void zero_bytes_in_the_middle_are_data(void **state)
{
	char *data;
	size_t len;

	assert_int_equal(file_replace(in_folder("a"), "x\0y", 3, 0644, NULL), 0);
	assert_int_equal(file_read(in_folder("a"), 3, &data, &len, NULL), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(data, "x\0y", 4);
	free(data);
}

static void the_limit_is_the_last_length_that_is_read(void **state)
{
	struct error err = {0};
	char *data;
	size_t len;

	assert_int_equal(file_replace(in_folder("a"), "12345", 5, 0600, NULL), 0);
	assert_int_equal(file_read(in_folder("a"), 5, &data, &len, &err), 0);
	free(data);
	assert_int_equal(file_read(in_folder("a"), 4, &data, &len, &err), -EFBIG);
	assert_non_null(strstr(err.text, "is larger than 4 bytes"));
}

/* Files of /proc say that they are 0 bytes long. */
static void a_file_that_hides_its_length_is_read_to_its_end(void **state)
{
	char *data;
	size_t len;

	assert_int_equal(file_read("/proc/self/status", 100000, &data, &len, NULL), 0);
	assert_true(len > 500);
	assert_non_null(strstr(data, "\nThreads:"));
	free(data);
	assert_int_equal(file_read("/proc/self/status", 20, &data, &len, NULL), -EFBIG);
}

static void a_file_that_is_not_there_is_told_by_name(void **state)
{
	struct error err = {0};
	char *data;
	size_t len;

	assert_int_equal(file_read(in_folder("none"), 10, &data, &len, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/none': No such file or directory"));
	assert_int_equal(file_read(folder, 10, &data, &len, &err), -EISDIR);
}

static void the_mode_is_the_one_asked_for(void **state)
{
	assert_int_equal(file_replace(in_folder("secret"), "x", 1, 0600, NULL), 0);
	assert_int_equal(mode_of("secret"), 0600);
	assert_int_equal(file_replace(in_folder("open"), "x", 1, 0644, NULL), 0);
	assert_int_equal(mode_of("open"), 0644);
}

/* What a crash left behind may have another mode, or be a link put there to lead elsewhere. */
static void a_left_over_new_file_is_not_written_into(void **state)
{
	int fd = open(in_folder("a.new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(file_replace(in_folder("a"), "secret", 6, 0600, NULL), 0);
	assert_int_equal(mode_of("a"), 0600);

	assert_int_equal(file_replace(in_folder("elsewhere"), "kept", 4, 0600, NULL), 0);
	assert_int_equal(symlink("elsewhere", in_folder("a.new")), 0);
	assert_int_equal(file_replace(in_folder("a"), "other", 5, 0600, NULL), 0);
	assert_content("elsewhere", "kept");
	assert_content("a", "other");
}

static void a_failed_replace_leaves_the_old_content(void **state)
{
	struct error err = {0};

	assert_int_equal(file_replace(in_folder("none/a"), "x", 1, 0600, &err), -ENOENT);
	assert_non_null(strstr(err.text, "cannot create"));
	/* A folder cannot be replaced by a file. */
	assert_int_equal(mkdir(in_folder("a"), 0700), 0);
	assert_int_equal(file_replace(in_folder("a"), "x", 1, 0600, &err), -EISDIR);
	assert_int_equal(access(in_folder("a.new"), F_OK), -1);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	static char long_path[5000];
	struct error err = {0};

	memset(long_path, 'a', sizeof(long_path) - 1);
	assert_int_equal(file_replace(long_path, "x", 1, 0600, &err), -ENAMETOOLONG);
	assert_non_null(strstr(err.text, "is too long"));
}

static void a_name_without_folder_lies_in_the_current_one(void **state)
{
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(file_replace("plain", "x", 1, 0600, NULL), 0);
	assert_content("plain", "x");
	assert_int_equal(file_remove("plain", NULL), 0);
	assert_int_equal(access(in_folder("plain"), F_OK), -1);
	assert_int_equal(chdir("/"), 0);
}

static void removing_what_is_gone_succeeds(void **state)
{
	struct error err = {0};

	assert_int_equal(file_replace(in_folder("a"), "x", 1, 0600, NULL), 0);
	assert_int_equal(file_remove(in_folder("a"), &err), 0);
	assert_int_equal(file_remove(in_folder("a"), &err), 0);
	assert_int_equal(file_remove(folder, &err), -EISDIR);
	assert_non_null(strstr(err.text, "cannot remove"));
}

static void folders_are_made_with_their_parents(void **state)
{
	assert_int_equal(file_make_folder(in_folder("x/y/z"), 0700, NULL), 0);
	assert_int_equal(mode_of("x"), 0755);
	assert_int_equal(mode_of("x/y/z"), 0700);
	assert_int_equal(file_make_folder(in_folder("x/y/z"), 0700, NULL), 0);
	assert_int_equal(file_make_folder("/", 0755, NULL), 0);
}

static void slashes_at_the_end_do_not_change_the_mode(void **state)
{
	assert_int_equal(file_make_folder(in_folder("private//"), 0700, NULL), 0);
	assert_int_equal(mode_of("private"), 0700);
}

static void a_file_in_the_way_of_a_folder_is_an_error(void **state)
{
	struct error err = {0};

	assert_int_equal(file_replace(in_folder("a"), "x", 1, 0600, NULL), 0);
	assert_int_equal(file_make_folder(in_folder("a"), 0700, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "cannot make folder"));
	assert_int_equal(file_make_folder(in_folder("a/b"), 0700, &err), -ENOTDIR);
	assert_int_equal(file_make_folder("", 0700, &err), -EINVAL);
}

#define in_a_folder(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_folder(what_is_replaced_is_read_back),
		in_a_folder(zero_bytes_in_the_middle_are_data),
		in_a_folder(the_limit_is_the_last_length_that_is_read),
		in_a_folder(a_file_that_hides_its_length_is_read_to_its_end),
		in_a_folder(a_file_that_is_not_there_is_told_by_name),
		in_a_folder(the_mode_is_the_one_asked_for),
		in_a_folder(a_left_over_new_file_is_not_written_into),
		in_a_folder(a_failed_replace_leaves_the_old_content),
		in_a_folder(a_path_that_is_too_long_is_refused),
		in_a_folder(a_name_without_folder_lies_in_the_current_one),
		in_a_folder(removing_what_is_gone_succeeds),
		in_a_folder(folders_are_made_with_their_parents),
		in_a_folder(slashes_at_the_end_do_not_change_the_mode),
		in_a_folder(a_file_in_the_way_of_a_folder_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
