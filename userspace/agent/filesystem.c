/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/filesystem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/child.h"
#include "agent/clock.h"

#define MKFS_MS	 90000
#define CHECK_MS 90000
#define GROW_MS	 60000
#define BLANKS	 " \t"

static const struct filesystem {
	const char *name;
	const char *mkfs[12]; /* up to the UUID, which comes next */
	const char *uuid_flag;
	const char *uuid_prefix;
	const char *mount_options;
	const char *option_letters; /* flags that a user may give to mkfs */
} filesystems[] = {
	/* -F: the program's own question about what it finds is answered by format_rule.h. */
	{"ext4",
	 {"mkfs.ext4", "-q", "-F", "-m", "0", "-E",
	  "nodiscard,lazy_itable_init=1,lazy_journal_init=1"},
	 "-U",
	 "",
	 "",
	 "bCGiIgNmOTE"},
	{"xfs", {"mkfs.xfs", "-q", "-K"}, "-m", "uuid=", "nouuid", "bdilmnsL"},
};

static const struct filesystem *find(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(filesystems); i++) {
		if (strcmp(filesystems[i].name, type) == 0)
			return &filesystems[i];
	}
	return NULL;
}

const char *filesystem_mount_options(const char *type)
{
	const struct filesystem *filesystem = find(type);

	return filesystem ? filesystem->mount_options : "";
}

static int options_fail(const struct filesystem *filesystem, const char *word, struct error *err)
{
	return error_set(
		err, -EINVAL,
		"mkfs option '%.40s' is refused for %s; allowed are the letters %s, each as a "
		"word of its own followed by its value, as '-i 8192', and no value may name a "
		"file, a device or a UUID",
		word, filesystem->name, filesystem->option_letters);
}

/* A value may shape the file system, never lead mkfs to another file, device or identity. */
static int is_harmless(const char *value)
{
	static const char *const names[] = {
		"dev=", "file", "name=", "options=", "uuid=", "UUID=", "LABEL=", "/"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strstr(value, names[i]))
			return 0;
	}
	return *value != '-' && !strstr(value, "device=");
}

int filesystem_check_options(const char *type, const char *options, struct error *err)
{
	const struct filesystem *filesystem = find(type);
	char words[FILESYSTEM_WORDS_SIZE];
	int is_value = 0; /* flag and value take turns */
	const char *last = "";
	char *rest;

	if (!filesystem)
		return error_set(err, -EINVAL, "file system '%.20s' is not offered", type);
	if (strlen(options) >= sizeof(words))
		return error_set(err, -EINVAL, "mkfs options are longer than %d characters",
				 FILESYSTEM_WORDS_SIZE - 1);
	(void)snprintf(words, sizeof(words), "%s", options);
	for (char *word = strtok_r(words, BLANKS, &rest); word;
	     word = strtok_r(NULL, BLANKS, &rest)) {
		if (is_value ? !is_harmless(word)
			     : *word != '-' || strlen(word) != 2 ||
				       !strchr(filesystem->option_letters, word[1]))
			return options_fail(filesystem, word, err);
		is_value = !is_value;
		last = word;
	}
	return is_value ? options_fail(filesystem, last, err) : 0;
}

int filesystem_mkfs_command(const char *type, const char *uuid, const char *options,
			    const char *device, struct filesystem_command *out_command,
			    struct error *err)
{
	const struct filesystem *filesystem = find(type);
	size_t prefix_len;
	const char **argv = out_command->argv;
	char *at = out_command->words;
	char *rest;
	int count = 0;

	if (filesystem_check_options(type, options, err) < 0)
		return -EINVAL;
	prefix_len = strlen(filesystem->uuid_prefix) + strlen(uuid) + 1;
	if (prefix_len + strlen(options) + 1 > FILESYSTEM_WORDS_SIZE)
		return error_set(err, -EINVAL, "the mkfs options are too long");
	for (; filesystem->mkfs[count]; count++)
		argv[count] = filesystem->mkfs[count];
	argv[count++] = filesystem->uuid_flag;
	argv[count++] = at;
	at += sprintf(at, "%s%s", filesystem->uuid_prefix, uuid) + 1;
	(void)strcpy(at, options); /* fits: measured above */
	for (char *word = strtok_r(at, BLANKS, &rest); word; word = strtok_r(NULL, BLANKS, &rest)) {
		if (count >= FILESYSTEM_ARGUMENT_MAX - 2)
			return error_set(err, -EINVAL, "there are too many mkfs options");
		argv[count++] = word;
	}
	argv[count++] = device;
	argv[count] = NULL;
	return 0;
}

int filesystem_make(const char *type, const char *uuid, const char *options, const char *device,
		    int64_t deadline_ms, struct error *err)
{
	struct filesystem_command command;
	int ret = filesystem_mkfs_command(type, uuid, options, device, &command, err);

	if (ret < 0)
		return ret;
	return child_must(command.argv, clock_within(deadline_ms, MKFS_MS), err);
}

int filesystem_is_checked(int exit_status)
{
	return exit_status >= 0 && exit_status <= 2;
}

int filesystem_check(const char *type, const char *device, int64_t deadline_ms, struct error *err)
{
	const char *const argv[] = {"e2fsck", "-p", device, NULL};
	struct child child = {.argv = argv, .deadline_ms = clock_within(deadline_ms, CHECK_MS)};
	int status;

	if (strcmp(type, "ext4") != 0)
		return 0;
	status = child_run(&child, err);
	if (status < 0)
		return status;
	if (filesystem_is_checked(status))
		return 0;
	return error_set(
		err, -EUCLEAN,
		"the file system on '%s' needs a repair by hand (e2fsck status %d: %s); it "
		"is not mounted",
		device, status, child.last_words);
}

int filesystem_grow(const char *type, const char *device, const char *folder, int64_t deadline_ms,
		    struct error *err)
{
	const char *const ext4[] = {"resize2fs", device, NULL};
	const char *const xfs[] = {"xfs_growfs", folder, NULL};

	return child_must(strcmp(type, "xfs") == 0 ? xfs : ext4, clock_within(deadline_ms, GROW_MS),
			  err);
}
