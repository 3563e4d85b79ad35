/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `docker volume create -o`: right values, typing errors, help. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/compiler.h"
#include "base/size.h"
#include "docker/options.h"

static void all_options_are_taken(void **state)
{
	json_t *json =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "size", "1.5G", "fs", "xfs", "fsOwner",
			  "1000:0", "fsMode", "0750", "mkfsOptions", "-m crc=1", "pool", "fast");
	struct volume_options options;
	struct error err;

	assert_int_equal(volume_options_parse(&options, json, &err), 0);
	assert_int_equal(options.size_bytes, GIB + GIB / 2);
	assert_string_equal(options.filesystem, "xfs");
	assert_string_equal(options.owner, "1000:0");
	assert_string_equal(options.mode, "0750");
	assert_string_equal(options.mkfs_options, "-m crc=1");
	assert_string_equal(options.pool, "fast");
	json_decref(json);
}

static void nothing_said_leaves_everything_to_the_agent(void **state)
{
	struct volume_options options;
	struct error err;

	assert_int_equal(volume_options_parse(&options, NULL, &err), 0);
	assert_int_equal(options.size_bytes, 0);
	assert_null(options.filesystem);
	assert_null(options.pool);
}

static void wrong_options_are_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *name;
		const char *value;
		const char *sentence;
	} wrong[] = {
		{"sice", "20G",
		 "there is no option 'sice'; a volume takes size, fs, fsOwner, fsMode, "
		 "mkfsOptions, pool"},
		{"Size", "20G", "there is no option 'Size'"},
		{"size", "big", "'big' is not a size"},
		{"size", "-1G", "is not a size"},
		{"size", "0", "cannot have 0 bytes"},
		{"fs", "zfs", "'zfs' is not one of ext4, xfs"},
		{"fs", "", "is not one of ext4, xfs"},
		{"fsOwner", "root:root", "'root:root' is not UID:GID"},
		{"fsOwner", "1000", "is not UID:GID"},
		{"fsOwner", "1:2:3", "is not UID:GID"},
		{"fsOwner", "12345678901:1", "is not UID:GID"},
		{"fsOwner", ":", "is not UID:GID"},
		{"fsMode", "0788", "is not three or four octal digits"},
		{"fsMode", "7", "is not three or four octal digits"},
		{"fsMode", "07777777", "is not three or four octal digits"},
		{"mkfsOptions", "-L a\nb", "only printable ASCII"},
		{"pool", "../x", "pool name '../x' is refused"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		json_t *json = json_pack("{s:s}", wrong[i].name, wrong[i].value);
		struct volume_options options;
		struct error err = {0};

		assert_int_equal(volume_options_parse(&options, json, &err), -EINVAL);
		if (!strstr(err.text, wrong[i].sentence))
			fail_msg("%s=%s: expected '%s', got '%s'", wrong[i].name, wrong[i].value,
				 wrong[i].sentence, err.text);
		json_decref(json);
	}
}

/* The sentence has limited room, so the last row shows whether all of it fits. */
static void help_names_every_option_and_is_not_cut(void **state)
{
	json_t *json = json_pack("{s:s, s:s}", "help", "", "size", "bad");
	struct volume_options options;
	struct error err = {0};

	assert_int_equal(volume_options_parse(&options, json, &err), -EINVAL);
	assert_non_null(strstr(err.text, "options of a berth volume"));
	assert_non_null(strstr(err.text, "\n  size         how large"));
	assert_non_null(strstr(err.text, "\n  pool         which pool of the node"));
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_options_are_taken),
		cmocka_unit_test(nothing_said_leaves_everything_to_the_agent),
		cmocka_unit_test(wrong_options_are_refused_with_a_sentence),
		cmocka_unit_test(help_names_every_option_and_is_not_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
