/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A volume as struct block: requests are checked here and become tasks. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "block/request.h"
#include "store/limits.h"
#include "store/state.h"
#include "store/task.h"
#include "store/volume_state.h"

struct closer {
	struct list_node link;
	void (*closed)(void *owner);
	void *owner;
};

static void volume_block_describe(struct block *block, struct block_limits *out_limits)
{
	const struct volume *volume = container_of(block, struct volume, block);

	*out_limits = (struct block_limits){
		.size_bytes = volume->size_bytes,
		.logical_block_bytes = volume->logical_block_bytes,
		.physical_block_bytes = STORE_BLOCK_BYTES,
		.memory_align_bytes = volume->pool->disk_limits.memory_align_bytes,
		.max_io_bytes = TASK_IO_BYTES_MAX,
		.max_unmap_bytes = TASK_UNMAP_MAX,
		.unmap_granule_bytes = STORE_BLOCK_BYTES,
		.is_thin = true,
		.is_read_only = volume->is_snapshot || !pool_is_writable(volume->pool),
		.has_write_cache = true,
		.has_thresholds = !volume->is_snapshot,
	};
}

/* A task for the request, or a place in a queue. */
static void volume_begin(struct volume *volume, struct block_io *io)
{
	struct pool *pool = volume->pool;

	if (volume->is_frozen && volume_io_changes(io)) {
		list_append(&volume->gated, &io->link);
	} else if (slots_used(&pool->tasks) == pool->tasks.count) {
		io->scratch[0] = (uintptr_t)volume;
		list_append(&pool->waiting_ios, &io->link);
	} else {
		task_begin(volume, io);
	}
}

/* Those that wait for a slot may find the gate shut by now. */
void volume_begin_waiting(struct pool *pool)
{
	struct list_node *node;

	while (slots_used(&pool->tasks) < pool->tasks.count &&
	       (node = list_take_first(&pool->waiting_ios))) {
		struct block_io *io = list_entry(node, struct block_io, link);

		volume_begin((struct volume *)(uintptr_t)io->scratch[0], io);
	}
}

void volume_freeze(struct volume *volume, struct waiter *waiter)
{
	assert(!volume->is_frozen);
	volume->is_frozen = true;
	if (volume->changing > 0)
		volume->freezer = waiter;
	else
		waiter_wake(&volume->pool->runner, waiter, 0);
}

void volume_thaw(struct volume *volume)
{
	struct list_node *node;

	assert(volume->is_frozen && !volume->freezer);
	volume->is_frozen = false;
	while ((node = list_take_first(&volume->gated)))
		volume_begin(volume, list_entry(node, struct block_io, link));
}

void volume_leave(struct volume *volume)
{
	assert(volume->changing > 0);
	if (--volume->changing > 0 || !volume->freezer)
		return;
	waiter_wake(&volume->pool->runner, volume->freezer, 0);
	volume->freezer = NULL;
}

static void volume_block_submit(struct block *block, struct block_io *io)
{
	struct volume *volume = container_of(block, struct volume, block);
	struct pool *pool = volume->pool;
	bool was_submitting = pool->is_submitting;
	struct block_limits limits;
	int ret;

	volume_block_describe(block, &limits);
	ret = block_io_check(io, &limits);
	if (ret == 0 && volume->is_snapshot && volume_io_changes(io))
		ret = -EROFS;
	if (ret != 0) {
		block_queue_complete(pool->disk->queue, io, ret);
		return;
	}
	if (io->kind == BLOCK_SAVE_THRESHOLDS) {
		limits_save(volume, io);
		return;
	}
	volume->in_flight++;
	volume_begin(volume, io);
	pool->is_submitting = true;
	runner_run(&pool->runner);
	pool->is_submitting = was_submitting;
}

void volume_close_kick(struct volume *volume)
{
	struct list_node *node;

	while (volume->in_flight == 0 && (node = list_take_first(&volume->closers))) {
		struct closer *closer = list_entry(node, struct closer, link);
		void (*closed)(void *owner) = closer->closed;
		void *owner = closer->owner;

		free(closer);
		volume->opens--;
		closed(owner);
	}
}

static void volume_block_close(struct block *block, void (*closed)(void *owner), void *owner)
{
	struct volume *volume = container_of(block, struct volume, block);
	struct closer *closer = calloc(1, sizeof(*closer));

	assert(volume->opens > 0 && closer); /* a few bytes, not on the data path */
	closer->closed = closed;
	closer->owner = owner;
	list_append(&volume->closers, &closer->link);
	volume_close_kick(volume);
}

static const struct block_ops volume_block_ops = {
	.submit = volume_block_submit,
	.describe = volume_block_describe,
	.close = volume_block_close,
};

struct volume *volume_new(struct pool *pool, uint32_t id)
{
	struct volume *volume = calloc(1, sizeof(*volume));

	if (!volume)
		return NULL;
	volume->block.ops = &volume_block_ops;
	volume->block.space = &limits_space_ops;
	volume->block.queue = pool->disk->queue;
	volume->pool = pool;
	volume->id = id;
	list_node_init(&volume->link);
	list_init(&volume->closers);
	list_init(&volume->gated);
	return volume;
}

struct block *volume_block(struct volume *volume)
{
	volume->opens++;
	return &volume->block;
}
