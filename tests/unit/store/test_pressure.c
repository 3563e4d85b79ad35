/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cache of 64 frames, a journal of 64 blocks, and a disk that hardly ever gets to writing a
 * checkpoint's pages: requests must wait rather than overrun anything, all must end, and what
 * is read must be what was written. Also while snapshots come and go, so that requests go through
 * layers which are being merged under them.
 */
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/random.h"
#include "block/sim.h"
#include "store/check.h"
#include "tests/unit/store/store_fixture.h"

#define OPS    8
#define SPOTS  110
#define ROUNDS 4000
#define MORE   30000

#define SNAPSHOTS 5

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
	uint64_t shift;	  /* of each request against the blocks */
	uint64_t content[SPOTS];
	uint64_t ended;
	int result;

	bool has_snapshots;
	struct store_request admin;
	bool is_admin_busy;
	uint64_t next_admin; /* when so many requests have ended */
	unsigned deletions;
};

static struct rig rig;

struct wait {
	struct store_request request;
	int result;
};

static void admin_done(struct store_request *request, int result)
{
	assert_int_equal(result, 0);
	rig.is_admin_busy = false;
}

static bool has_snapshot(unsigned name, char *out_text)
{
	(void)snprintf(out_text, NAME_SIZE, "s%u", name); /* fits */
	return volume_find(rig.pool, out_text) != NULL;
}

static unsigned layers(void)
{
	unsigned count = 0;

	for (uint32_t id = 1; id <= rig.pool->catalogue.count; id++)
		count += catalogue_layer(&rig.pool->catalogue, id) != NULL;
	return count;
}

/* Another snapshot, or one of them goes and its layer is merged into the one over it. */
static void administer(void)
{
	struct snapshot_spec spec = {.volume = "v"};
	unsigned name = (unsigned)random_below(&rig.random, SNAPSHOTS);

	if (!rig.has_snapshots || rig.is_admin_busy || rig.ended < rig.next_admin)
		return;
	rig.admin.done = admin_done;
	if (has_snapshot(name, spec.name)) {
		volume_delete(rig.pool, spec.name, &rig.admin);
		rig.deletions++;
	} else if (layers() < 2 * SNAPSHOTS) { /* merges get a chance */
		volume_snapshot(rig.pool, &spec, &rig.admin);
	} else {
		return;
	}
	rig.next_admin += 20;
	rig.is_admin_busy = true;
}

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

static void start_on(uint64_t bytes, const struct sim_slowness *slow)
{
	const struct pool_format format = {.name = "p", .journal_bytes = 256 * KIB};
	const struct pool_settings settings = {.cache_bytes = 1};
	const struct volume_spec spec = {.name = "v", .size_bytes = 4 * GIB};
	struct wait wait = {.request.done = wait_done, .result = 1};

	memset(&rig, 0, sizeof(rig));
	block_queue_init(&rig.queue, NULL, NULL);
	rig.disk = sim_disk_new(sim_image_new(bytes), 512, &rig.queue, 3);
	pool_format(sim_disk_block(rig.disk), &format, &wait.request);
	finish(&wait);
	pool_open(sim_disk_block(rig.disk), &settings, &rig.pool, &wait.request);
	finish(&wait);
	volume_create(rig.pool, &spec, &wait.request);
	finish(&wait);
	sim_disk_slow_down(rig.disk, slow);
}

static int start(void **state)
{
	const struct sim_slowness slow = {.writes_below = 4 * MIB};

	start_on(64 * MIB, &slow);
	return 0;
}

static void filled(struct block_io *io, int result)
{
	assert_int_equal(result, 0);
}

/* Another volume takes all but `left` extents. */
static void fill(uint64_t left)
{
	static uint64_t data[MIB / sizeof(uint64_t)] __attribute__((aligned(4096)));
	const struct volume_spec spec = {.name = "filler", .size_bytes = GIB};
	struct wait wait = {.request.done = wait_done, .result = 1};
	struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};

	memset(data, 0xff, sizeof(data));
	volume_create(rig.pool, &spec, &wait.request);
	finish(&wait);
	for (uint64_t at = 0; rig.pool->space.free_count > left; at += sizeof(data)) {
		struct block_io io = {.kind = BLOCK_WRITE,
				      .offset = at,
				      .length = sizeof(data),
				      .iov = &iov,
				      .iov_count = 1,
				      .done = filled};

		block_submit(&volume_find(rig.pool, "filler")->block, &io);
		drain();
	}
}

/* --- every read of data, from submit to done, is of extents that are not free --- */

static struct spied {
	struct block_io *io; /* NULL: unused */
	void (*done)(struct block_io *io, int result);
} spied[512];
static const struct block_ops *spied_ops;

static void expect_taken(const struct block_io *io)
{
	const struct space *space = &rig.pool->space;
	uint64_t end = io->offset + io->length;

	for (uint64_t at = io->offset; at < end; at += STORE_BLOCK_BYTES) {
		uint64_t extent = at / STORE_EXTENT_BYTES;

		if (geometry_is_data(&space->geometry, extent))
			assert_true(bitmap_has(space->taken, extent));
	}
}

static void spied_done(struct block_io *io, int result)
{
	struct spied *spy = spied;

	while (spy->io != io)
		spy++;
	if (rig.pool)
		expect_taken(io);
	spy->io = NULL;
	spy->done(io, result);
}

static void spied_submit(struct block *block, struct block_io *io)
{
	struct spied *spy = spied;

	if (rig.pool && io->kind == BLOCK_READ) {
		expect_taken(io);
		while (spy->io)
			spy++;
		*spy = (struct spied){.io = io, .done = io->done};
		io->done = spied_done;
	}
	spied_ops->submit(block, io);
}

static void spy_on(struct block *disk)
{
	static struct block_ops ops;

	memset(spied, 0, sizeof(spied));
	spied_ops = disk->ops;
	ops = *disk->ops;
	ops.submit = spied_submit;
	disk->ops = &ops;
}

/* Reads take long, so much happens before they end. */
static int start_with_snapshots(void **state)
{
	const struct sim_slowness slow = {.reads = true};

	start_on(64 * MIB, &slow);
	fill(110);
	spy_on(sim_disk_block(rig.disk));
	rig.has_snapshots = true;
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
	if (io->kind == BLOCK_READ) {
		assert_int_equal(op->data[0], rig.content[op->spot]);
		assert_int_equal(op->data[511], rig.content[op->spot]);
	} else {
		rig.content[op->spot] = io->kind == BLOCK_WRITE ? op->data[0] : 0;
	}
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

	bool reads = rig.has_snapshots && random_below(&rig.random, 4) > 0;

	op->spot = (uint32_t)random_below(&rig.random, SPOTS);
	if (spot_is_busy(op->spot))
		return;
	op->data[0] = op->data[511] = rig.ended + 1000;
	op->iov = (struct iovec){.iov_base = op->data, .iov_len = sizeof(op->data)};
	op->io = (struct block_io){
		.kind = reads ? BLOCK_READ : kinds[random_below(&rig.random, ARRAY_SIZE(kinds))],
		.fua = random_below(&rig.random, 4) > 0,
		.offset = op->spot * rig.spacing + 8 * KIB + rig.shift,
		.length = sizeof(op->data),
		.iov = &op->iov,
		.iov_count = 1,
		.done = op_done,
	};
	op->is_busy = true;
	block_submit(&volume_find(rig.pool, "v")->block, &op->io);
}

static void run(uint64_t spacing, uint64_t rounds)
{
	struct wait wait = {.request.done = wait_done, .result = 1};
	struct check_report report;
	uint64_t steps = 0;

	rig.spacing = spacing;
	while (rig.ended < rounds) {
		administer();
		for (int i = 0; i < OPS; i++) {
			if (!rig.ops[i].is_busy)
				op_start(&rig.ops[i]);
		}
		assert_true(step()); /* never stuck */
		assert_true(steps++ < 100 * rounds);
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
	run(504 * 64 * KIB, ROUNDS);
}

/* All in one leaf: the journal is short. */
static void a_full_journal_waits_for_its_checkpoint(void **state)
{
	run(64 * KIB, ROUNDS);
}

/* Parts of blocks, so that what is inherited is read by writes too. */
static void requests_through_layers_that_come_and_go_agree(void **state)
{
	rig.shift = 512;
	run(8 * KIB, MORE);
	assert_true(rig.deletions > 50);
	assert_true(layers() <= SNAPSHOTS + 1); /* all merges are over */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(leaves_that_do_not_fit_are_not_lost, start, stop),
		cmocka_unit_test_setup_teardown(a_full_journal_waits_for_its_checkpoint, start,
						stop),
		cmocka_unit_test_setup_teardown(requests_through_layers_that_come_and_go_agree,
						start_with_snapshots, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
