/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pool in memory: put together, described, degraded, checkpointed, closed. */
#include "store/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/size.h"
#include "store/accounting.h"
#include "store/state.h"
#include "store/task.h"
#include "store/volume_state.h"

#define CACHE_BYTES_DEFAULT (64 * MIB)
#define TASKS_MAX	    256u
#define BOUNCES_MAX	    8u
#define VIEWS_MIN	    16u

/* The tables whose size follows from the settings. */
static int pool_init_tables(struct pool *pool)
{
	uint64_t cache_bytes =
		pool->settings.cache_bytes ? pool->settings.cache_bytes : CACHE_BYTES_DEFAULT;
	uint64_t view_bytes = cache_bytes / 4;
	uint32_t frames =
		(uint32_t)MIN((cache_bytes - view_bytes) / FORMAT_BLOCK_BYTES, UINT64_C(1) << 24);
	uint32_t views = (uint32_t)MIN(view_bytes / VIEW_BYTES, UINT64_C(1) << 20);
	uint32_t tasks;
	uint32_t bounces;
	uint32_t freed = 1;

	frames = MAX(frames, LEAF_FRAMES_MIN);
	views = MAX(views, VIEWS_MIN);
	/* A task has at most two leaves of its layer and two of the parent, and two views. */
	tasks = MIN(frames / 8, views / TASK_LEAVES);
	tasks = MIN(tasks, TASKS_MAX);
	bounces = MIN(BOUNCES_MAX, tasks / 8);
	while (freed < 2 * journal_word_limit(&pool->journal))
		freed *= 2;
	pool->cache.disk = pool->disk;
	pool->cache.pool = pool->uuid;
	pool->cache.runner = &pool->runner;
	pool->cache.space = &pool->space;
	pool->cache.slots = &pool->slots;
	if (leaf_cache_init(&pool->cache, frames) != 0 ||
	    view_cache_init(&pool->views, pool, views) != 0 || pace_init(&pool->pace) != 0 ||
	    space_init(&pool->space, &pool->geometry, freed) != 0 ||
	    slot_map_init(&pool->slots, &pool->geometry, &pool->space) != 0 ||
	    hold_table_init(&pool->holds, tasks * TASK_EXTENTS + MERGE_HOLDS) != 0 ||
	    slots_init(&pool->tasks, tasks, sizeof(struct task)) != 0 ||
	    slots_init(&pool->bounces, bounces, sizeof(struct task_bounce)) != 0)
		return -ENOMEM;
	pool->bounce_memory =
		aligned_alloc(FORMAT_BLOCK_BYTES, (size_t)bounces * TASK_BOUNCE_BYTES);
	return pool->bounce_memory ? 0 : -ENOMEM;
}

static void pool_init_parts(struct pool *pool)
{
	runner_init(&pool->runner);
	admission_init(&pool->admission);
	commit_init(&pool->commit);
	checkpoint_init(&pool->checkpoint);
	operation_queue_init(&pool->operations);
	event_queue_init(&pool->events);
	list_init(&pool->waiting_ios);
	list_init(&pool->waiting_bounces);
}

int pool_new(struct block *disk, const struct pool_settings *settings,
	     const struct format_super *super, struct pool **out_pool)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->disk = disk;
	pool->settings = *settings;
	block_describe(disk, &pool->disk_limits);
	memcpy(pool->uuid.bytes, super->header.pool, sizeof(pool->uuid.bytes));
	memcpy(pool->name, super->name, NAME_SIZE - 1);
	pool->geometry.extent_count = get_le64(&super->extent_count);
	pool->geometry.journal_extents = get_le64(&super->journal_extents);
	pool->policy.threshold_used_percent = get_le32(&super->threshold_used_percent);
	pool->policy.overcommit_percent = get_le32(&super->overcommit_percent);
	pool_init_parts(pool);
	pool->checkpoint.generation = get_le64(&super->header.generation);
	if (journal_init(&pool->journal, &pool->uuid, pool->geometry.journal_extents) != 0 ||
	    pool_init_tables(pool) != 0 ||
	    tree_init(&pool->bitmaps, FORMAT_OWNER_BITMAPS,
		      geometry_region_count(&pool->geometry)) != 0 ||
	    catalogue_init(&pool->catalogue, get_le64(&super->catalogue_pages)) != 0) {
		pool_free(pool);
		return -ENOMEM;
	}
	punch_init(pool);
	pool->journal.epoch = get_le64(&super->journal_epoch);
	pool->journal.boot = get_le64(settings->boot_id.bytes);
	pool->journal.first = get_le64(&super->journal_first);
	pool->journal.next = pool->journal.first;
	*out_pool = pool;
	return 0;
}

void pool_free(struct pool *pool)
{
	checkpoint_fini(&pool->checkpoint);
	free(pool->background.merge.memory);
	event_queue_fini(&pool->events);
	if (pool->catalogue.count > 0)
		catalogue_fini(&pool->catalogue);
	if (pool->bitmaps.height > 0)
		tree_fini(&pool->bitmaps);
	slots_fini(&pool->bounces);
	slots_fini(&pool->tasks);
	hold_table_fini(&pool->holds);
	free(pool->bounce_memory);
	slot_map_fini(&pool->slots);
	space_fini(&pool->space);
	view_cache_fini(&pool->views);
	pace_fini(&pool->pace);
	leaf_cache_fini(&pool->cache);
	journal_fini(&pool->journal);
	free(pool);
}

static void pool_explain(struct pool *pool, const char *what, int code)
{
	uint64_t needs = pool->geometry.extent_count * STORE_EXTENT_BYTES;
	const char *outlook = "reads go on, restart the node once the disk is sound again";
	char needs_text[SIZE_TEXT_MAX], has_text[SIZE_TEXT_MAX], cut[128] = "";
	struct block_limits limits;

	if (pool->state == POOL_FAILED)
		outlook =
			"the disk may have lost what was written last, so nothing is read from it "
			"either; restart the node once the disk is sound again: all that was "
			"flushed will be there";
	block_describe(pool->disk, &limits);
	if (limits.size_bytes < needs)
		(void)snprintf(cut, sizeof(cut),
			       " (the disk has become smaller: %s of %s are left)",
			       size_format(limits.size_bytes, has_text),
			       size_format(needs, needs_text)); /* it fits */
	(void)error_set(&pool->reason, code, "pool '%s' %s: %s: %s%s; %s", pool->name,
			pool->state == POOL_FAILED ? "has failed" : "is read-only", what,
			strerror(-code), cut, outlook); /* returns the code */
}

void pool_degrade(struct pool *pool, enum pool_state state, const char *what, int code)
{
	if (state <= pool->state)
		return;
	pool->state = state;
	pool_explain(pool, what, code);
	event_tell(pool, STORE_POOL_DEGRADED, NULL, 0);
	log_debug("pool degraded pool=%s reason=\"%s\"", pool->name, pool->reason.text);
	waiter_wake_all(&pool->runner, &pool->commit.next, -EIO);
	waiter_wake_all(&pool->runner, &pool->commit.kept_next, -EIO);
	waiter_wake_all(&pool->runner, &pool->checkpoint.next, -EIO);
	admission_retry(pool);
	pace_release(pool);
}

void pool_describe(const struct pool *pool, struct pool_facts *out_facts)
{
	const struct space *space = &pool->space;
	uint64_t data_count = geometry_data_count(&pool->geometry) - pool->slots.extent_count;

	*out_facts = (struct pool_facts){
		.uuid = pool->uuid,
		.state = pool->state,
		.reason = pool->reason,
		.size_bytes = pool->geometry.extent_count * STORE_EXTENT_BYTES,
		.data_bytes = data_count * STORE_EXTENT_BYTES,
		.used_bytes = (data_count - space->free_count) * STORE_EXTENT_BYTES,
		.free_bytes = space->free_count * STORE_EXTENT_BYTES,
		.unpunched_bytes = space->unpunched_count * STORE_EXTENT_BYTES,
		.reserved_bytes = pool->quota.reserved_extents * STORE_EXTENT_BYTES,
		.is_full = quota_is_full(pool),
		.threshold_used_percent = pool->policy.threshold_used_percent,
		.overcommit_percent = pool->policy.overcommit_percent,
		.cannot_punch = pool->punch.is_refused,
	};
	memcpy(out_facts->name, pool->name, sizeof(out_facts->name));
	out_facts->reclaiming_bytes = accounting_reclaiming_extents(pool) * STORE_EXTENT_BYTES;
	out_facts->metadata_bytes = out_facts->size_bytes - out_facts->data_bytes;
	list_for_each (&pool->catalogue.volumes, volume, struct volume, link) {
		if (!volume->is_visible || volume->is_deleted)
			continue;
		if (volume->is_snapshot) {
			out_facts->snapshot_count++;
			continue;
		}
		out_facts->promised_bytes += volume->size_bytes;
		out_facts->volume_count++;
	}
}

static void checkpoint_request_done(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);

	if (result != 0)
		operation->request->error = operation->pool->reason;
	operation_end(operation, result);
}

static void checkpoint_start(struct operation *operation)
{
	operation->waiter.run = checkpoint_request_done;
	checkpoint_join(operation->pool, &operation->waiter);
	runner_run(&operation->pool->runner);
}

void pool_checkpoint(struct pool *pool, struct store_request *request)
{
	(void)operation_new(pool, request, checkpoint_start); /* the request hears of a failure */
}
