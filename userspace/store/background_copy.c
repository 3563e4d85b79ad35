/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies blocks from one extent to the same positions of another: one read that spans them all,
 * then a write for each run. Several extents at a time.
 */
#include "store/background_merge.h"
#include "store/state.h"

static void copy_done(struct block_io *io, int result);

static void copy_submit(struct merge_copy *copy, enum block_kind kind, uint32_t place,
			unsigned first, unsigned count)
{
	copy->iov = (struct iovec){
		.iov_base = copy->memory + (size_t)first * STORE_BLOCK_BYTES,
		.iov_len = (size_t)count * STORE_BLOCK_BYTES,
	};
	copy->io = (struct block_io){
		.kind = kind,
		.offset =
			(uint64_t)place * STORE_EXTENT_BYTES + (uint64_t)first * STORE_BLOCK_BYTES,
		.length = copy->iov.iov_len,
		.iov = &copy->iov,
		.iov_count = 1,
		.done = copy_done,
	};
	block_submit(copy->pool->disk, &copy->io);
}

/* The first run of blocks that are left. */
static void copy_write(struct merge_copy *copy)
{
	unsigned first = (unsigned)__builtin_ctz(copy->left);
	unsigned count = (unsigned)__builtin_ctz(~((unsigned)copy->left >> first));

	copy->left &= (uint16_t) ~(((1u << count) - 1) << first);
	copy_submit(copy, BLOCK_WRITE, copy->plan.to, first, count);
}

static void copy_done(struct block_io *io, int result)
{
	struct merge_copy *copy = container_of(io, struct merge_copy, io);
	struct pool *pool = copy->pool;
	struct merge *merge = &pool->background.merge;

	if (result == 0 && copy->left) {
		copy_write(copy);
		return;
	}
	if (result != 0)
		merge->result = result;
	pool->commit.writes_done++;
	if (--merge->copying == 0) {
		merge->copied(pool);
		runner_run(&pool->runner);
	}
}

void merge_copy_start(struct pool *pool, void (*done)(struct pool *pool))
{
	struct merge *merge = &pool->background.merge;

	merge->copied = done;
	merge->result = 0;
	merge->copying = merge->copy_count;
	for (unsigned i = 0; i < merge->copy_count; i++) {
		struct merge_copy *copy = &merge->copies[i];
		unsigned first = (unsigned)__builtin_ctz(copy->plan.copied);
		unsigned end = 32 - (unsigned)__builtin_clz(copy->plan.copied);

		copy->left = copy->plan.copied;
		copy_submit(copy, BLOCK_READ, copy->plan.from, first, end - first);
	}
}
