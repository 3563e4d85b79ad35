/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking in a larger disk: claim the new zones' metadata, then a checkpoint whose superblock
 * has the new size, and only then hand out what is new: a record of the journal must never
 * point past the end that the superblock has.
 */
#include <errno.h>
#include <string.h>

#include "base/size.h"
#include "store/state.h"

static void grow_checkpointed(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);
	struct pool *pool = operation->pool;

	if (result == 0) {
		space_open(&pool->space);
		admission_retry(pool);
		background_kick(pool);
	} else {
		operation->request->error = pool->reason;
	}
	operation_end(operation, result);
}

static void grow_apply(struct operation *operation)
{
	struct pool *pool = operation->pool;
	struct geometry geometry = pool->geometry;
	int ret;

	geometry.extent_count = operation->spec.size_bytes / STORE_EXTENT_BYTES;
	ret = slot_map_grow(&pool->slots, &geometry);
	if (ret == 0)
		ret = space_grow(&pool->space, &geometry);
	if (ret == 0)
		ret = tree_grow(&pool->bitmaps, geometry_region_count(&geometry));
	if (ret != 0) {
		operation_end(operation, ret);
		return;
	}
	pool->geometry = geometry;
	operation->waiter.run = grow_checkpointed;
	checkpoint_join(pool, &operation->waiter);
	runner_run(&pool->runner);
}

static void grow_zone(struct operation *operation);

static void grow_zone_done(struct block_io *io, int result)
{
	struct operation *operation = container_of(io, struct operation, io);

	if (result == 0)
		grow_zone(operation);
	else
		operation_end(operation, error_set(&operation->request->error, result,
						   "pool '%s': the new part of the disk cannot be "
						   "written: %s",
						   operation->pool->name, strerror(-result)));
}

/* Claim the slots of the next zone that has new ones; `cursor` is an extent. */
static void grow_zone(struct operation *operation)
{
	uint64_t extents = operation->spec.size_bytes / STORE_EXTENT_BYTES;
	uint64_t zone = operation->cursor / ZONE_EXTENTS * ZONE_EXTENTS;
	uint64_t first = operation->cursor;
	uint64_t end = MIN(zone + ZONE_SLOT_EXTENTS, extents);

	if (first >= extents) {
		grow_apply(operation);
		return;
	}
	operation->cursor = zone + ZONE_EXTENTS;
	if (first >= end) {
		grow_zone(operation);
		return;
	}
	operation->io = (struct block_io){
		.kind = BLOCK_WRITE_ZEROES,
		.offset = first * STORE_EXTENT_BYTES,
		.length = (end - first) * STORE_EXTENT_BYTES,
		.done = grow_zone_done,
	};
	block_submit(operation->pool->disk, &operation->io);
}

static void grow_start(struct operation *operation)
{
	struct pool *pool = operation->pool;
	struct error *err = &operation->request->error;
	struct block_limits limits;
	char has[SIZE_TEXT_MAX];

	block_describe(pool->disk, &limits);
	limits.size_bytes = MIN(limits.size_bytes, POOL_EXTENTS_MAX * STORE_EXTENT_BYTES);
	operation->spec.size_bytes = limits.size_bytes;
	operation->cursor = pool->geometry.extent_count;
	if (!pool_is_writable(pool)) {
		*err = pool->reason;
		operation_end(operation, err->code = -EROFS);
	} else if (limits.size_bytes / STORE_EXTENT_BYTES < pool->geometry.extent_count) {
		operation_end(operation,
			      error_set(err, -EINVAL, "pool '%s': the disk has become smaller (%s)",
					pool->name, size_format(limits.size_bytes, has)));
	} else if (limits.size_bytes / STORE_EXTENT_BYTES == pool->geometry.extent_count) {
		operation_end(operation, 0);
	} else {
		grow_zone(operation);
	}
}

void pool_grow(struct pool *pool, struct store_request *request)
{
	(void)operation_new(pool, request, grow_start); /* the request hears of a failure */
}
