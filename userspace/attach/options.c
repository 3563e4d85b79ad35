/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attach/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"

static int text_set(char *field, size_t size, const char *value, const char *what,
		    struct error *err)
{
	if (value[0] == '\0')
		return error_set(err, -EINVAL, "the %s is empty", what);
	if (strlen(value) >= size)
		return error_set(err, -EINVAL, "the %s is longer than %zu bytes", what, size - 1);
	strcpy(field, value);
	return 0;
}

static int number_set(unsigned *field, const char *value, unsigned min, unsigned max,
		      struct error *err)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno || number < min ||
	    number > max)
		return error_set(err, -EINVAL, "'%s' is no number from %u to %u", value, min, max);
	*field = (unsigned)number;
	return 0;
}

static int descriptor_set(int *field, const char *value, struct error *err)
{
	unsigned fd = 0;

	if (number_set(&fd, value, 0, 65535, err) < 0)
		return -EINVAL;
	if (fcntl((int)fd, F_GETFD) < 0)
		return error_set(err, -EINVAL, "descriptor %u is not open", fd);
	*field = (int)fd;
	return 0;
}

static int set_portal(void *owner, const char *value, struct error *err)
{
	struct options *options = owner;

	return text_set(options->login.portal, LOGIN_PORTAL_SIZE, value, "portal", err);
}

static int set_target(void *owner, const char *value, struct error *err)
{
	struct options *options = owner;

	return text_set(options->login.target_name, LOGIN_NAME_SIZE, value, "target name", err);
}

static int set_initiator(void *owner, const char *value, struct error *err)
{
	struct options *options = owner;

	return text_set(options->login.initiator_name, LOGIN_NAME_SIZE, value, "initiator name",
			err);
}

static int set_uuid(void *owner, const char *value, struct error *err)
{
	struct options *options = owner;

	if (uuid_parse(value, &options->uuid) < 0 || uuid_is_nil(&options->uuid))
		return error_set(err, -EINVAL, "'%s' is no volume UUID", value);
	return 0;
}

static int set_mount(void *owner, const char *value, struct error *err)
{
	struct options *options = owner;

	if (value[0] != '/')
		return error_set(err, -EINVAL, "the mount point '%s' must begin with '/'", value);
	return text_set(options->mountpoint, sizeof(options->mountpoint), value, "mount point",
			err);
}

static int set_fail_after(void *owner, const char *value, struct error *err)
{
	struct options *options = owner;

	return number_set(&options->fail_after_s, value, 0, 1000000, err);
}

static int set_queue_depth(void *owner, const char *value, struct error *err)
{
	struct options *options = owner;

	return number_set(&options->queue_depth, value, QUEUE_DEPTH_MIN, QUEUE_DEPTH_MAX, err);
}

static int set_login_timeout(void *owner, const char *value, struct error *err)
{
	struct options *options = owner;
	unsigned seconds = 1;

	if (number_set(&seconds, value, 1, 3600, err) < 0)
		return -EINVAL;
	options->login_timeout_ms = seconds * 1000;
	return 0;
}

static int set_secrets_fd(void *owner, const char *value, struct error *err)
{
	struct options *options = owner;

	return descriptor_set(&options->secrets_fd, value, err);
}

static int set_ready_fd(void *owner, const char *value, struct error *err)
{
	struct options *options = owner;

	return descriptor_set(&options->ready_fd, value, err);
}

static const struct config_option table[] = {
	{"portal", "HOST:PORT", "where the storage node listens", set_portal},
	{"target", "IQN", "name of the volume's target", set_target},
	{"initiator", "IQN", "name to log in as", set_initiator},
	{"uuid", "UUID", "of the volume; another one is refused", set_uuid},
	{"mount", "DIR", "an empty folder; the volume is DIR/volume", set_mount},
	{"fail-after", "SECONDS", "fail I/O after that long without the node (0: never)",
	 set_fail_after},
	{"queue-depth", "N", "commands in flight at most, 1 to 256 (64)", set_queue_depth},
	{"login-timeout", "SECONDS", "for the first login (10)", set_login_timeout},
	{"secrets-fd", "FD", "where CHAP user and secrets are read from (0)", set_secrets_fd},
	{"ready-fd", "FD", "tell there, in one line, that the volume is served, or why not",
	 set_ready_fd},
};

static int options_check(const struct options *options, struct error *err)
{
	const char *missing = NULL;

	if (!options->login.portal[0])
		missing = "--portal";
	else if (!options->login.target_name[0])
		missing = "--target";
	else if (!options->login.initiator_name[0])
		missing = "--initiator";
	else if (uuid_is_nil(&options->uuid))
		missing = "--uuid";
	else if (!options->mountpoint[0])
		missing = "--mount";
	if (missing)
		return error_set(err, -EINVAL, "%s is missing; see --help", missing);
	return 0;
}

int options_load(struct options *options, int argc, char **argv, struct error *err)
{
	const struct config config = {
		.program = "berth-attach",
		.section = "attach",
		.summary = "serves one iSCSI volume as a file, for a loop device",
		.example =
			"berth-attach --portal 10.0.0.1:3260 --target iqn.2026-11.dev.berth:n1:db "
			"--initiator iqn.2026-11.dev.berth:host1 "
			"--uuid 9b2e6c1e-7d7b-4e0e-9d52-8e7c0b6f4a11 --mount /run/berth/db "
			"</dev/null",
		.options = table,
		.option_count = ARRAY_SIZE(table),
		.owner = options,
	};
	int ret;

	memset(options, 0, sizeof(*options));
	options->queue_depth = QUEUE_DEPTH_DEFAULT;
	options->login_timeout_ms = 10000;
	options->ready_fd = -1;
	ret = config_load(&config, argc, argv, err);
	if (ret != 0)
		return ret;
	return options_check(options, err);
}
