/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attachment that every Linux can do: berth-attach is the initiator and serves the volume as
 * a file (step serve), a loop device with direct I/O makes a block device of it (step loop).
 *
 * Identity: berth-attach compares the volume's UUID at every login and serves nothing else; the
 * agent makes sure that the process behind the folder is the one for that UUID, that the folder
 * is its mount, and that the loop device lies over its file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/helper.h"
#include "agent/loopdev.h"
#include "agent/mounts.h"
#include "agent/server.h"
#include "agent/step.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"

#define SERVE_MS       30000
#define UNMOUNT_MS     10000
#define LOOP_MS	       15000
#define RESIZE_MS      20000
#define RESIZE_POLL_US 200000
#define SECRETS_SIZE   2048
#define BLOCK_BYTES    512
#define SYS_BLOCK      "/sys/block"

static void file_of(const struct job *job, char *out_path, size_t size)
{
	(void)snprintf(out_path, size, "%s/volume", job->serve_folder);
}

static int is_offered(const struct settings *settings, struct error *err)
{
	if (access("/dev/fuse", F_OK) < 0)
		return error_set(err, -ENODEV,
				 "user attachments need FUSE, and there is no "
				 "/dev/fuse; try: modprobe fuse");
	if (access("/dev/loop-control", F_OK) < 0)
		return error_set(err, -ENODEV,
				 "user attachments need loop devices, and there is "
				 "no /dev/loop-control; try: modprobe loop");
	return 0;
}

/* --- serve --- */

static int serve_check(struct job *job, struct error *err)
{
	struct mounts_point point;
	pid_t pid;
	int ret = mounts_find(MOUNTS_TABLE, job->serve_folder, &point, err);

	if (ret < 0 || point.depth != 1)
		return ret < 0 ? ret : STEP_DOWN;
	ret = server_find(job->record.uuid, job->serve_folder, &pid, err);
	if (ret < 0)
		return ret;
	return pid != 0 ? STEP_UP : STEP_DOWN;
}

static int serve_undo(struct job *job, struct error *err)
{
	struct mounts_point point;
	pid_t pid;
	int ret = server_find(job->record.uuid, job->serve_folder, &pid, err);

	if (ret == 0 && pid != 0)
		ret = server_stop(pid, job->record.uuid, job->serve_folder, job->deadline_ms, err);
	if (ret == 0)
		ret = mounts_find(MOUNTS_TABLE, job->serve_folder, &point, err);
	/* One that was killed leaves its mount behind. */
	if (ret == 0 && point.depth > 0)
		ret = helper_unmount(job->serve_folder, clock_within(job->deadline_ms, UNMOUNT_MS),
				     err);
	if (ret < 0)
		return ret;
	if (rmdir(job->serve_folder) < 0 && errno != ENOENT)
		log_warn("a folder stays folder=%s: %s", job->serve_folder, strerror(errno));
	return 0;
}

static void secrets_write(const Berth__V1__Publication *publication, char *out_text)
{
	static const char *const keys[] = {"chap-user", "chap-secret", "chap-target-user",
					   "chap-target-secret"};
	const char *const values[] = {publication->chap_user, publication->chap_secret,
				      publication->chap_target_user,
				      publication->chap_target_secret};
	size_t len = 0;

	out_text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (*values[i] != '\0' && len < SECRETS_SIZE)
			len += (size_t)snprintf(out_text + len, SECRETS_SIZE - len, "%s=%s\n",
						keys[i], values[i]);
	}
}

static int serve_apply(struct job *job, struct error *err)
{
	char secrets[SECRETS_SIZE];
	const struct server_spec spec = {
		.program = job->agent->settings.attach_program,
		.portal = job->record.portal,
		.target_name = job->record.target_name,
		.initiator = job->record.initiator,
		.uuid = job->record.uuid,
		.folder = job->serve_folder,
		.fail_after_s = job->agent->settings.fail_after_s,
		.secrets = secrets,
	};
	int ret = serve_undo(job, err); /* half of one may be there */

	if (ret == 0)
		ret = job_need_publication(job, err);
	if (ret == 0)
		ret = file_make_folder(job->serve_folder, 0700, err);
	if (ret < 0)
		return ret;
	secrets_write(job->publication, secrets);
	ret = server_start(&spec, clock_within(job->deadline_ms, SERVE_MS), err);
	explicit_bzero(secrets, sizeof(secrets));
	return ret;
}

const struct step step_serve = {"serve", serve_check, serve_apply, serve_undo};

/* --- loop --- */

static int loop_find(struct job *job, struct error *err)
{
	char file[PATH_MAX + 16];

	file_of(job, file, sizeof(file));
	return loopdev_find(SYS_BLOCK, file, job->device, err);
}

static int loop_check(struct job *job, struct error *err)
{
	int ret = loop_find(job, err);

	if (ret < 0)
		return ret;
	return *job->device != '\0' ? STEP_UP : STEP_DOWN;
}

static int loop_apply(struct job *job, struct error *err)
{
	char file[PATH_MAX + 16];

	file_of(job, file, sizeof(file));
	return helper_loop_attach(file, BLOCK_BYTES, clock_within(job->deadline_ms, LOOP_MS),
				  job->device, err);
}

static int loop_undo(struct job *job, struct error *err)
{
	char file[PATH_MAX + 16];
	int ret = loop_find(job, err);

	file_of(job, file, sizeof(file));
	if (ret < 0 || *job->device == '\0')
		return ret;
	ret = helper_loop_detach(job->device, file, clock_within(job->deadline_ms, LOOP_MS), err);
	if (ret == 0)
		job->device[0] = '\0';
	return ret;
}

const struct step step_loop = {"loop", loop_check, loop_apply, loop_undo};

/* --- the attachment --- */

static int identify(struct job *job, struct error *err)
{
	char device[LOOPDEV_NAME_SIZE];
	char file[PATH_MAX + 16];
	int ret = serve_check(job, err);

	if (ret == STEP_DOWN)
		return error_set(err, -ESTALE, "nobody serves volume '%s' any more",
				 job->record.name);
	if (ret < 0)
		return ret;
	file_of(job, file, sizeof(file));
	ret = loopdev_find(SYS_BLOCK, file, device, err);
	if (ret < 0)
		return ret;
	if (strcmp(device, job->device) != 0)
		return error_set(err, -ESTALE, "'%s' is not the device of volume '%s'", job->device,
				 job->record.name);
	return 0;
}

/* The size as the kernel has it, in sysfs: opening the device could hang. */
static int size_read(const char *device, uint64_t *out_bytes, struct error *err)
{
	char path[128];
	CLEANUP_FREE char *text = NULL;
	size_t len;
	int ret;

	(void)snprintf(path, sizeof(path), SYS_BLOCK "/%s/size", device + strlen("/dev/"));
	ret = file_read(path, 4096, &text, &len, err);
	if (ret == 0)
		*out_bytes = strtoull(text, NULL, 10) * 512;
	return ret;
}

/*
 * berth-attach learns of the new size by a unit attention, which comes with the answer to a
 * command: an idle volume is read a little, so that there is one.
 */
static int resize(struct job *job, struct error *err)
{
	int64_t deadline_ms = clock_within(job->deadline_ms, RESIZE_MS);
	struct probe probe;
	uint64_t bytes = 0;
	int ret;

	do {
		ret = helper_probe(job->device, deadline_ms, &probe, err);
		if (ret == 0)
			ret = helper_loop_resize(job->device, deadline_ms, err);
		if (ret == 0)
			ret = size_read(job->device, &bytes, err);
		if (ret < 0 || bytes >= job->record.size_bytes)
			return ret;
		(void)usleep(RESIZE_POLL_US);
	} while (clock_left_ms(deadline_ms) > 0);
	return error_set(err, -ETIMEDOUT, "'%s' still has its old size", job->device);
}

static const struct step *const steps[] = {&step_publish, &step_serve, &step_loop, &step_format,
					   &step_mount};

const struct attachment attachment_user = {
	.name = "user",
	.steps = steps,
	.step_count = ARRAY_SIZE(steps),
	.is_offered = is_offered,
	.identify = identify,
	.resize = resize,
};
