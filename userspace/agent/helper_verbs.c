/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child's side of agent/helper.h: a table of verbs. Each does one thing that may hang, in a
 * process with one thread that the agent can give up.
 */
#include "agent/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/inquiry.h"
#include "agent/mounts.h"
#include "agent/root.h"
#include "base/cleanup.h"

static int verb_probe(char **arguments, struct error *err)
{
	struct probe probe;
	int ret = probe_device(arguments[0], &probe, err);

	if (ret < 0)
		return ret;
	/* '-' stands for nothing; no type and no UUID is a lone hyphen. */
	printf("%s %s %d %" PRIu64 " %" PRIu64 "\n", *probe.type ? probe.type : "-",
	       *probe.uuid ? probe.uuid : "-", probe.is_blank, probe.device_bytes, probe.fs_bytes);
	return 0;
}

static int verb_exclusive(char **arguments, struct error *err)
{
	CLEANUP_CLOSE int fd = open(arguments[0], O_RDONLY | O_EXCL | O_CLOEXEC);

	if (fd < 0 && errno == EBUSY)
		return error_set(err, -EBUSY, "'%s' is still in use", arguments[0]);
	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", arguments[0],
				 strerror(errno));
	if (fsync(fd) < 0)
		return error_set(err, -errno, "cannot write out what '%s' holds: %s", arguments[0],
				 strerror(errno));
	return 0;
}

static int verb_mount(char **arguments, struct error *err)
{
	return mounts_attach(arguments[0], arguments[1], arguments[2], arguments[3], err);
}

static int verb_unmount(char **arguments, struct error *err)
{
	return mounts_detach(arguments[0], err);
}

static int verb_prepare_root(char **arguments, struct error *err)
{
	return root_prepare(arguments[0], arguments[1], arguments[2], err);
}

static int verb_loop_attach(char **arguments, struct error *err)
{
	char device[LOOPDEV_NAME_SIZE];
	int ret = loopdev_attach(arguments[0], (unsigned)strtoul(arguments[1], NULL, 10), device,
				 err);

	if (ret == 0)
		printf("%s\n", device);
	return ret;
}

static int verb_loop_detach(char **arguments, struct error *err)
{
	return loopdev_detach(arguments[0], arguments[1], err);
}

static int verb_loop_resize(char **arguments, struct error *err)
{
	return loopdev_resize(arguments[0], err);
}

static int verb_identify(char **arguments, struct error *err)
{
	return inquiry_identify(arguments[0], arguments[1], err);
}

static int verb_sysfs_write(char **arguments, struct error *err)
{
	CLEANUP_CLOSE int fd = open(arguments[0], O_WRONLY | O_CLOEXEC);
	size_t len = strlen(arguments[1]);

	if (fd < 0 || write(fd, arguments[1], len) != (ssize_t)len)
		return error_set(err, -errno, "cannot write '%s' to '%s': %s", arguments[1],
				 arguments[0], strerror(errno));
	return 0;
}

static int verb_map_find(char **arguments, struct error *err)
{
	struct mapper_state state;
	int ret = mapper_find(arguments[0], arguments[1], &state, err);

	if (ret == 0)
		printf("%d %" PRIu64 "\n", state.exists, (uint64_t)state.disk);
	return ret;
}

static int verb_map_create(char **arguments, struct error *err)
{
	return mapper_create(arguments[0], arguments[1], arguments[2], err);
}

static int verb_map_resize(char **arguments, struct error *err)
{
	return mapper_resize(arguments[0], arguments[1], arguments[2], err);
}

static int verb_map_remove(char **arguments, struct error *err)
{
	return mapper_remove(arguments[0], arguments[1], err);
}

static const struct verb {
	const char *name;
	int argument_count;
	int (*run)(char **arguments, struct error *err);
} verbs[] = {
	{"probe", 1, verb_probe},
	{"exclusive", 1, verb_exclusive},
	{"mount", 4, verb_mount},
	{"unmount", 1, verb_unmount},
	{"prepare-root", 3, verb_prepare_root},
	{"loop-attach", 2, verb_loop_attach},
	{"loop-detach", 2, verb_loop_detach},
	{"loop-resize", 1, verb_loop_resize},
	{"identify", 2, verb_identify},
	{"sysfs-write", 2, verb_sysfs_write},
	{"map-find", 2, verb_map_find},
	{"map-create", 3, verb_map_create},
	{"map-resize", 3, verb_map_resize},
	{"map-remove", 2, verb_map_remove},
};

int helper_main(int argument_count, char **arguments)
{
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		int ret;

		if (argument_count != verbs[i].argument_count + 1 ||
		    strcmp(arguments[0], verbs[i].name) != 0)
			continue;
		ret = verbs[i].run(arguments + 1, &err);
		if (ret == 0)
			return 0;
		(void)fprintf(stderr, "%s\n", err.text);
		return ret < 0 && ret > -126 ? -ret : EIO;
	}
	(void)fprintf(stderr, "this is for the agent's own use\n");
	return EINVAL;
}
