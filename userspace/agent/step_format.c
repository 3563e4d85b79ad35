/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format: the volume has its file system, made once in its life. Everything that decides is in
 * agent/format_rule.h; this file gathers the facts and keeps the order that is told there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/child.h"
#include "agent/clock.h"
#include "agent/filesystem.h"
#include "agent/format_rule.h"
#include "agent/helper.h"
#include "agent/step.h"
#include "base/cleanup.h"
#include "base/log.h"

#define PROBE_MS 30000
#define NODE_MS	 15000

static int format_check(struct job *job, struct error *err)
{
	return job->record.format == RECORD_FORMAT_DONE ? STEP_UP : STEP_DOWN;
}

static int facts_gather(struct job *job, struct probe *probe, struct format_facts *facts,
			struct error *err)
{
	Berth__V1__Volume *volume = NULL;
	int ret = job_need_publication(job, err);

	if (ret == 0)
		ret = job_identify(job, err);
	if (ret < 0)
		return ret;
	facts->is_identity_sure = true;
	ret = nodes_get_volume(job->record.node, job->record.name,
			       clock_within(job->deadline_ms, NODE_MS), &volume, err);
	if (ret < 0)
		return ret;
	facts->is_formatted_on_node = volume->formatted;
	protobuf_c_message_free_unpacked(&volume->base, NULL);
	ret = helper_probe(job->device, clock_within(job->deadline_ms, PROBE_MS), probe, err);
	if (ret < 0)
		return error_prefix(err, "what is on volume '%s' is not known, so it is left alone",
				    job->record.name);
	facts->is_read_whole = true;
	facts->is_blank = probe->is_blank;
	facts->found_type = probe->type;
	facts->found_uuid = probe->uuid;
	facts->wanted_type = job->record.filesystem;
	facts->chosen_uuid = job->record.fs_uuid;
	facts->format = job->record.format;
	facts->is_shared = job->publication->shared;
	facts->is_same_publication =
		job->record.format_publication == job->publication->published_at;
	return 0;
}

static int mark_done(struct job *job, struct error *err)
{
	int ret = nodes_mark_formatted(job->record.node, job->record.name,
				       clock_within(job->deadline_ms, NODE_MS), err);

	if (ret < 0)
		return error_prefix(err, "the node cannot note that volume '%s' is formatted",
				    job->record.name);
	job->record.format = RECORD_FORMAT_DONE;
	return job_save(job, err);
}

/*
 * mkfs failed half way, for want of space in the pool perhaps. The publication that lets in
 * nobody else still stands, so all that is on the volume is of mkfs: it is given back, and the
 * next try finds a blank volume.
 */
static void unmake(struct job *job)
{
	const char *const argv[] = {"blkdiscard", "--force", job->device, NULL};
	struct error err = {0};
	int ret = child_must(argv, clock_within(job->deadline_ms, PROBE_MS), &err);

	if (ret == 0) {
		job->record.format = RECORD_FORMAT_NONE;
		ret = job_save(job, &err);
	}
	if (ret < 0)
		log_warn("what a failed format wrote stays, remove the volume and make it again "
			 "volume=%s: %s",
			 job->record.name, err.text);
}

/* Is on it what mkfs was to make? A program's word that it did well is not enough. */
static int made_check(struct job *job, struct error *err)
{
	struct probe probe = {0};
	int ret = helper_probe(job->device, clock_within(job->deadline_ms, PROBE_MS), &probe, err);

	if (ret < 0)
		return ret;
	if (strcmp(probe.type, job->record.filesystem) != 0 ||
	    strcmp(probe.uuid, job->record.fs_uuid) != 0)
		return error_set(err, -EIO, "mkfs of %s left something else on volume '%s'",
				 job->record.filesystem, job->record.name);
	return 0;
}

/*
 * The open descriptor pins the device: without it a loop device could be taken away and given to
 * another file between the look at it and mkfs.
 */
static int mkfs(struct job *job, struct error *err)
{
	CLEANUP_CLOSE int pin = open(job->device, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct record *record = &job->record;
	int ret;

	if (pin < 0)
		return error_set(err, -errno, "cannot open '%s': %s", job->device, strerror(errno));
	ret = job_identify(job, err);
	if (ret == 0)
		ret = filesystem_make(record->filesystem, record->fs_uuid, record->mkfs_options,
				      job->device, job->deadline_ms, err);
	job_die_if_asked("mkfs");
	/* Flushed, and nobody else has it. */
	if (ret == 0)
		ret = helper_exclusive(job->device, clock_within(job->deadline_ms, PROBE_MS), err);
	return ret < 0 ? ret : made_check(job, err);
}

static int make(struct job *job, struct error *err)
{
	struct record *record = &job->record;
	struct uuid uuid;
	int ret;

	if (*record->filesystem == '\0')
		(void)snprintf(record->filesystem, sizeof(record->filesystem), "%s",
			       job->agent->settings.default_filesystem);
	uuid_generate(&uuid);
	uuid_format(&uuid, record->fs_uuid);
	record->format = RECORD_FORMAT_STARTED;
	record->format_publication = job->publication->published_at;
	record->is_root_ready = false;
	ret = job_save(job, err);
	if (ret < 0)
		return ret;
	log_info("formatting volume=%s filesystem=%s device=%s", record->name, record->filesystem,
		 job->device);
	ret = mkfs(job, err);
	if (ret < 0) {
		unmake(job);
		return ret;
	}
	record->format = RECORD_FORMAT_MADE;
	ret = job_save(job, err);
	return ret < 0 ? ret : mark_done(job, err);
}

/* A volume that has its file system from elsewhere: take over what it is. */
static int use(struct job *job, const struct probe *probe, struct error *err)
{
	if (settings_check_filesystem(probe->type, err) < 0)
		return error_prefix(err, "volume '%s' cannot be mounted", job->record.name);
	(void)snprintf(job->record.filesystem, sizeof(job->record.filesystem), "%.*s",
		       RECORD_FS_SIZE - 1, probe->type);
	/* Whoever made it saw to its root, unless it was us and we were interrupted. */
	if (strcmp(probe->uuid, job->record.fs_uuid) != 0)
		job->record.is_root_ready = true;
	job->record.format = RECORD_FORMAT_DONE;
	return job_save(job, err);
}

static int format_apply(struct job *job, struct error *err)
{
	struct format_facts facts = {0};
	struct probe probe = {0};
	const char *reason = NULL;
	int ret = facts_gather(job, &probe, &facts, err);

	if (ret < 0)
		return ret;
	switch (format_decide(&facts, &reason)) {
	case FORMAT_USE:
		return use(job, &probe, err);
	case FORMAT_MAKE:
		return make(job, err);
	case FORMAT_ADOPT:
		return mark_done(job, err);
	case FORMAT_REFUSE:
		break;
	}
	return error_set(err, -EROFS, "volume '%s' %s%s%s", job->record.name, reason,
			 *probe.type ? "; found: " : "", probe.type);
}

static int format_undo(struct job *job, struct error *err)
{
	return 0; /* a file system is never taken away */
}

const struct step step_format = {"format", format_check, format_apply, format_undo};
