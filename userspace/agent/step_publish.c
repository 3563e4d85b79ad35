/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish: the node lets this host in, with CHAP secrets for this attachment alone. The secrets
 * are in no record: Publish tells them again, and whoever runs already needs them no more.
 * So the step counts as up when the one above it is: then the node need not be asked, and a
 * host whose node is down keeps what it has.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/step.h"
#include "base/log.h"

#define PUBLISH_MS   20000
#define UNPUBLISH_MS 15000
#define KEEPER_MS    3000 /* nobody waits, and a node that is away may not hold up the others */

static int publish_check(struct job *job, struct error *err)
{
	const struct attachment *attachment = attachment_find(job->record.attachment);

	if (!job->record.is_published)
		return STEP_DOWN;
	return job->publication ? STEP_UP : attachment->steps[1]->check(job, err);
}

static int text_take(char *out_text, size_t size, const char *text, const char *what,
		     struct error *err)
{
	if (*text == '\0' || strlen(text) >= size)
		return error_set(err, -EPROTO, "the node's answer has no usable %s", what);
	(void)snprintf(out_text, size, "%s", text);
	return 0;
}

static int publication_take(struct job *job, const Berth__V1__Publication *publication,
			    struct error *err)
{
	struct record *record = &job->record;

	if (strcmp(publication->volume_uuid, record->uuid) != 0)
		return error_set(
			err, -ESTALE,
			"the node has another volume named '%s' now (%s, this host's record "
			"is of %s); remove it here and create it again",
			record->name, publication->volume_uuid, record->uuid);
	if (publication->n_portals == 0)
		return error_set(err, -EPROTO, "the node listens on no portal");
	if (text_take(record->target_name, sizeof(record->target_name), publication->target_name,
		      "target name", err) < 0 ||
	    text_take(record->portal, sizeof(record->portal), publication->portals[0], "portal",
		      err) < 0)
		return -EPROTO;
	return 0;
}

static int publish_apply(struct job *job, struct error *err)
{
	Berth__V1__Publication *publication;
	int ret;

	job->record.is_published = true; /* before it is, so that a crash leaves no leak */
	ret = job_save(job, err);
	if (ret < 0)
		return ret;
	ret = nodes_publish(job->record.node, job->record.name, job->record.initiator,
			    clock_within(job->deadline_ms, PUBLISH_MS), &publication, err);
	if (ret == -ENOENT)
		return error_set(err, ret,
				 "volume '%s' is no longer on node '%s'; remove it here "
				 "too",
				 job->record.name, job->record.node);
	if (ret < 0)
		return error_prefix(err, "node '%s' does not publish volume '%s'", job->record.node,
				    job->record.name);
	if (job->publication)
		protobuf_c_message_free_unpacked(&job->publication->base, NULL);
	job->publication = publication;
	ret = publication_take(job, publication, err);
	if (ret == 0)
		ret = job_save(job, err);
	return ret;
}

static int publish_undo(struct job *job, struct error *err)
{
	int ret;

	if (!job->record.is_published)
		return 0;
	ret = nodes_unpublish(job->record.node, job->record.name, job->record.initiator,
			      clock_within(job->deadline_ms, job->call ? UNPUBLISH_MS : KEEPER_MS),
			      err);
	if (ret < 0)
		return error_prefix(err, "node '%s' does not withdraw volume '%s' yet",
				    job->record.node, job->record.name);
	if (job->publication)
		protobuf_c_message_free_unpacked(&job->publication->base, NULL);
	job->publication = NULL;
	job->record.is_published = false;
	return job_save(job, err);
}

const struct step step_publish = {"publish", publish_check, publish_apply, publish_undo};
