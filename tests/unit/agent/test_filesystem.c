/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines of mkfs, sizes from superblocks, owners and modes: all that is pure. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "agent/filesystem.h"
#include "agent/probe.h"
#include "agent/root.h"
#include "base/bytes.h"
#include "base/compiler.h"

#define UUID "11111111-1111-4111-8111-111111111111"

static void expect_command(const char *type, const char *options, const char *expected)
{
	struct filesystem_command command;
	char line[1024] = "";
	struct error err = {0};

	assert_int_equal(filesystem_mkfs_command(type, UUID, options, "/dev/x", &command, &err), 0);
	for (int i = 0; command.argv[i]; i++) {
		(void)strcat(line, command.argv[i]);
		(void)strcat(line, command.argv[i + 1] ? " " : "");
	}
	assert_string_equal(line, expected);
}

static void mkfs_neither_discards_nor_zeroes_a_thin_volume(void **state)
{
	expect_command("ext4", "",
		       "mkfs.ext4 -q -F -m 0 -E "
		       "nodiscard,lazy_itable_init=1,lazy_journal_init=1 -U " UUID " /dev/x");
	expect_command("xfs", "", "mkfs.xfs -q -K -m uuid=" UUID " /dev/x");
}

static void options_stand_before_the_device(void **state)
{
	expect_command("xfs", " -i  size=1024",
		       "mkfs.xfs -q -K -m uuid=" UUID " -i size=1024 /dev/x");
}

static void options_that_lead_mkfs_elsewhere_are_refused(void **state)
{
	static const char *const ext4[] = {"/dev/sda",
					   "-i 8192 /dev/sda",
					   "-U random",
					   "-Urandom",
					   "-d /etc",
					   "-d/etc",
					   "-J device=x",
					   "-J size=4",
					   "-n",
					   "-vn",
					   "-q",
					   "size",
					   "-i 1 2",
					   "-i",
					   "-i -U",
					   "-z /tmp/x",
					   "-E offset=4,root_owner=/"};
	static const char *const xfs[] = {"-l logdev=/tmp/x,size=64m",
					  "-r rtdev=x",
					  "-d name=x",
					  "-d file",
					  "-m uuid=1",
					  "-p proto",
					  "-f",
					  "-N",
					  "-c options=x",
					  "-d rtdev=x"};
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(ext4); i++)
		assert_int_equal(filesystem_check_options("ext4", ext4[i], &err), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(xfs); i++)
		assert_int_equal(filesystem_check_options("xfs", xfs[i], &err), -EINVAL);
	assert_int_equal(filesystem_check_options("ext4", "", &err), 0);
	assert_int_equal(filesystem_check_options("ext4", "-i 8192 -O ^has_journal", &err), 0);
	assert_int_equal(filesystem_check_options("xfs", "-i size=1024 -d agcount=4", &err), 0);
	assert_int_equal(filesystem_check_options("ntfs", "", &err), -EINVAL);
}

static void too_many_options_are_refused(void **state)
{
	struct filesystem_command command;
	struct error err = {0};
	char options[508] = "";

	for (int i = 0; i < 100; i++)
		(void)strcat(options, "-b 1 ");
	assert_int_equal(filesystem_mkfs_command("ext4", UUID, options, "/dev/x", &command, &err),
			 -EINVAL);
	assert_int_equal(filesystem_mkfs_command("ntfs", UUID, "", "/dev/x", &command, &err),
			 -EINVAL);
}

static void only_a_clean_or_mended_ext4_is_mounted(void **state)
{
	assert_true(filesystem_is_checked(0));
	assert_true(filesystem_is_checked(1));
	assert_true(filesystem_is_checked(2));
	assert_false(filesystem_is_checked(4));
	assert_false(filesystem_is_checked(8));
	assert_false(filesystem_is_checked(128 + 9));
}

static void superblocks_tell_the_size_of_their_file_system(void **state)
{
	uint8_t head[4096] = {0};

	put_le32(head + 1024 + 4, 1048576);
	put_le32(head + 1024 + 24, 2); /* 4 KiB blocks */
	put_le16(head + 1024 + 56, 0xef53);
	assert_int_equal(probe_fs_bytes("ext4", head), UINT64_C(4) << 30);
	put_le32(head + 1024 + 336, 1); /* counts only with the 64bit feature */
	assert_int_equal(probe_fs_bytes("ext4", head), UINT64_C(4) << 30);
	put_le32(head + 1024 + 96, 0x80);
	assert_int_equal(probe_fs_bytes("ext4", head), (UINT64_C(4) << 30) + (UINT64_C(1) << 44));
	put_be32(head, 0x58465342); /* "XFSB" */
	put_be32(head + 4, 4096);
	put_be64(head + 8, 262144);
	assert_int_equal(probe_fs_bytes("xfs", head), UINT64_C(1) << 30);
	assert_int_equal(probe_fs_bytes("btrfs", head), 0);
}

static void superblocks_without_sense_have_no_size(void **state)
{
	uint8_t head[4096];

	memset(head, 0xff, sizeof(head));
	assert_int_equal(probe_fs_bytes("ext4", head), 0);
	assert_int_equal(probe_fs_bytes("xfs", head), 0);
	put_be32(head, 0x58465342); /* "XFSB" */
	assert_int_equal(probe_fs_bytes("xfs", head), 0);
}

static void owners_and_modes_are_numbers(void **state)
{
	struct error err = {0};
	mode_t mode;
	uid_t uid;
	gid_t gid;

	assert_int_equal(root_parse_owner("999:1000", &uid, &gid, &err), 0);
	assert_int_equal(uid, 999);
	assert_int_equal(gid, 1000);
	assert_int_equal(root_parse_owner("", &uid, &gid, &err), 0);
	assert_int_equal(uid, (uid_t)-1);
	assert_int_equal(root_parse_owner("postgres:postgres", &uid, &gid, &err), -EINVAL);
	assert_int_equal(root_parse_owner("1", &uid, &gid, &err), -EINVAL);
	assert_int_equal(root_parse_owner("1:2:3", &uid, &gid, &err), -EINVAL);
	assert_int_equal(root_parse_owner("-1:2", &uid, &gid, &err), -EINVAL);
	assert_int_equal(root_parse_owner("4294967295:2", &uid, &gid, &err), -EINVAL);
	assert_int_equal(root_parse_mode("0750", &mode, &err), 0);
	assert_int_equal(mode, 0750);
	assert_int_equal(root_parse_mode("", &mode, &err), 0);
	assert_int_equal(mode, 0755);
	assert_int_equal(root_parse_mode("0788", &mode, &err), -EINVAL);
	assert_int_equal(root_parse_mode("10000", &mode, &err), -EINVAL);
	assert_int_equal(root_parse_mode("rwx", &mode, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mkfs_neither_discards_nor_zeroes_a_thin_volume),
		cmocka_unit_test(options_stand_before_the_device),
		cmocka_unit_test(options_that_lead_mkfs_elsewhere_are_refused),
		cmocka_unit_test(too_many_options_are_refused),
		cmocka_unit_test(only_a_clean_or_mended_ext4_is_mounted),
		cmocka_unit_test(superblocks_tell_the_size_of_their_file_system),
		cmocka_unit_test(superblocks_without_sense_have_no_size),
		cmocka_unit_test(owners_and_modes_are_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
