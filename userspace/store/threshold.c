/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/threshold.h"

#include "base/size.h"
#include "store/event.h"
#include "store/state.h"
#include "store/volume_state.h"

/* SBC-5, 4.7.3.7.2: half a threshold set at least, on either side. */
static uint64_t slack_of(uint64_t threshold)
{
	return MAX(threshold / 16, BLOCK_THRESHOLD_UNIT_BYTES / 2);
}

/* True if it has been crossed upwards just now. */
static bool has_risen(bool *is_crossed, uint64_t value, uint64_t threshold)
{
	bool was_crossed = *is_crossed;

	if (threshold == 0 || value + slack_of(threshold) <= threshold)
		*is_crossed = false;
	else if (value >= threshold)
		*is_crossed = true;
	return *is_crossed && !was_crossed;
}

static bool has_fallen(bool *is_crossed, uint64_t value, uint64_t threshold)
{
	bool was_crossed = *is_crossed;

	if (threshold == 0 || value >= threshold + slack_of(threshold))
		*is_crossed = false;
	else if (value <= threshold)
		*is_crossed = true;
	return *is_crossed && !was_crossed;
}

static bool is_watched(const struct volume *volume)
{
	return volume->is_visible && !volume->is_deleted && !volume->is_snapshot;
}

static void look_at_volume(struct volume *volume, bool is_told)
{
	const struct block_thresholds *thresholds = &volume->thresholds;
	uint64_t used = volume->charged_extents * STORE_EXTENT_BYTES;
	bool is_used = has_risen(&volume->is_used_crossed, used, thresholds->used_bytes);
	bool is_available = thresholds->available_bytes != 0 &&
			    has_fallen(&volume->is_available_crossed, quota_available_bytes(volume),
				       thresholds->available_bytes);

	if (!is_told || !(is_used || is_available))
		return;
	event_tell(volume->pool, STORE_VOLUME_THRESHOLD, volume->name, used);
	if (is_used)
		block_tell(&volume->block, BLOCK_USED_THRESHOLD);
	if (is_available)
		block_tell(&volume->block, BLOCK_AVAILABLE_THRESHOLD);
}

static void look_at_pool(struct pool *pool, bool is_told)
{
	uint64_t data = geometry_data_count(&pool->geometry);
	uint64_t used = (data - pool->space.free_count) * STORE_EXTENT_BYTES;
	uint64_t threshold = data * pool->policy.threshold_used_percent / 100 * STORE_EXTENT_BYTES;

	if (!has_risen(&pool->threshold.is_crossed, used, threshold) || !is_told)
		return;
	event_tell(pool, STORE_POOL_THRESHOLD, NULL, used);
	list_for_each (&pool->catalogue.volumes, volume, struct volume, link) {
		if (is_watched(volume))
			block_tell(&volume->block, BLOCK_SHARED_THRESHOLD);
	}
}

static void look(struct pool *pool, bool is_told)
{
	bool is_full = quota_is_full(pool);

	look_at_pool(pool, is_told);
	pool->threshold.watched = 0;
	list_for_each (&pool->catalogue.volumes, volume, struct volume, link) {
		if (!is_watched(volume))
			continue;
		look_at_volume(volume, is_told);
		pool->threshold.watched += volume->thresholds.used_bytes != 0 ||
					   volume->thresholds.available_bytes != 0;
	}
	if (is_full == pool->threshold.has_told_full)
		return;
	pool->threshold.has_told_full = is_full;
	event_tell(pool, is_full ? STORE_POOL_FULL : STORE_POOL_HAS_ROOM, NULL,
		   pool->space.free_count * STORE_EXTENT_BYTES);
}

static void threshold_run(struct block_io *io, int result)
{
	struct pool *pool = container_of(io, struct pool, threshold.turn);

	(void)result; /* nothing was asked for */
	pool->threshold.is_deferred = false;
	look(pool, true);
	pool_close_kick(pool);
}

void threshold_start(struct pool *pool)
{
	look(pool, false);
	pool->threshold.is_started = true;
}

void threshold_want(struct pool *pool)
{
	struct threshold *threshold = &pool->threshold;
	bool has_work = threshold->watched > 0 || pool->policy.threshold_used_percent != 0 ||
			pool->quota.is_full || threshold->has_told_full;

	if (threshold->is_deferred || !threshold->is_started || !has_work)
		return;
	threshold->is_deferred = true;
	threshold->turn.done = threshold_run;
	block_queue_complete(pool->disk->queue, &threshold->turn, 0);
}

void threshold_set(struct volume *volume, const struct block_thresholds *thresholds)
{
	if (volume->thresholds.used_bytes != thresholds->used_bytes)
		volume->is_used_crossed = false;
	if (volume->thresholds.available_bytes != thresholds->available_bytes)
		volume->is_available_crossed = false;
	volume->thresholds = *thresholds;
	volume->pool->threshold.watched++;
	threshold_want(volume->pool);
}
