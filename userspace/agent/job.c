/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/step.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "base/log.h"

/* Undoing after a failure gets a little time even when the deadline is used up. */
#define ROLLBACK_MS 20000

static const struct attachment *const attachments[] = {&attachment_kernel, &attachment_user};

const struct attachment *attachment_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(attachments); i++) {
		if (strcmp(attachments[i]->name, name) == 0)
			return attachments[i];
	}
	return NULL;
}

static bool is_allowed(enum settings_attachment setting, const struct attachment *attachment)
{
	static const char *const names[] = {
		[SETTINGS_ATTACHMENT_USER] = "user", [SETTINGS_ATTACHMENT_KERNEL] = "kernel"};

	return setting == SETTINGS_ATTACHMENT_AUTO || strcmp(names[setting], attachment->name) == 0;
}

int attachment_choose(const struct settings *settings, const struct attachment **out_attachment,
		      struct error *err)
{
	char reasons[sizeof(err->text)] = "";
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attachments); i++) {
		struct error reason = {0};

		if (!is_allowed(settings->attachment, attachments[i]))
			continue;
		*out_attachment = attachments[i];
		if (attachments[i]->is_offered(settings, &reason) == 0)
			return 0;
		len += (size_t)snprintf(reasons + len, sizeof(reasons) - len, "%s%s",
					len > 0 ? "; " : "", reason.text);
		len = MIN(len, sizeof(reasons) - 1);
	}
	return error_set(err, -ENODEV, "%s", reasons);
}

void job_die_if_asked(const char *moment)
{
	const char *wanted = getenv("BERTH_AGENT_DIE_AFTER");

	if (wanted && strcmp(wanted, moment) == 0)
		(void)raise(SIGKILL); /* does not return */
}

int job_init(struct job *job, struct agent *agent, struct volume *volume, int64_t deadline_ms,
	     struct error *err)
{
	const struct record *record = volume_record(volume);
	const struct settings *settings = &agent->settings;

	*job = (struct job){.agent = agent, .volume = volume, .deadline_ms = deadline_ms};
	if (!record)
		return error_set(err, -ENOENT, "there is no record of this volume");
	(void)snprintf(job->folder, sizeof(job->folder), "%s/%s", settings->mounts, record->name);
	(void)snprintf(job->serve_folder, sizeof(job->serve_folder), "%s/attach/%s",
		       settings->state, record->name);
	return record_copy(&job->record, record, err);
}

void job_fini(struct job *job)
{
	if (job->publication)
		protobuf_c_message_free_unpacked(&job->publication->base, NULL);
	record_fini(&job->record);
}

int job_save(struct job *job, struct error *err)
{
	return volumes_save(job->agent->volumes, job->volume, &job->record, err);
}

void job_note_error(struct job *job, const struct error *trouble)
{
	const char *text = trouble ? trouble->text : "";
	struct error err = {0};

	if (strcmp(job->record.last_error, text) == 0)
		return;
	(void)snprintf(job->record.last_error, sizeof(job->record.last_error), "%s", text);
	if (job_save(job, &err) < 0)
		log_warn("cannot note an error volume=%s: %s", job->record.name, err.text);
}

int job_need_publication(struct job *job, struct error *err)
{
	return job->publication ? 0 : step_publish.apply(job, err);
}

int job_identify(struct job *job, struct error *err)
{
	return attachment_find(job->record.attachment)->identify(job, err);
}

static int steps_of(const struct job *job, const struct attachment **out_attachment,
		    struct error *err)
{
	*out_attachment = attachment_find(job->record.attachment);
	if (*out_attachment)
		return 0;
	error_set(err, -ENODATA,
		  "the record of volume '%s' names attachment '%s', which "
		  "this agent does not know",
		  job->record.name, job->record.attachment);
	return -ENODATA;
}

/* Say durably that something may be in place from now on. */
static int attachment_begin(struct job *job, struct error *err)
{
	const struct attachment *attachment = attachments[0];
	int ret = attachment_choose(&job->agent->settings, &attachment, err);

	if (ret < 0)
		return ret;
	(void)snprintf(job->record.attachment, sizeof(job->record.attachment), "%s",
		       attachment->name);
	(void)snprintf(job->record.initiator, sizeof(job->record.initiator), "%s",
		       job->agent->settings.initiator);
	return job_save(job, err);
}

static int undo_one(struct job *job, const struct step *step, struct error *err)
{
	char moment[64];
	int ret = step->undo(job, err);

	if (ret < 0)
		return ret;
	(void)snprintf(moment, sizeof(moment), "undo-%s", step->name);
	job_die_if_asked(moment);
	return 0;
}

/* Undo the steps [start, end) from the top. */
static int undo_range(struct job *job, const struct attachment *attachment, unsigned start,
		      unsigned end, struct error *err)
{
	for (unsigned i = end; i-- > start;) {
		int ret = undo_one(job, attachment->steps[i], err);

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* The first step that is not up; `end` if all are. Also fills in what the steps find. */
static int first_missing(struct job *job, const struct attachment *attachment, unsigned end,
			 unsigned *out_index, struct error *err)
{
	for (unsigned i = 0; i < end; i++) {
		int ret = attachment->steps[i]->check(job, err);

		if (ret < 0)
			return ret;
		if (ret == STEP_DOWN) {
			*out_index = i;
			return 0;
		}
	}
	*out_index = end;
	return 0;
}

static int apply_range(struct job *job, const struct attachment *attachment, unsigned start,
		       unsigned end, struct error *err)
{
	for (unsigned i = start; i < end; i++) {
		const struct step *step = attachment->steps[i];
		int ret;

		if (clock_left_ms(job->deadline_ms) == 0)
			return error_set(err, -ETIMEDOUT, "no time was left for step %s",
					 step->name);
		if (job->call && rpc_call_is_cancelled(job->call))
			return error_set(err, -ECANCELED, "nobody waits for the answer any more");
		ret = step->apply(job, err);
		if (ret < 0) {
			log_debug("a step failed volume=%s step=%s: %s", job->record.name,
				  step->name, err->text);
			return ret;
		}
		log_debug("step done volume=%s step=%s", job->record.name, step->name);
		job_die_if_asked(step->name);
	}
	return 0;
}

/* Walk down after a failure; the error that counts is the one that led here. */
static void roll_back(struct job *job)
{
	struct error err = {0};

	job->deadline_ms = MAX(job->deadline_ms, clock_ms() + ROLLBACK_MS);
	if (job_bring_down(job, &err) < 0)
		log_warn("cannot undo a failed attach yet volume=%s: %s", job->record.name,
			 err.text);
}

static int range_end(const struct attachment *attachment, const char *last_step)
{
	for (unsigned i = 0; last_step && i < attachment->step_count; i++) {
		if (strcmp(attachment->steps[i]->name, last_step) == 0)
			return (int)i + 1;
	}
	return (int)attachment->step_count;
}

static int walk_up(struct job *job, const char *last_step, struct error *err)
{
	const struct attachment *attachment;
	unsigned missing;
	unsigned end;
	int ret = steps_of(job, &attachment, err);

	if (ret < 0)
		return ret;
	end = (unsigned)range_end(attachment, last_step);
	ret = first_missing(job, attachment, end, &missing, err);
	if (ret < 0 || missing == end)
		return ret;
	/* What stands above a missing step belongs to an attachment that broke. */
	ret = undo_range(job, attachment, missing + 1, attachment->step_count, err);
	if (ret < 0) {
		return error_prefix(err,
				    "what is left of a broken attachment of volume '%s' "
				    "cannot be cleared away",
				    job->record.name);
	}
	return apply_range(job, attachment, missing, end, err);
}

int job_bring_up(struct job *job, const char *last_step, struct error *err)
{
	enum volume_state before = volume_state_of(job->volume);
	int ret = 0;

	volumes_set_state(job->agent->volumes, job->volume, VOLUME_ATTACHING);
	if (*job->record.attachment == '\0')
		ret = attachment_begin(job, err);
	if (ret < 0) {
		volumes_set_state(job->agent->volumes, job->volume, before);
		return ret;
	}
	ret = walk_up(job, last_step, err);
	if (ret == 0) {
		(void)snprintf(job->record.device, sizeof(job->record.device), "%s", job->device);
		ret = job_save(job, err);
	}
	if (ret == 0) {
		volumes_set_state(job->agent->volumes, job->volume,
				  last_step ? VOLUME_ATTACHING : VOLUME_ATTACHED);
		return 0;
	}
	if (job->record.holders.count == 0)
		roll_back(job);
	else
		volumes_set_state(job->agent->volumes, job->volume, before);
	return ret;
}

int job_bring_down(struct job *job, struct error *err)
{
	const struct attachment *attachment;
	bool keeps_publication;
	int ret;

	if (*job->record.attachment == '\0') {
		volumes_set_state(job->agent->volumes, job->volume, VOLUME_DETACHED);
		return 0;
	}
	volumes_set_state(job->agent->volumes, job->volume, VOLUME_DETACHING);
	ret = steps_of(job, &attachment, err);
	/* Step 0 is publish. */
	keeps_publication = job->record.format == RECORD_FORMAT_STARTED && !job->is_removing;
	if (ret == 0)
		ret = undo_range(job, attachment, keeps_publication ? 1 : 0, attachment->step_count,
				 err);
	if (ret == 0 && keeps_publication)
		ret = error_set(err, -EINPROGRESS,
				"the format of volume '%s' was interrupted and is repeated",
				job->record.name);
	if (ret == -EBUSY)
		volumes_set_state(job->agent->volumes, job->volume, VOLUME_LINGERING);
	if (ret < 0)
		return ret;
	job->record.attachment[0] = '\0';
	job->record.device[0] = '\0';
	ret = job_save(job, err);
	if (ret == 0)
		volumes_set_state(job->agent->volumes, job->volume, VOLUME_DETACHED);
	return ret;
}

int job_look(struct job *job, bool *out_is_up, struct error *err)
{
	const struct attachment *attachment;
	unsigned missing;
	int ret;

	*out_is_up = false;
	if (*job->record.attachment == '\0')
		return 0;
	ret = steps_of(job, &attachment, err);
	if (ret == 0)
		ret = first_missing(job, attachment, attachment->step_count, &missing, err);
	if (ret == 0)
		*out_is_up = missing == attachment->step_count;
	return ret;
}
