/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mount: the file system is on its folder, checked, as large as its volume, with its root as it
 * should be. Undoing it is a plain unmount and rmdir; a folder that cannot be removed stays.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/filesystem.h"
#include "agent/helper.h"
#include "agent/mounts.h"
#include "agent/step.h"
#include "base/log.h"

#define PROBE_MS   30000
#define MOUNT_MS   60000
#define UNMOUNT_MS 30000
#define STACK_MAX  8 /* mounts over each other on one folder */

/* mkfs leaves a rest of the device unused; growing is for more than that. */
#define GROW_WORTH_BYTES (4u << 20)

static int device_number(const char *device, dev_t *out_number, struct error *err)
{
	struct stat st;

	if (stat(device, &st) < 0)
		return error_set(err, -errno, "cannot look at '%s': %s", device, strerror(errno));
	if (!S_ISBLK(st.st_mode))
		return error_set(err, -ENOTBLK, "'%s' is not a block device", device);
	*out_number = st.st_rdev;
	return 0;
}

static int mount_check(struct job *job, struct error *err)
{
	struct mounts_point point = {0};
	dev_t number = 0;
	int ret = mounts_find(MOUNTS_TABLE, job->folder, &point, err);

	if (ret < 0)
		return ret;
	if (point.depth == 0)
		return STEP_DOWN;
	ret = device_number(job->device, &number, err);
	if (ret < 0)
		return ret;
	return point.depth == 1 && point.device == number ? STEP_UP : STEP_DOWN;
}

/* Check it, unless it is mounted in some other namespace: then it is in order, and in use. */
static int check_unless_used(struct job *job, const struct probe *probe, struct error *err)
{
	int ret = helper_exclusive(job->device, clock_within(job->deadline_ms, PROBE_MS), err);

	if (ret == -EBUSY)
		return 0;
	if (ret < 0)
		return ret;
	return filesystem_check(probe->type, job->device, job->deadline_ms, err);
}

static int type_check(struct job *job, const struct probe *probe, struct error *err)
{
	const struct record *record = &job->record;

	if (strcmp(probe->type, record->filesystem) == 0)
		return 0;
	return error_set(err, -EMEDIUMTYPE,
			 "volume '%s' should hold %s, and %s is found on it; it is not mounted",
			 record->name, record->filesystem, *probe->type ? probe->type : "nothing");
}

/* A volume that grew while it was not mounted here. One that stays small can be used as well. */
static void grow_if_smaller(struct job *job, const struct probe *probe)
{
	struct error err = {0};

	if (probe->fs_bytes == 0 || probe->fs_bytes + GROW_WORTH_BYTES > probe->device_bytes)
		return;
	if (filesystem_grow(job->record.filesystem, job->device, job->folder, job->deadline_ms,
			    &err) < 0)
		log_warn("a file system stays smaller than its volume volume=%s: %s",
			 job->record.name, err.text);
}

static int root_prepare_once(struct job *job, struct error *err)
{
	struct record *record = &job->record;
	int ret;

	if (record->is_root_ready)
		return 0;
	ret = helper_prepare_root(job->folder, record->owner, record->mode,
				  clock_within(job->deadline_ms, PROBE_MS), err);
	if (ret < 0)
		return ret;
	record->is_root_ready = true;
	return job_save(job, err);
}

static int mount_undo(struct job *job, struct error *err)
{
	struct mounts_point point = {0};
	int ret = 0;

	for (int i = 0; ret == 0 && i < STACK_MAX; i++) {
		ret = mounts_find(MOUNTS_TABLE, job->folder, &point, err);
		if (ret < 0 || point.depth == 0)
			break;
		ret = helper_unmount(job->folder, clock_within(job->deadline_ms, UNMOUNT_MS), err);
	}
	if (ret < 0)
		return ret;
	if (rmdir(job->folder) < 0 && errno != ENOENT)
		log_warn("a mount folder stays folder=%s: %s", job->folder, strerror(errno));
	return 0;
}

static int mount_apply(struct job *job, struct error *err)
{
	const char *mount_words[4] = {job->device, job->folder, job->record.filesystem,
				      filesystem_mount_options(job->record.filesystem)};
	struct probe probe = {0};
	int ret = mount_undo(job, err); /* what lies there is of an earlier, broken attachment */

	if (ret == 0)
		ret = job_identify(job, err);
	if (ret == 0)
		ret = helper_probe(job->device, clock_within(job->deadline_ms, PROBE_MS), &probe,
				   err);
	if (ret == 0)
		ret = type_check(job, &probe, err);
	if (ret == 0)
		ret = check_unless_used(job, &probe, err);
	if (ret < 0)
		return ret;
	if (mkdir(job->folder, 0755) < 0 && errno != EEXIST)
		return error_set(err, -errno, "cannot make folder '%s': %s", job->folder,
				 strerror(errno));
	ret = helper_mount(mount_words, clock_within(job->deadline_ms, MOUNT_MS), err);
	if (ret < 0)
		return ret;
	grow_if_smaller(job, &probe);
	return root_prepare_once(job, err);
}

const struct step step_mount = {"mount", mount_check, mount_apply, mount_undo};
