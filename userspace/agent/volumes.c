/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/volumes.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/clock.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"

#define WAITERS_MAX    8 /* for one volume: a stuck one may not eat all threads */
#define RETRY_FIRST_MS INT64_C(500)
#define WAIT_SLICE_MS  250 /* how soon a waiter notices that nobody wants it any more */

struct volume {
	struct list_node node; /* in volumes->list, sorted by name */
	char name[NAME_SIZE];
	bool has_record;
	bool is_damaged;
	bool is_busy;
	unsigned waiters;
	int64_t busy_since_ms;
	int64_t retry_at_ms;
	int64_t retry_delay_ms;
	enum volume_state state;
	struct record record;
	char trouble[RECORD_TEXT_SIZE];
};

struct volumes {
	pthread_mutex_t lock; /* held for moments only, never over a system call that may block
				 longer than writing a small file */
	pthread_cond_t freed;
	struct list list;
	char *folder;
};

static const char *const state_names[] = {
	[VOLUME_DETACHED] = "detached",	  [VOLUME_ATTACHING] = "attaching",
	[VOLUME_ATTACHED] = "attached",	  [VOLUME_DETACHING] = "detaching",
	[VOLUME_LINGERING] = "lingering", [VOLUME_DAMAGED] = "damaged",
};

const char *volume_state_name(enum volume_state state)
{
	return state_names[state];
}

static struct volume *find(struct volumes *volumes, const char *name)
{
	list_for_each (&volumes->list, volume, struct volume, node) {
		if (strcmp(volume->name, name) == 0)
			return volume;
	}
	return NULL;
}

static struct volume *add(struct volumes *volumes, const char *name)
{
	struct volume *volume = calloc(1, sizeof(*volume));
	struct list_node *before = &volumes->list.head;

	if (!volume)
		return NULL;
	(void)snprintf(volume->name, sizeof(volume->name), "%s", name);
	list_for_each (&volumes->list, other, struct volume, node) {
		if (strcmp(other->name, name) > 0)
			break;
		before = &other->node;
	}
	list_insert_after(before, &volume->node);
	return volume;
}

static void drop(struct volume *volume)
{
	list_remove(&volume->node);
	record_fini(&volume->record);
	free(volume);
}

/* Take in the record of one file; a bad one is shown as a volume and never acted on. */
static int load_one(struct volumes *volumes, const char *name, struct error *err)
{
	struct volume *volume = add(volumes, name);
	struct error trouble = {0};

	if (!volume)
		return error_set(err, -ENOMEM, "out of memory");
	if (record_load(volumes->folder, name, &volume->record, &trouble) == 0) {
		volume->has_record = true;
		/* What is in place is looked up before anybody is served. */
		volume->state = *volume->record.attachment ? VOLUME_DETACHING : VOLUME_DETACHED;
		return 0;
	}
	volume->is_damaged = true;
	volume->state = VOLUME_DAMAGED;
	(void)snprintf(volume->trouble, sizeof(volume->trouble), "%s", trouble.text);
	log_error("a record cannot be used volume=%s: %s", name, trouble.text);
	return 0;
}

static int load_all(struct volumes *volumes, struct error *err)
{
	DIR *dir = opendir(volumes->folder);
	int ret = 0;

	if (!dir)
		return error_set(err, -errno, "cannot read '%s': %s", volumes->folder,
				 strerror(errno));
	for (struct dirent *entry; ret == 0 && (entry = readdir(dir));) {
		char name[sizeof(entry->d_name)];
		char *end;

		(void)snprintf(name, sizeof(name), "%s", entry->d_name);
		end = strrchr(name, '.');
		if (!end || strcmp(end, ".json") != 0)
			continue;
		*end = '\0';
		if (name_check("volume", name, NULL) == 0)
			ret = load_one(volumes, name, err);
	}
	(void)closedir(dir); /* only read from */
	return ret;
}

static int cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	int ret = pthread_condattr_init(&attributes);

	if (ret == 0)
		ret = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (ret == 0)
		ret = pthread_cond_init(cond, &attributes);
	return -ret;
}

int volumes_open(const char *folder, struct volumes **out_volumes, struct error *err)
{
	struct volumes *volumes = calloc(1, sizeof(*volumes));
	int ret = volumes ? 0 : -ENOMEM;

	if (volumes) {
		list_init(&volumes->list);
		volumes->folder = strdup(folder);
		(void)pthread_mutex_init(&volumes->lock, NULL); /* cannot fail on Linux */
		ret = volumes->folder ? cond_init(&volumes->freed) : -ENOMEM;
	}
	if (ret < 0)
		error_set(err, ret, "out of memory");
	if (ret == 0)
		ret = file_make_folder(folder, 0700, err);
	if (ret == 0)
		ret = load_all(volumes, err);
	if (ret < 0) {
		volumes_close(volumes);
		return ret;
	}
	*out_volumes = volumes;
	return 0;
}

void volumes_close(struct volumes *volumes)
{
	if (!volumes)
		return;
	list_for_each_safe (&volumes->list, volume, struct volume, node) {
		assert(!volume->is_busy);
		drop(volume);
	}
	free(volumes->folder);
	free(volumes);
}

/* Without a record nothing keeps a volume but those who own it or wait for it. */
static void drop_if_unused(struct volume *volume)
{
	if (!volume->has_record && !volume->is_damaged && !volume->is_busy && volume->waiters == 0)
		drop(volume);
}

static void wait_slice(struct volumes *volumes, int64_t deadline_ms)
{
	int64_t until = clock_within(deadline_ms, WAIT_SLICE_MS);
	struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};

	(void)pthread_cond_timedwait(&volumes->freed, &volumes->lock, &at);
}

/* Called with the lock held, by one of the volume's waiters. */
static int wait_until_free(struct volumes *volumes, struct volume *volume,
			   const struct patience *patience, struct error *err)
{
	while (volume->is_busy) {
		if (clock_left_ms(patience->deadline_ms) == 0)
			return error_set(err, -ETIMEDOUT,
					 "volume '%s' is busy %s for %lld s now; try again later",
					 volume->name, volume_state_name(volume->state),
					 (long long)(clock_ms() - volume->busy_since_ms) / 1000);
		if (patience->is_unwanted && patience->is_unwanted(patience->owner))
			return error_set(err, -ECANCELED, "nobody waits for the answer any more");
		wait_slice(volumes, patience->deadline_ms);
	}
	return 0;
}

int volumes_lock(struct volumes *volumes, const char *name, const struct patience *patience,
		 struct volume **out_volume, struct error *err)
{
	struct volume *volume;
	int ret;

	pthread_mutex_lock(&volumes->lock);
	volume = find(volumes, name);
	if (!volume)
		volume = add(volumes, name);
	if (!volume) {
		ret = error_set(err, -ENOMEM, "out of memory");
	} else if (volume->is_damaged) {
		ret = error_set(err, -ENODATA, "%s", volume->trouble);
	} else if (volume->waiters >= WAITERS_MAX) {
		ret = error_set(err, -EAGAIN, "volume '%s' is busy and %u others wait for it", name,
				volume->waiters);
	} else {
		volume->waiters++;
		ret = wait_until_free(volumes, volume, patience, err);
		volume->waiters--;
		if (ret == 0) {
			volume->is_busy = true;
			volume->busy_since_ms = clock_ms();
			*out_volume = volume;
		} else {
			drop_if_unused(volume);
		}
	}
	pthread_mutex_unlock(&volumes->lock);
	return ret;
}

struct volume *volumes_try_lock(struct volumes *volumes, const char *name)
{
	struct volume *volume;

	pthread_mutex_lock(&volumes->lock);
	volume = find(volumes, name);
	if (volume && (volume->is_busy || !volume->has_record))
		volume = NULL;
	if (volume) {
		volume->is_busy = true;
		volume->busy_since_ms = clock_ms();
	}
	pthread_mutex_unlock(&volumes->lock);
	return volume;
}

void volumes_unlock(struct volumes *volumes, struct volume *volume)
{
	pthread_mutex_lock(&volumes->lock);
	assert(volume->is_busy);
	volume->is_busy = false;
	drop_if_unused(volume);
	pthread_cond_broadcast(&volumes->freed);
	pthread_mutex_unlock(&volumes->lock);
}

const struct record *volume_record(const struct volume *volume)
{
	return volume->has_record ? &volume->record : NULL;
}

int volumes_save(struct volumes *volumes, struct volume *volume, const struct record *record,
		 struct error *err)
{
	struct record copy = {0};
	int ret = record_copy(&copy, record, err);

	assert(volume->is_busy && !volume->is_damaged);
	if (ret == 0)
		ret = record_save(volumes->folder, record, err);
	if (ret < 0) {
		record_fini(&copy);
		return ret;
	}
	pthread_mutex_lock(&volumes->lock);
	record_fini(&volume->record);
	volume->record = copy;
	volume->has_record = true;
	pthread_mutex_unlock(&volumes->lock);
	return 0;
}

int volumes_forget(struct volumes *volumes, struct volume *volume, struct error *err)
{
	int ret = record_remove(volumes->folder, volume->name, err);

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&volumes->lock);
	record_fini(&volume->record);
	volume->record = (struct record){0};
	volume->has_record = false;
	volume->state = VOLUME_DETACHED;
	pthread_mutex_unlock(&volumes->lock);
	return 0;
}

void volumes_set_state(struct volumes *volumes, struct volume *volume, enum volume_state state)
{
	pthread_mutex_lock(&volumes->lock);
	volume->state = state;
	if (state == VOLUME_ATTACHED || state == VOLUME_DETACHED)
		volume->retry_at_ms = volume->retry_delay_ms = 0;
	pthread_mutex_unlock(&volumes->lock);
}

void volumes_retry_later(struct volumes *volumes, struct volume *volume, int64_t limit_ms)
{
	pthread_mutex_lock(&volumes->lock);
	volume->retry_delay_ms = MIN(MAX(volume->retry_delay_ms * 2, RETRY_FIRST_MS), limit_ms);
	volume->retry_at_ms = clock_ms() + volume->retry_delay_ms;
	pthread_mutex_unlock(&volumes->lock);
}

enum volume_state volume_state_of(const struct volume *volume)
{
	return volume->state;
}

static int view_fill(const struct volume *volume, struct volume_view *out_view, struct error *err)
{
	*out_view =
		(struct volume_view){.state = volume->state, .retry_at_ms = volume->retry_at_ms};
	memcpy(out_view->trouble, volume->trouble, sizeof(out_view->trouble));
	if (!volume->is_damaged)
		return record_copy(&out_view->record, &volume->record, err);
	memcpy(out_view->record.name, volume->name, sizeof(volume->name));
	return 0;
}

int volumes_view(struct volumes *volumes, const char *name, struct volume_view *out_view,
		 struct error *err)
{
	struct volume *volume;
	int ret;

	pthread_mutex_lock(&volumes->lock);
	volume = find(volumes, name);
	if (volume && (volume->has_record || volume->is_damaged))
		ret = view_fill(volume, out_view, err);
	else
		ret = error_set(err, -ENOENT, "there is no volume '%s' on this host", name);
	pthread_mutex_unlock(&volumes->lock);
	return ret;
}

int volumes_view_all(struct volumes *volumes, struct volume_view **out_views, size_t *out_count,
		     struct error *err)
{
	struct volume_view *views;
	size_t count = 0;
	int ret = 0;

	pthread_mutex_lock(&volumes->lock);
	list_for_each (&volumes->list, volume, struct volume, node)
		count++;
	views = calloc(count + 1, sizeof(*views));
	count = 0;
	if (!views) {
		ret = -ENOMEM;
		error_set(err, ret, "out of memory");
	}
	list_for_each (&volumes->list, volume, struct volume, node) {
		if (ret < 0 || !views || (!volume->has_record && !volume->is_damaged))
			continue;
		ret = view_fill(volume, &views[count++], err);
	}
	pthread_mutex_unlock(&volumes->lock);
	if (ret < 0) {
		volumes_views_free(views, count);
		return ret;
	}
	*out_views = views;
	*out_count = count;
	return 0;
}

void volume_view_fini(struct volume_view *view)
{
	record_fini(&view->record);
}

void volumes_views_free(struct volume_view *views, size_t count)
{
	for (size_t i = 0; views && i < count; i++)
		volume_view_fini(&views[i]);
	free(views);
}
