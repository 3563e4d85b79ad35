/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an administrator, or an initiator, sets: reservation, limit and thresholds of a volume, the
 * policy of a pool. Those of a volume are in its record, the policy is in the superblock, so a
 * checkpoint makes it durable.
 */
#include "store/limits.h"

#include <errno.h>
#include <stdlib.h>

#include "store/state.h"
#include "store/volume_operation.h"

/* --- of a volume --- */

static int limits_check(const struct operation *operation, const struct volume *volume)
{
	const struct volume_limits *limits = &operation->limits;
	struct error *err = &operation->request->error;

	if (limits->threshold_used_bytes % BLOCK_THRESHOLD_UNIT_BYTES != 0 ||
	    limits->threshold_available_bytes % BLOCK_THRESHOLD_UNIT_BYTES != 0)
		return error_set(err, -EINVAL, "volume '%s': thresholds are whole MiB",
				 volume->name);
	return quota_check_limits(operation->pool, volume, volume->name, limits->reservation_bytes,
				  limits->limit_bytes, err);
}

static void limits_apply(struct volume *volume, const struct volume_limits *limits)
{
	struct block_thresholds thresholds = {
		.used_bytes = limits->threshold_used_bytes,
		.available_bytes = limits->threshold_available_bytes,
		.tells_one = volume->thresholds.tells_one,
	};
	bool has_changed = thresholds.used_bytes != volume->thresholds.used_bytes ||
			   thresholds.available_bytes != volume->thresholds.available_bytes;

	volume->reservation_bytes = limits->reservation_bytes;
	volume->limit_bytes = limits->limit_bytes;
	volume->threshold_used_bytes = limits->threshold_used_bytes;
	volume->threshold_available_bytes = limits->threshold_available_bytes;
	volume->is_full = false;
	volume->pool->quota.is_full = false;
	quota_recount(volume->pool);
	threshold_set(volume, &thresholds);
	if (has_changed)
		block_tell(&volume->block, BLOCK_THRESHOLDS_CHANGED);
}

static void limits_start(struct operation *operation)
{
	struct volume *volume = operation_find_volume(operation, operation->spec.name);
	int ret = volume ? limits_check(operation, volume) : operation->request->error.code;

	if (ret != 0 || !volume) {
		operation_end(operation, ret);
		return;
	}
	limits_apply(volume, &operation->limits);
	commit_add_record(operation->pool, volume->id);
	operation_commit(operation, operation_committed);
}

void volume_set_limits(struct pool *pool, const char *name, const struct volume_limits *limits,
		       struct store_request *request)
{
	struct operation *operation = operation_new_named(pool, name, request, limits_start);

	if (operation)
		operation->limits = *limits;
}

/* --- of a pool --- */

static void policy_set(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);

	threshold_want(operation->pool);
	operation_committed(waiter, result);
}

static void policy_start(struct operation *operation)
{
	struct pool *pool = operation->pool;
	int ret = operation_check_writable(operation);

	if (ret == 0 && operation->policy.threshold_used_percent > 100)
		ret = error_set(&operation->request->error, -EINVAL,
				"pool '%s': a threshold is 1 to 100 percent, 0 for none, not %u",
				pool->name, operation->policy.threshold_used_percent);
	if (ret != 0) {
		operation_end(operation, ret);
		return;
	}
	if (pool->policy.threshold_used_percent != operation->policy.threshold_used_percent)
		pool->threshold.is_crossed = false;
	pool->policy = operation->policy;
	operation->waiter.run = policy_set;
	checkpoint_join(pool, &operation->waiter);
	runner_run(&pool->runner);
}

void pool_set_policy(struct pool *pool, const struct pool_policy *policy,
		     struct store_request *request)
{
	struct operation *operation = operation_new(pool, request, policy_start);

	if (operation)
		operation->policy = *policy;
}

/* --- through the block --- */

static void space_describe(struct block *block, struct block_space *out_space)
{
	const struct volume *volume = container_of(block, struct volume, block);
	const struct pool *pool = volume->pool;
	uint64_t data = geometry_data_count(&pool->geometry);
	uint32_t percent = pool->policy.threshold_used_percent;

	*out_space = (struct block_space){
		.used_bytes = volume->charged_extents * STORE_EXTENT_BYTES,
		.available_bytes = quota_available_bytes(volume),
		.current = volume->thresholds,
		.saved = {.used_bytes = volume->threshold_used_bytes,
			  .available_bytes = volume->threshold_available_bytes,
			  .tells_one = volume->threshold_tells_one},
	};
	if (percent != 0)
		out_space->shared_threshold_bytes =
			(data - data * percent / 100) * STORE_EXTENT_BYTES;
}

static void space_set_thresholds(struct block *block, const struct block_thresholds *thresholds)
{
	threshold_set(container_of(block, struct volume, block), thresholds);
}

const struct block_space_ops limits_space_ops = {
	.describe = space_describe,
	.set_thresholds = space_set_thresholds,
};

struct saving {
	struct store_request request;
	struct volume *volume;
	struct block_io *io;
};

static void save_done(struct store_request *request, int result)
{
	struct saving *saving = container_of(request, struct saving, request);
	struct volume *volume = saving->volume;
	struct block_io *io = saving->io;

	free(saving);
	volume->in_flight--;
	io->done(io, result);
	volume_close_kick(volume);
}

static void save_start(struct operation *operation)
{
	struct saving *saving = container_of(operation->request, struct saving, request);
	struct volume *volume = saving->volume;
	int ret = operation_check_writable(operation);

	if (ret != 0) {
		operation_end(operation, ret);
		return;
	}
	volume->threshold_used_bytes = volume->thresholds.used_bytes;
	volume->threshold_available_bytes = volume->thresholds.available_bytes;
	volume->threshold_tells_one = volume->thresholds.tells_one;
	commit_add_record(operation->pool, volume->id);
	operation_commit(operation, operation_committed);
}

void limits_save(struct volume *volume, struct block_io *io)
{
	struct saving *saving = calloc(1, sizeof(*saving));

	if (!saving) {
		block_queue_complete(volume->pool->disk->queue, io, -ENOMEM);
		return;
	}
	saving->request.done = save_done;
	saving->volume = volume;
	saving->io = io;
	volume->in_flight++; /* it is not closed under us */
	(void)operation_new(volume->pool, &saving->request, save_start); /* the request hears */
}
