/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attachment of production: the kernel's initiator logs in (step login), its disk is looked for
 * behind that very session (step disk), and device-mapper maps it (step map), so that what
 * is mounted keeps its name while the paths below change.
 *
 * Identity is asked of the disk itself before it is mapped, formatted, mounted or grown.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/child.h"
#include "agent/clock.h"
#include "agent/helper.h"
#include "agent/iscsiadm.h"
#include "agent/mapper.h"
#include "agent/session.h"
#include "agent/step.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "initiator/probe.h"

#define MODPROBE_MS  10000
#define PROBE_MS     10000
#define LOGIN_MS     45000
#define DISK_MS	     30000
#define MAP_MS	     20000
#define DELETE_MS    20000
#define GONE_POLL_US 50000

/* --- what the host can do --- */

static int module_need(const char *sign, const char *module, struct error *err)
{
	const char *const argv[] = {"modprobe", module, NULL};

	if (access(sign, F_OK) == 0 ||
	    (child_must(argv, clock_ms() + MODPROBE_MS, NULL) == 0 && access(sign, F_OK) == 0))
		return 0;
	return error_set(err, -ENODEV,
			 "kernel attachments need the kernel module %s, which "
			 "cannot be loaded",
			 module);
}

static int is_offered(const struct settings *settings, struct error *err)
{
	const char *const argv[] = {"iscsiadm", "--version", NULL};
	int ret = child_must(argv, clock_ms() + MODPROBE_MS, err);

	if (ret < 0)
		return error_set(err, -ENODEV,
				 "kernel attachments need iscsiadm; install "
				 "open-iscsi");
	ret = module_need("/sys/class/iscsi_transport/tcp", "iscsi_tcp", err);
	if (ret == 0)
		ret = module_need("/sys/class/misc/device-mapper", "dm_mod", err);
	if (ret == 0)
		ret = module_need("/sys/bus/scsi/drivers/sd", "sd_mod", err);
	return ret;
}

/* --- login --- */

static int session_is_there(struct job *job, struct error *err)
{
	struct session_place place;
	int ret = session_find(job->record.target_name, &place, err);

	if (ret < 0)
		return ret;
	return *place.folder != '\0' ? STEP_UP : STEP_DOWN;
}

static int login_fill(const struct job *job, struct login *login, struct error *err)
{
	const Berth__V1__Publication *publication = job->publication;
	const struct {
		char *out_text;
		size_t size;
		const char *text;
	} fields[] = {
		{login->portal, sizeof(login->portal), job->record.portal},
		{login->target_name, sizeof(login->target_name), job->record.target_name},
		{login->initiator_name, sizeof(login->initiator_name), job->record.initiator},
		{login->chap_user, sizeof(login->chap_user), publication->chap_user},
		{login->chap_secret, sizeof(login->chap_secret), publication->chap_secret},
		{login->chap_target_user, sizeof(login->chap_target_user),
		 publication->chap_target_user},
		{login->chap_target_secret, sizeof(login->chap_target_secret),
		 publication->chap_target_secret},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strlen(fields[i].text) >= fields[i].size || strpbrk(fields[i].text, "\r\n"))
			return error_set(err, -EPROTO,
					 "the node's answer to Publish cannot be "
					 "used");
		(void)snprintf(fields[i].out_text, fields[i].size, "%s", fields[i].text);
	}
	return 0;
}

/* Before the kernel logs in: is it there, does it let us in, is it the volume that we mean? */
static int target_probe(const struct job *job, const struct login *login, struct error *err)
{
	int left_ms = clock_left_ms(clock_within(job->deadline_ms, PROBE_MS));
	struct disk disk;
	struct uuid uuid;
	int ret;

	if (uuid_parse(job->record.uuid, &uuid) < 0)
		return error_set(err, -EINVAL, "'%s' is no UUID", job->record.uuid);
	ret = probe_target(login, (unsigned)MAX(left_ms, 1), &disk, err);
	return ret < 0 ? ret : disk_check_identity(&disk, &uuid, err);
}

static int login_apply(struct job *job, struct error *err)
{
	struct login login = {0};
	int ret = job_need_publication(job, err);

	if (ret == 0)
		ret = login_fill(job, &login, err);
	if (ret == 0)
		ret = target_probe(job, &login, err);
	if (ret == 0)
		ret = iscsiadm_login(&login, job->agent->settings.fail_after_s,
				     clock_within(job->deadline_ms, LOGIN_MS), err);
	explicit_bzero(&login, sizeof(login));
	return ret;
}

static int login_undo(struct job *job, struct error *err)
{
	if (*job->record.target_name == '\0')
		return 0; /* it was never published, so nobody logged in */
	return iscsiadm_logout(job->record.target_name, job->record.portal,
			       clock_within(job->deadline_ms, LOGIN_MS), err);
}

const struct step step_login = {"login", session_is_there, login_apply, login_undo};

/* --- disk --- */

static int disk_find(struct job *job, struct session_place *place, char out_name[64],
		     struct error *err)
{
	int ret = session_find(job->record.target_name, place, err);

	out_name[0] = '\0';
	if (ret == 0 && *place->folder != '\0')
		ret = session_disk(place, out_name, err);
	job->disk[0] = '\0';
	if (ret == 0 && *out_name != '\0')
		(void)snprintf(job->disk, sizeof(job->disk), "/dev/%.58s", out_name);
	return ret;
}

static int disk_check(struct job *job, struct error *err)
{
	struct session_place place;
	char name[64];
	int ret = disk_find(job, &place, name, err);

	if (ret < 0)
		return ret;
	return *job->disk != '\0' ? STEP_UP : STEP_DOWN;
}

static int identify(struct job *job, struct error *err)
{
	struct session_place place;
	char name[64];
	int ret = disk_find(job, &place, name, err);

	if (ret < 0)
		return ret;
	if (*job->disk == '\0')
		return error_set(err, -ESTALE, "the disk of volume '%s' is gone", job->record.name);
	return helper_identify(job->disk, job->record.uuid, clock_within(job->deadline_ms, DISK_MS),
			       err);
}

/* Make the kernel forget the disk, so that it looks anew at what is there. */
static int disk_undo(struct job *job, struct error *err)
{
	int64_t deadline_ms = clock_within(job->deadline_ms, DELETE_MS);
	struct session_place place;
	char path[128];
	char name[64];
	int ret = disk_find(job, &place, name, err);

	if (ret < 0 || *name == '\0')
		return ret;
	(void)snprintf(path, sizeof(path), "/sys/block/%s/device/delete", name);
	ret = helper_sysfs_write(path, "1", deadline_ms, err);
	while (ret == 0 && access(path, F_OK) == 0) {
		if (clock_left_ms(deadline_ms) == 0)
			return error_set(err, -ETIMEDOUT, "disk '%s' does not go", name);
		(void)usleep(GONE_POLL_US);
	}
	return ret;
}

static int disk_apply(struct job *job, struct error *err)
{
	struct session_place place;
	char name[64];
	int ret = session_find(job->record.target_name, &place, err);

	if (ret == 0 && *place.folder == '\0')
		ret = error_set(err, -ENOTCONN, "the session of volume '%s' is gone",
				job->record.name);
	if (ret == 0)
		ret = session_scan(&place, clock_within(job->deadline_ms, DISK_MS), name, err);
	return ret < 0 ? ret : identify(job, err);
}

const struct step step_disk = {"disk", disk_check, disk_apply, disk_undo};

/* --- map --- */

struct map_words {
	char name[NAME_SIZE + sizeof(MAPPER_PREFIX)];
	char uuid[UUID_TEXT_SIZE + sizeof(MAPPER_PREFIX)];
};

static void map_name(const struct job *job, struct map_words *words)
{
	(void)snprintf(words->name, sizeof(words->name), MAPPER_PREFIX "%s", job->record.name);
	(void)snprintf(words->uuid, sizeof(words->uuid), MAPPER_PREFIX "%s", job->record.uuid);
}

static int map_find(struct job *job, struct map_words *words, struct mapper_state *state,
		    struct error *err)
{
	int ret;

	map_name(job, words);
	ret = helper_map_find(words->name, words->uuid, clock_within(job->deadline_ms, MAP_MS),
			      state, err);
	job->device[0] = '\0';
	if (ret == 0 && state->exists)
		(void)snprintf(job->device, sizeof(job->device), "/dev/mapper/%s", words->name);
	return ret;
}

static int map_check(struct job *job, struct error *err)
{
	struct mapper_state state;
	struct map_words words;
	struct stat st;
	int ret = map_find(job, &words, &state, err);

	if (ret < 0)
		return ret;
	/* A map over another disk than this session's is of a session that is gone. */
	if (!state.exists || stat(job->disk, &st) < 0 || st.st_rdev != state.disk)
		return STEP_DOWN;
	return STEP_UP;
}

static int map_undo(struct job *job, struct error *err)
{
	struct mapper_state state;
	struct map_words words;
	int ret = map_find(job, &words, &state, err);

	if (ret < 0 || !state.exists)
		return ret;
	/* The kernel's word that nobody holds on, in whatever mount namespace. */
	ret = helper_exclusive(job->device, clock_within(job->deadline_ms, MAP_MS), err);
	if (ret == -EBUSY)
		return ret;
	/* Any other failure is of a disk that is gone: its map must go nevertheless. */
	ret = helper_map_remove(words.name, words.uuid, clock_within(job->deadline_ms, MAP_MS),
				err);
	if (ret == 0)
		job->device[0] = '\0';
	return ret;
}

static int map_apply(struct job *job, struct error *err)
{
	struct mapper_state state;
	struct map_words words;
	const char *given[3] = {words.name, words.uuid, job->disk};
	int ret = map_undo(job, err); /* one over a disk that is gone */

	if (ret < 0)
		return ret;
	map_name(job, &words);
	ret = helper_map_set("map-create", given, clock_within(job->deadline_ms, MAP_MS), err);
	return ret < 0 ? ret : map_find(job, &words, &state, err);
}

const struct step step_map = {"map", map_check, map_apply, map_undo};

/* --- growing --- */

static int size_read(const char *name, uint64_t *out_bytes, struct error *err)
{
	CLEANUP_FREE char *text = NULL;
	char path[128];
	size_t len;
	int ret;

	(void)snprintf(path, sizeof(path), "/sys/block/%s/size", name);
	ret = file_read(path, 4096, &text, &len, err);
	if (ret == 0)
		*out_bytes = strtoull(text, NULL, 10) * 512;
	return ret;
}

static int disk_resize(struct job *job, struct error *err)
{
	const char *name = job->disk + strlen("/dev/");
	uint64_t bytes;
	char path[128];
	int ret;

	(void)snprintf(path, sizeof(path), "/sys/block/%s/device/rescan", name);
	ret = helper_sysfs_write(path, "1", clock_within(job->deadline_ms, DISK_MS), err);
	if (ret == 0)
		ret = size_read(name, &bytes, err);
	if (ret == 0 && bytes < job->record.size_bytes)
		ret = error_set(err, -EIO, "'%s' still has its old size", job->disk);
	return ret;
}

static int resize(struct job *job, struct error *err)
{
	struct map_words words;
	const char *given[3] = {words.name, words.uuid, job->disk};
	CLEANUP_FREE char *device = NULL;
	uint64_t bytes;
	int ret = disk_resize(job, err);

	map_name(job, &words);
	if (ret == 0)
		ret = helper_map_set("map-resize", given, clock_within(job->deadline_ms, MAP_MS),
				     err);
	if (ret < 0)
		return ret;
	device = realpath(job->device, NULL); /* /dev/dm-0 */
	if (!device)
		return error_set(err, -errno, "cannot resolve '%s': %s", job->device,
				 strerror(errno));
	ret = size_read(strrchr(device, '/') + 1, &bytes, err);
	if (ret == 0 && bytes < job->record.size_bytes)
		ret = error_set(err, -EIO, "'%s' still has its old size", job->device);
	return ret;
}

static const struct step *const steps[] = {&step_publish, &step_login,	&step_disk,
					   &step_map,	  &step_format, &step_mount};

const struct attachment attachment_kernel = {
	.name = "kernel",
	.steps = steps,
	.step_count = ARRAY_SIZE(steps),
	.is_offered = is_offered,
	.identify = identify,
	.resize = resize,
};
