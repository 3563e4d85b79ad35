/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent/child.h"
#include "agent/clock.h"
#include "agent/service.h"
#include "base/log.h"

#define TICK_MS	       1000
#define RELEASE_MS     60000
#define RETRY_LIMIT_MS 15000

struct keeper {
	struct agent *agent;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_awake; /* something happened since the last round */
	bool is_stopping;
};

static void recover_one(struct job *job)
{
	struct error err = {0};
	bool is_up;

	/* Mounts do not survive a boot, nor do the containers that needed them. */
	if (strcmp(job->record.boot_id, job->agent->boot_id) != 0) {
		holders_clear(&job->record.holders);
		memcpy(job->record.boot_id, job->agent->boot_id, sizeof(job->record.boot_id));
		if (job_save(job, &err) < 0)
			log_warn("cannot update a record volume=%s: %s", job->record.name,
				 err.text);
	}
	if (*job->record.attachment == '\0')
		return;
	if (job_look(job, &is_up, &err) < 0) {
		log_warn("cannot tell what is in place volume=%s: %s", job->record.name, err.text);
		return;
	}
	volumes_set_state(job->agent->volumes, job->volume,
			  is_up ? VOLUME_ATTACHED : VOLUME_DETACHING);
	log_info("found volume=%s state=%s holders=%zu", job->record.name,
		 is_up ? "attached" : "incomplete", job->record.holders.count);
}

int keeper_recover(struct agent *agent, struct error *err)
{
	struct volume_view *views;
	size_t count;
	int ret = volumes_view_all(agent->volumes, &views, &count, err);

	for (size_t i = 0; ret == 0 && i < count; i++) {
		struct volume *volume = volumes_try_lock(agent->volumes, views[i].record.name);
		struct job job;

		if (!volume)
			continue; /* damaged */
		ret = job_init(&job, agent, volume, clock_ms() + RELEASE_MS, err);
		if (ret == 0)
			recover_one(&job);
		job_fini(&job);
		volumes_unlock(agent->volumes, volume);
	}
	if (ret == 0)
		volumes_views_free(views, count);
	return ret;
}

/* True if nobody needs the volume and something of it is still in place. */
static bool is_due(struct agent *agent, const struct volume_view *view, bool is_awake)
{
	if (*view->record.attachment == '\0' || view->state == VOLUME_DAMAGED)
		return false;
	if (!is_awake && clock_ms() < view->retry_at_ms)
		return false;
	return instances_count_valid(&agent->instances, &view->record.holders, clock_ms(),
				     service_grace_ms(agent)) == 0;
}

static void let_go(struct agent *agent, const char *name)
{
	struct volume *volume = volumes_try_lock(agent->volumes, name);
	struct error err = {0};
	struct job job;
	int ret;

	if (!volume)
		return; /* somebody works on it, and will see to it */
	ret = job_init(&job, agent, volume, clock_ms() + RELEASE_MS, &err);
	/* A format that was interrupted first comes to its end (format_rule.h). */
	if (ret == 0 && job.record.format == RECORD_FORMAT_STARTED)
		ret = job_bring_up(&job, "format", &err);
	if (ret == 0)
		ret = service_release(&job, service_grace_ms(agent), &err);
	if (ret == 0) {
		log_info("let go volume=%s", name);
		job_note_error(&job, NULL);
	} else {
		log_debug("cannot let go yet volume=%s: %s", name, err.text);
		job_note_error(&job, &err);
		volumes_retry_later(agent->volumes, volume, RETRY_LIMIT_MS);
	}
	job_fini(&job);
	volumes_unlock(agent->volumes, volume);
}

static void round_make(struct agent *agent, bool is_awake)
{
	struct volume_view *views;
	struct error err = {0};
	size_t count;

	child_collect();
	if (volumes_view_all(agent->volumes, &views, &count, &err) < 0) {
		log_warn("%s", err.text);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (is_due(agent, &views[i], is_awake))
			let_go(agent, views[i].record.name);
	}
	volumes_views_free(views, count);
}

static bool tick_wait(struct keeper *keeper, bool *out_is_awake)
{
	int64_t until = clock_ms() + TICK_MS;
	struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	bool is_stopping;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->is_stopping && !keeper->is_awake) {
		if (pthread_cond_timedwait(&keeper->wake, &keeper->lock, &at) == ETIMEDOUT)
			break;
	}
	*out_is_awake = keeper->is_awake;
	keeper->is_awake = false;
	is_stopping = keeper->is_stopping;
	pthread_mutex_unlock(&keeper->lock);
	return !is_stopping;
}

static void *keeper_run(void *argument)
{
	struct keeper *keeper = argument;
	bool is_awake = true;

	do {
		round_make(keeper->agent, is_awake);
	} while (tick_wait(keeper, &is_awake));
	return NULL;
}

int keeper_start(struct agent *agent, struct keeper **out_keeper, struct error *err)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	pthread_condattr_t attributes;
	int ret;

	if (!keeper)
		return error_set(err, -ENOMEM, "out of memory");
	keeper->agent = agent;
	/* None of these three can fail on Linux. */
	(void)pthread_mutex_init(&keeper->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&keeper->wake, &attributes);
	ret = -pthread_create(&keeper->thread, NULL, keeper_run, keeper);
	if (ret < 0) {
		free(keeper);
		return error_set(err, ret, "cannot start a thread: %s", strerror(-ret));
	}
	*out_keeper = keeper;
	return 0;
}

void keeper_wake(struct keeper *keeper)
{
	if (!keeper)
		return;
	pthread_mutex_lock(&keeper->lock);
	keeper->is_awake = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
}

void keeper_stop(struct keeper *keeper)
{
	if (!keeper)
		return;
	pthread_mutex_lock(&keeper->lock);
	keeper->is_stopping = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
	(void)pthread_join(keeper->thread, NULL);
	free(keeper);
}
