/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate of a volume: what a snapshot waits for, and what waits for the snapshot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/store/store_fixture.h"

#define MANY 600 /* more than there are tasks */

struct op {
	struct block_io io;
	struct iovec iov;
	unsigned ended; /* its turn among all; 0: not yet */
	int result;
};

struct rig {
	struct fixture fixture;
	struct volume *volume;
	struct waiter waiter;
	unsigned frozen; /* its turn */
	struct op ops[MANY];
	uint8_t *memory;
};

static struct rig rig;
static unsigned turn;

static void on_frozen(struct waiter *waiter, int result)
{
	assert_int_equal(result, 0);
	rig.frozen = ++turn;
}

static void op_done(struct block_io *io, int result)
{
	struct op *op = container_of(io, struct op, io);

	op->ended = ++turn;
	op->result = result;
}

static void submit(struct op *op, enum block_kind kind, uint64_t offset)
{
	op->iov = (struct iovec){.iov_base = rig.memory, .iov_len = 4096};
	op->io = (struct block_io){
		.kind = kind,
		.offset = offset,
		.length = kind == BLOCK_FLUSH ? 0 : 4096,
		.iov = &op->iov,
		.iov_count = 1,
		.done = op_done,
	};
	op->ended = 0;
	block_submit(&rig.volume->block, &op->io);
}

static int start(void **state)
{
	memset(&rig, 0, sizeof(rig));
	turn = 0;
	fixture_start(&rig.fixture, 256 * MIB, 512);
	assert_int_equal(fixture_create(&rig.fixture, "v", 128 * MIB), 0);
	rig.volume = volume_find(rig.fixture.pool, "v");
	rig.waiter.run = on_frozen;
	rig.memory = aligned_alloc(4096, 4096);
	memset(rig.memory, 7, 4096);
	return 0;
}

static int stop(void **state)
{
	free(rig.memory);
	fixture_stop(&rig.fixture);
	return 0;
}

static void thaw(void)
{
	volume_thaw(rig.volume);
	runner_run(&rig.fixture.pool->runner);
	fixture_run(&rig.fixture);
}

static void freezing_a_quiet_volume_is_immediate(void **state)
{
	volume_freeze(rig.volume, &rig.waiter);
	runner_run(&rig.fixture.pool->runner);
	assert_int_equal(rig.frozen, 1);
	thaw();
}

static void freezing_waits_for_the_changes_that_are_in(void **state)
{
	static const enum block_kind kinds[] = {BLOCK_WRITE, BLOCK_UNMAP, BLOCK_WRITE_ZEROES};

	submit(&rig.ops[0], BLOCK_WRITE, 0);
	fixture_run(&rig.fixture);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		rig.ops[0].ended = rig.frozen = 0;
		submit(&rig.ops[1], BLOCK_WRITE, 0); /* what comes after it waits for it */
		submit(&rig.ops[0], kinds[i], 0);
		volume_freeze(rig.volume, &rig.waiter);
		runner_run(&rig.fixture.pool->runner);
		assert_int_equal(rig.frozen, 0);
		fixture_run(&rig.fixture);
		assert_true(rig.frozen > 0);
		assert_int_equal(rig.ops[0].result, 0);
		assert_true(rig.ops[0].ended > 0 && rig.ops[1].ended > 0);
		thaw();
	}
}

static void while_it_is_frozen_only_changes_wait(void **state)
{
	static const enum block_kind gated[] = {BLOCK_WRITE, BLOCK_UNMAP, BLOCK_WRITE_ZEROES};
	static const enum block_kind free_ones[] = {BLOCK_READ, BLOCK_MAP, BLOCK_FLUSH};

	volume_freeze(rig.volume, &rig.waiter);
	for (size_t i = 0; i < ARRAY_SIZE(gated); i++)
		submit(&rig.ops[i], gated[i], i * 4096);
	for (size_t i = 0; i < ARRAY_SIZE(free_ones); i++)
		submit(&rig.ops[10 + i], free_ones[i], i * 4096);
	fixture_run(&rig.fixture);
	for (size_t i = 0; i < ARRAY_SIZE(gated); i++)
		assert_int_equal(rig.ops[i].ended, 0);
	for (size_t i = 0; i < ARRAY_SIZE(free_ones); i++)
		assert_true(rig.ops[10 + i].ended > 0);
	thaw();
	for (size_t i = 0; i < ARRAY_SIZE(gated); i++)
		assert_true(rig.ops[i].ended > 0 && rig.ops[i].result == 0);
}

/* Those without a task when the gate shuts wait outside too, and are not forgotten. */
static void requests_beyond_the_tasks_pass_the_gate_as_well(void **state)
{
	uint32_t tasks = rig.fixture.pool->tasks.count;

	assert_true(tasks < MANY);
	for (uint32_t i = 0; i < MANY; i++)
		submit(&rig.ops[i], BLOCK_WRITE, (uint64_t)i * 4096);
	volume_freeze(rig.volume, &rig.waiter);
	fixture_run(&rig.fixture);
	assert_true(rig.frozen > 0);
	for (uint32_t i = 0; i < MANY; i++)
		assert_true((rig.ops[i].ended > 0) == (i < tasks));
	thaw();
	for (uint32_t i = 0; i < MANY; i++)
		assert_true(rig.ops[i].ended > 0 && rig.ops[i].result == 0);
}

/* What a write that is in has changed belongs to the layer that is about to be frozen. */
static void a_thawed_write_begins_on_the_new_head(void **state)
{
	struct layer *old = rig.volume->head;
	struct layer *next;

	submit(&rig.ops[0], BLOCK_WRITE, 0);
	volume_freeze(rig.volume, &rig.waiter);
	submit(&rig.ops[1], BLOCK_WRITE, 64 * KIB);
	fixture_run(&rig.fixture);
	assert_int_equal(old->mapped_extents, 1);
	assert_int_equal(layer_new(1000, old->tree.leaf_count, &next), 0);
	rig.volume->head = next;
	thaw();
	assert_int_equal(old->mapped_extents, 1);
	assert_int_equal(next->mapped_extents, 1);
	rig.volume->head = old;
	leaf_forget_layer(&rig.fixture.pool->cache, next);
	layer_free(next);
}

static void a_snapshot_can_only_be_read(void **state)
{
	struct block_limits limits;

	submit(&rig.ops[0], BLOCK_WRITE, 0);
	fixture_run(&rig.fixture);
	rig.volume->is_snapshot = true;
	block_describe(&rig.volume->block, &limits);
	assert_true(limits.is_read_only);
	submit(&rig.ops[1], BLOCK_WRITE, 0);
	submit(&rig.ops[2], BLOCK_UNMAP, 0);
	submit(&rig.ops[3], BLOCK_WRITE_ZEROES, 0);
	submit(&rig.ops[4], BLOCK_READ, 0);
	submit(&rig.ops[5], BLOCK_FLUSH, 0);
	fixture_run(&rig.fixture);
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(rig.ops[i].result, -EROFS);
	assert_int_equal(rig.ops[4].result, 0);
	assert_int_equal(rig.ops[5].result, 0);
	rig.volume->is_snapshot = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(freezing_a_quiet_volume_is_immediate, start, stop),
		cmocka_unit_test_setup_teardown(freezing_waits_for_the_changes_that_are_in, start,
						stop),
		cmocka_unit_test_setup_teardown(while_it_is_frozen_only_changes_wait, start, stop),
		cmocka_unit_test_setup_teardown(requests_beyond_the_tasks_pass_the_gate_as_well,
						start, stop),
		cmocka_unit_test_setup_teardown(a_thawed_write_begins_on_the_new_head, start, stop),
		cmocka_unit_test_setup_teardown(a_snapshot_can_only_be_read, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
