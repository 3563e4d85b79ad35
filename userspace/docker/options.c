/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of a new volume. Values are checked here as far as they can be without a node, so
 * that a typing error is told at once and nothing has been made yet.
 */
#include "docker/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/name.h"
#include "base/size.h"

#define ID_DIGITS_MAX	 10
#define MKFS_OPTIONS_MAX 512

static int set_size(struct volume_options *options, const char *value, struct error *err)
{
	int ret = size_parse(value, &options->size_bytes, err);

	if (ret < 0)
		return error_prefix(err, "option size");
	if (options->size_bytes == 0)
		return error_set(err, -EINVAL, "option size: a volume cannot have 0 bytes");
	return 0;
}

static int set_fs(struct volume_options *options, const char *value, struct error *err)
{
	if (strcmp(value, "ext4") != 0 && strcmp(value, "xfs") != 0)
		return error_set(err, -EINVAL, "option fs: '%.40s' is not one of ext4, xfs", value);
	options->filesystem = value;
	return 0;
}

/* A number that is a user or group; moves *at behind it. */
static bool id_skip(const char **at)
{
	size_t len = strspn(*at, "0123456789");

	*at += len;
	return len > 0 && len <= ID_DIGITS_MAX;
}

static int set_owner(struct volume_options *options, const char *value, struct error *err)
{
	const char *at = value;

	if (!id_skip(&at) || *at++ != ':' || !id_skip(&at) || *at)
		return error_set(
			err, -EINVAL,
			"option fsOwner: '%.40s' is not UID:GID in numbers, as in 1000:1000",
			value);
	options->owner = value;
	return 0;
}

static int set_mode(struct volume_options *options, const char *value, struct error *err)
{
	size_t len = strlen(value);

	if (len < 3 || len > 4 || strspn(value, "01234567") != len)
		return error_set(err, -EINVAL,
				 "option fsMode: '%.40s' is not three or four octal digits, as in "
				 "0750",
				 value);
	options->mode = value;
	return 0;
}

static int set_mkfs_options(struct volume_options *options, const char *value, struct error *err)
{
	size_t len = strlen(value);

	if (len > MKFS_OPTIONS_MAX)
		return error_set(err, -EINVAL, "option mkfsOptions: longer than %d characters",
				 MKFS_OPTIONS_MAX);
	for (size_t i = 0; i < len; i++) {
		if (!isprint((unsigned char)value[i]))
			return error_set(err, -EINVAL,
					 "option mkfsOptions: only printable ASCII, please");
	}
	options->mkfs_options = value;
	return 0;
}

static int set_pool(struct volume_options *options, const char *value, struct error *err)
{
	if (name_check("pool", value, err) < 0)
		return error_prefix(err, "option pool");
	options->pool = value;
	return 0;
}

static const struct {
	const char *name;
	int (*set)(struct volume_options *options, const char *value, struct error *err);
	const char *help;
} rows[] = {
	{"size", set_size, "how large, as in 20G"},
	{"fs", set_fs, "ext4 or xfs"},
	{"fsOwner", set_owner, "UID:GID of the root folder, as in 1000:1000"},
	{"fsMode", set_mode, "its mode, as in 0750"},
	{"mkfsOptions", set_mkfs_options, "more words for mkfs, as in '-i 65536'"},
	{"pool", set_pool, "which pool of the node"},
};

static int help_error(struct error *err)
{
	char text[sizeof(err->text)] = "";
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "\n  %-12s %s",
					rows[i].name, rows[i].help);
	return error_set(err, -EINVAL, "options of a berth volume (-o NAME=VALUE):%s", text);
}

static int unknown_error(const char *name, struct error *err)
{
	char text[128] = "";
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? ", " : "",
					rows[i].name);
	return error_set(err, -EINVAL,
			 "there is no option '%.40s'; a volume takes %s ('-o help' tells more)",
			 name, text);
}

static int option_set(struct volume_options *options, const char *name, const char *value,
		      struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].set(options, value, err);
	}
	return unknown_error(name, err);
}

int volume_options_parse(struct volume_options *options, const json_t *json, struct error *err)
{
	const char *name;
	json_t *value;

	*options = (struct volume_options){0};
	if (!json)
		return 0;
	if (json_object_get(json, "help"))
		return help_error(err);
	/* The macro wants a json_t that it could change; it does not. */
	json_object_foreach ((json_t *)json, name, value) {
		int ret = option_set(options, name, json_string_value(value), err);

		if (ret < 0)
			return ret;
	}
	return 0;
}
