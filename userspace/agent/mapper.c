/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only file that knows libdevmapper. */
#include "agent/mapper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libdevmapper.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define UDEV_CONTROL "/run/udev/control" /* there while udevd runs */
#define SECTOR_BYTES 512

/* libdevmapper's own words, into our log; errors come back as return values as well. */
__attribute__((format(printf, 5, 6))) static void on_log(int level, const char *file, int line,
							 int error, const char *format, ...)
{
	char text[256];
	va_list args;

	if (level > 3) /* _LOG_ERR of libdevmapper-event.h */
		return;
	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): started just above */
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_debug("device-mapper: %s", text);
}

static struct dm_task *task_new(int kind, const char *name)
{
	struct dm_task *task;

	dm_log_with_errno_init(on_log);
	if (access(UDEV_CONTROL, F_OK) < 0) {
		/* Nobody would answer: libdevmapper makes the device node itself. */
		dm_udev_set_sync_support(0);
		dm_udev_set_checking(0);
	}
	task = dm_task_create(kind);
	if (task && !dm_task_set_name(task, name)) {
		dm_task_destroy(task);
		task = NULL;
	}
	return task;
}

static int task_fail(struct dm_task *task, const char *what, const char *name, struct error *err)
{
	int code = task ? dm_task_get_errno(task) : ENOMEM;

	if (task)
		dm_task_destroy(task);
	if (code == 0)
		code = EIO;
	return error_set(err, -code, "cannot %s device-mapper device '%s': %s", what, name,
			 strerror(code));
}

/* Run a task whose effect udev sees, and wait until it has. */
static int task_run(struct dm_task *task, const char *what, const char *name, struct error *err)
{
	uint32_t cookie = 0;
	int is_done;

	if (!dm_task_set_cookie(task, &cookie, 0))
		return task_fail(task, what, name, err);
	is_done = dm_task_run(task);
	(void)dm_udev_wait(cookie); /* also after a failure, to give the semaphore back */
	if (!is_done)
		return task_fail(task, what, name, err);
	dm_task_destroy(task);
	return 0;
}

/* The disk below one linear segment; 0 for any other table. */
static dev_t table_disk(struct dm_task *task)
{
	uint64_t start = 0;
	uint64_t length = 0;
	char *type = NULL;
	char *parameters = NULL;
	unsigned major_number;
	unsigned minor_number;
	void *next = dm_get_next_target(task, NULL, &start, &length, &type, &parameters);

	if (next || !type || strcmp(type, "linear") != 0 || !parameters)
		return 0;
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own words */
	if (sscanf(parameters, "%u:%u ", &major_number, &minor_number) != 2)
		return 0;
	return makedev(major_number, minor_number);
}

int mapper_find(const char *name, const char *uuid, struct mapper_state *out_state,
		struct error *err)
{
	struct dm_task *task = task_new(DM_DEVICE_TABLE, name);
	struct dm_info info = {0};
	const char *found;
	int ret = 0;

	*out_state = (struct mapper_state){0};
	/* On a device that is not there the task fails with ENXIO, and that is an answer. */
	if (task && !dm_task_run(task) && dm_task_get_errno(task) == ENXIO) {
		dm_task_destroy(task);
		return 0;
	}
	if (!task || !dm_task_get_info(task, &info))
		return task_fail(task, "look at", name, err);
	found = dm_task_get_uuid(task);
	if (info.exists && (!found || strcmp(found, uuid) != 0)) {
		ret = error_set(err, -EEXIST,
				"device-mapper device '%s' exists and is not the agent's", name);
	} else if (info.exists) {
		out_state->exists = true;
		out_state->disk = table_disk(task);
	}
	dm_task_destroy(task);
	return ret;
}

static int disk_describe(const char *disk, uint64_t *out_sectors, char out_parameters[64],
			 struct error *err)
{
	CLEANUP_CLOSE int fd = open(disk, O_RDONLY | O_CLOEXEC);
	uint64_t bytes;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || ioctl(fd, BLKGETSIZE64, &bytes) < 0)
		return error_set(err, -errno, "cannot look at '%s': %s", disk, strerror(errno));
	*out_sectors = bytes / SECTOR_BYTES;
	(void)snprintf(out_parameters, 64, "%u:%u 0", major(st.st_rdev), minor(st.st_rdev));
	return 0;
}

int mapper_create(const char *name, const char *uuid, const char *disk, struct error *err)
{
	struct dm_task *task;
	char parameters[64] = "";
	uint64_t sectors = 0;
	int ret = disk_describe(disk, &sectors, parameters, err);

	if (ret < 0)
		return ret;
	task = task_new(DM_DEVICE_CREATE, name);
	if (!task || !dm_task_set_uuid(task, uuid) ||
	    !dm_task_add_target(task, 0, sectors, "linear", parameters))
		return task_fail(task, "make", name, err);
	return task_run(task, "make", name, err);
}

int mapper_resize(const char *name, const char *uuid, const char *disk, struct error *err)
{
	struct dm_task *task;
	char parameters[64] = "";
	uint64_t sectors = 0;
	struct mapper_state state;
	int ret = mapper_find(name, uuid, &state, err);

	if (ret == 0 && !state.exists)
		ret = error_set(err, -ENODEV, "there is no device-mapper device '%s'", name);
	if (ret == 0)
		ret = disk_describe(disk, &sectors, parameters, err);
	if (ret < 0)
		return ret;
	task = task_new(DM_DEVICE_RELOAD, name);
	if (!task || !dm_task_add_target(task, 0, sectors, "linear", parameters) ||
	    !dm_task_run(task))
		return task_fail(task, "resize", name, err);
	dm_task_destroy(task);
	task = task_new(DM_DEVICE_RESUME, name);
	if (!task)
		return task_fail(task, "resume", name, err);
	return task_run(task, "resume", name, err);
}

int mapper_remove(const char *name, const char *uuid, struct error *err)
{
	struct dm_task *task;
	struct mapper_state state;
	int ret = mapper_find(name, uuid, &state, err);

	if (ret < 0 || !state.exists)
		return ret;
	task = task_new(DM_DEVICE_REMOVE, name);
	if (!task)
		return task_fail(task, "remove", name, err);
	return task_run(task, "remove", name, err);
}
