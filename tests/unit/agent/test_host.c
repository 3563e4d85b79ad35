/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at the host: tables of mounts, loop devices, children with deadlines, the host's name. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/child.h"
#include "agent/clock.h"
#include "agent/initiator_name.h"
#include "agent/loopdev.h"
#include "agent/mounts.h"
#include "base/file.h"

static char folder[] = "/tmp/berth-host-XXXXXX";

static int folder_make(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static const char *file_put(const char *name, const char *text)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_replace(path, text, strlen(text), 0600, NULL), 0);
	return path;
}

static void mounts_are_found_by_their_exact_folder(void **state)
{
	const char *table = file_put("mountinfo",
				     "21 1 254:0 / / rw - ext4 /dev/root rw\n"
				     "30 21 7:3 / /m/db rw,relatime shared:1 - ext4 /dev/loop3 rw\n"
				     "31 21 7:4 / /m/db2 rw - xfs /dev/loop4 rw\n"
				     "32 30 7:5 / /m/db rw - xfs /dev/loop5 rw\n"
				     "33 21 0:50 / /m/with\\040blank rw - fuse.berth berth rw\n");
	struct mounts_point point;
	struct error err = {0};
	unsigned count;

	assert_int_equal(mounts_find(table, "/m/db", &point, &err), 0);
	assert_int_equal(point.depth, 2);
	assert_int_equal(point.device, makedev(7, 5)); /* the uppermost */
	assert_string_equal(point.type, "xfs");
	assert_int_equal(mounts_find(table, "/m/db2", &point, &err), 0);
	assert_int_equal(point.depth, 1);
	assert_int_equal(mounts_find(table, "/m", &point, &err), 0);
	assert_int_equal(point.depth, 0);
	assert_int_equal(mounts_find(table, "/m/with blank", &point, &err), 0);
	assert_int_equal(point.depth, 1);
	assert_int_equal(mounts_count_device(table, makedev(7, 3), &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(mounts_count_device(table, makedev(8, 3), &count, &err), 0);
	assert_int_equal(count, 0);
}

static void table_that_cannot_be_read_is_an_error_and_not_an_empty_one(void **state)
{
	struct mounts_point point;
	struct error err = {0};

	assert_true(mounts_find("/nonexistent/mountinfo", "/m", &point, &err) < 0);
}

static void loop_device_is_found_by_its_file(void **state)
{
	static const char *const folders[] = {"loop0/loop", "loop7/loop", "sda"};
	char device[LOOPDEV_NAME_SIZE];
	struct error err = {0};
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/sys/%s", folder, folders[i]);
		assert_int_equal(file_make_folder(path, 0700, &err), 0);
	}
	(void)file_put("sys/loop0/loop/backing_file", "/s/attach/db/volume2\n");
	(void)file_put("sys/loop7/loop/backing_file", "/s/attach/db/volume\n");
	(void)snprintf(path, sizeof(path), "%s/sys", folder);
	assert_int_equal(loopdev_find(path, "/s/attach/db/volume", device, &err), 0);
	assert_string_equal(device, "/dev/loop7");
	assert_int_equal(loopdev_find(path, "/s/attach/db/vol", device, &err), 0);
	assert_string_equal(device, "");
}

static void child_gives_its_status_its_words_and_its_output(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo out; echo first >&2; echo last >&2; exit 7",
				    NULL};
	char out[16];
	struct child child = {.argv = argv,
			      .deadline_ms = clock_ms() + 20000,
			      .out = out,
			      .out_size = sizeof(out)};
	struct error err = {0};

	assert_int_equal(child_run(&child, &err), 7);
	assert_string_equal(child.last_words, "last");
	assert_string_equal(out, "out\n");
	assert_int_equal(child_must(argv, clock_ms() + 20000, &err), -EIO);
	assert_non_null(strstr(err.text, "last"));
}

static void child_that_writes_a_lot_is_cut_and_not_blocked(void **state)
{
	const char *const argv[] = {"sh", "-c",
				    "i=0; while [ $i -lt 9000 ]; do echo 0123456789; echo e$i >&2; "
				    "i=$((i+1)); done",
				    NULL};
	char out[8];
	struct child child = {.argv = argv,
			      .deadline_ms = clock_ms() + 60000,
			      .out = out,
			      .out_size = sizeof(out)};
	struct error err = {0};

	assert_int_equal(child_run(&child, &err), 0);
	assert_string_equal(out, "0123456");
	assert_string_equal(child.last_words, "e8999");
}

static void child_past_its_deadline_is_killed_with_its_own_children(void **state)
{
	const char *const argv[] = {"sh", "-c", "sleep 100 & echo $!; wait", NULL};
	char out[16];
	struct child child = {
		.argv = argv, .deadline_ms = clock_ms() + 500, .out = out, .out_size = sizeof(out)};
	struct error err = {0};
	int64_t started_ms = clock_ms();
	int64_t limit_ms = started_ms + 20000;

	assert_int_equal(child_run(&child, &err), -ETIMEDOUT);
	assert_true(clock_ms() - started_ms < 15000);
	/* It may be a zombie for a moment, if nobody collects it; then its command line is empty.
	 */
	for (;;) {
		char path[64];
		char *text = NULL;
		size_t len = 0;
		int ret;

		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)strtol(out, NULL, 10));
		ret = file_read(path, 4096, &text, &len, NULL);
		free(text);
		(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)strtol(out, NULL, 10));
		if (ret < 0 || access(path, F_OK) < 0)
			break;
		assert_true(clock_ms() < limit_ms);
		(void)usleep(10000);
	}
}

static void program_that_is_not_installed_is_named(void **state)
{
	const char *const argv[] = {"berth-no-such-program", NULL};
	struct error err = {0};

	assert_int_equal(child_must(argv, clock_ms() + 20000, &err), -ENOENT);
	assert_non_null(strstr(err.text, "berth-no-such-program"));
}

static void initiator_name_is_taken_from_open_iscsi(void **state)
{
	char name[224] = "";
	const char *path = file_put("initiatorname.iscsi",
				    "## comment\n InitiatorName=iqn.1993-08.org.debian:01:abc \n");

	assert_int_equal(initiator_name_find(path, folder, name, sizeof(name), NULL), 0);
	assert_string_equal(name, "iqn.1993-08.org.debian:01:abc");
}

static void initiator_name_is_made_once_and_kept(void **state)
{
	char first[224] = "";
	char second[224] = "";
	char given[224] = "iqn.2026-11.dev.example:given";
	const char *path = file_put("empty.iscsi", "GenerateName=yes\n");

	assert_int_equal(initiator_name_find(path, folder, first, sizeof(first), NULL), 0);
	assert_true(strncmp(first, "iqn.2026-11.dev.berth:host-", 27) == 0);
	assert_int_equal(initiator_name_find(path, folder, second, sizeof(second), NULL), 0);
	assert_string_equal(first, second);
	assert_int_equal(initiator_name_find(path, folder, given, sizeof(given), NULL), 0);
	assert_string_equal(given, "iqn.2026-11.dev.example:given");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_are_found_by_their_exact_folder),
		cmocka_unit_test(table_that_cannot_be_read_is_an_error_and_not_an_empty_one),
		cmocka_unit_test(loop_device_is_found_by_its_file),
		cmocka_unit_test(child_gives_its_status_its_words_and_its_output),
		cmocka_unit_test(child_that_writes_a_lot_is_cut_and_not_blocked),
		cmocka_unit_test(child_past_its_deadline_is_killed_with_its_own_children),
		cmocka_unit_test(program_that_is_not_installed_is_named),
		cmocka_unit_test(initiator_name_is_taken_from_open_iscsi),
		cmocka_unit_test(initiator_name_is_made_once_and_kept),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
