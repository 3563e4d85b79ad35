/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cache of 64 frames, a journal of 64 blocks, and a disk that hardly ever gets to writing a
 * checkpoint's pages: requests must wait rather than overrun anything, all must end, and what
 * is read must be what was written.
 */
#include <string.h>

#include "base/random.h"
#include "block/sim.h"
#include "store/check.h"
#include "tests/unit/store/store_fixture.h"

#define OPS    8
#define SPOTS  110
#define ROUNDS 4000

struct op {
	struct block_io io;
	struct iovec iov;
	uint32_t spot;
	bool is_busy;
	uint64_t data[512] __attribute__((aligned(4096)));
};

struct rig {
	struct block_queue queue;
	struct sim_disk *disk;
	struct pool *pool;
	struct random random;
	struct op ops[OPS];
	uint64_t spacing; /* of the spots that are used, in bytes */
	uint64_t content[SPOTS];
	uint64_t ended;
	int result;
};

static struct rig rig;

struct wait {
	struct store_request request;
	int result;
};

static void wait_done(struct store_request *request, int result)
{
	container_of(request, struct wait, request)->result = result;
}

static bool step(void)
{
	const struct journal *journal = rig.pool ? &rig.pool->journal : NULL;
	bool has_run = block_queue_run(&rig.queue) || sim_disk_step(rig.disk);

	if (journal && rig.pool)
		assert_true(journal->next - journal->first <= journal->block_count);
	return has_run;
}

static void drain(void)
{
	while (step())
		;
}

static void finish(struct wait *wait)
{
	drain();
	assert_int_equal(wait->result, 0);
	wait->result = 1;
}

static int start(void **state)
{
	const struct sim_slowness slow = {.writes_below = 4 * MIB};
	const struct pool_format format = {.name = "p", .journal_bytes = 256 * KIB};
	const struct pool_settings settings = {.cache_bytes = 1};
	const struct volume_spec spec = {.name = "v", .size_bytes = 4 * GIB};
	struct wait wait = {.request.done = wait_done, .result = 1};

	memset(&rig, 0, sizeof(rig));
	block_queue_init(&rig.queue, NULL, NULL);
	rig.disk = sim_disk_new(sim_image_new(64 * MIB), 512, &rig.queue, 3);
	pool_format(sim_disk_block(rig.disk), &format, &wait.request);
	finish(&wait);
	pool_open(sim_disk_block(rig.disk), &settings, &rig.pool, &wait.request);
	finish(&wait);
	volume_create(rig.pool, &spec, &wait.request);
	finish(&wait);
	sim_disk_slow_down(rig.disk, &slow);
	return 0;
}

static int stop(void **state)
{
	struct wait wait = {.request.done = wait_done, .result = 1};

	pool_close(rig.pool, &wait.request);
	rig.pool = NULL;
	finish(&wait);
	sim_disk_free(rig.disk);
	return 0;
}

static void op_done(struct block_io *io, int result)
{
	struct op *op = container_of(io, struct op, io);

	assert_int_equal(result, 0);
	op->is_busy = false;
	rig.ended++;
	if (io->kind == BLOCK_READ)
		assert_int_equal(op->data[0], rig.content[op->spot]);
	else if (io->kind == BLOCK_WRITE)
		rig.content[op->spot] = op->data[0];
	else
		rig.content[op->spot] = 0;
}

static bool spot_is_busy(uint32_t spot)
{
	for (int i = 0; i < OPS; i++) {
		if (rig.ops[i].is_busy && rig.ops[i].spot == spot)
			return true;
	}
	return false;
}

static void op_start(struct op *op)
{
	static const enum block_kind kinds[] = {BLOCK_WRITE, BLOCK_WRITE, BLOCK_READ, BLOCK_UNMAP};

	op->spot = (uint32_t)random_below(&rig.random, SPOTS);
	if (spot_is_busy(op->spot))
		return;
	op->data[0] = rig.ended + 1000;
	op->iov = (struct iovec){.iov_base = op->data, .iov_len = sizeof(op->data)};
	op->io = (struct block_io){
		.kind = kinds[random_below(&rig.random, ARRAY_SIZE(kinds))],
		.fua = random_below(&rig.random, 4) > 0,
		.offset = op->spot * rig.spacing + 8 * KIB,
		.length = sizeof(op->data),
		.iov = &op->iov,
		.iov_count = 1,
		.done = op_done,
	};
	op->is_busy = true;
	block_submit(&volume_find(rig.pool, "v")->block, &op->io);
}

static void run(uint64_t spacing)
{
	struct wait wait = {.request.done = wait_done, .result = 1};
	struct check_report report;
	uint64_t steps = 0;

	rig.spacing = spacing;
	while (rig.ended < ROUNDS) {
		for (int i = 0; i < OPS; i++) {
			if (!rig.ops[i].is_busy)
				op_start(&rig.ops[i]);
		}
		assert_true(step()); /* never stuck */
		assert_true(steps++ < 100 * ROUNDS);
	}
	drain();
	assert_true(rig.pool->checkpoint.generation > 10);
	pool_check(rig.pool, &report, &wait.request);
	finish(&wait);
	assert_string_equal(report.first.text, "");
}

/* Each in a leaf of its own: the cache is short. */
static void leaves_that_do_not_fit_are_not_lost(void **state)
{
	run(504 * 64 * KIB);
}

/* All in one leaf: the journal is short. */
static void a_full_journal_waits_for_its_checkpoint(void **state)
{
	run(64 * KIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(leaves_that_do_not_fit_are_not_lost, start, stop),
		cmocka_unit_test_setup_teardown(a_full_journal_waits_for_its_checkpoint, start,
						stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
