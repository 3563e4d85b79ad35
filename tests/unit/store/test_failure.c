/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk that fails: data that could not be written is one request's failure, metadata that
 * could not is the pool's; several flushes share one commit; what needs no flush gets none.
 */
#include <errno.h>
#include <string.h>

#include "block/sim.h"
#include "tests/unit/store/store_fixture.h"

struct wait {
	struct store_request request;
	struct block_io io;
	struct iovec iov;
	int result;
};

#define DISK_BYTES (192 * MIB)
#define MANY_WORDS 2000

static struct block_queue queue;
static struct sim_disk *disk;
static struct pool *pool;
static uint8_t data[65536] __attribute__((aligned(4096)));

static void request_done(struct store_request *request, int result)
{
	container_of(request, struct wait, request)->result = result;
}

static void io_done(struct block_io *io, int result)
{
	container_of(io, struct wait, io)->result = result;
}

static void drain(void)
{
	while (block_queue_run(&queue) || sim_disk_step(disk))
		;
}

static void submit(struct wait *wait, enum block_kind kind, uint64_t offset, uint64_t length)
{
	wait->result = 1;
	wait->iov = (struct iovec){.iov_base = data, .iov_len = length};
	wait->io = (struct block_io){.kind = kind,
				     .offset = offset,
				     .length = length,
				     .iov = &wait->iov,
				     .iov_count = 1,
				     .done = io_done};
	block_submit(&volume_find(pool, "v")->block, &wait->io);
}

static int io(enum block_kind kind, uint64_t offset, uint64_t length)
{
	struct wait wait;

	submit(&wait, kind, offset, length);
	drain();
	return wait.result;
}

static int start(void **state)
{
	const struct pool_format format = {.name = "p"};
	const struct pool_settings settings = {.keeps_freed = true};
	const struct volume_spec spec = {.name = "v", .size_bytes = GIB};
	struct wait wait = {.request.done = request_done, .result = 1};

	block_queue_init(&queue, NULL, NULL);
	disk = sim_disk_new(sim_image_new(DISK_BYTES), 512, &queue, 1);
	pool_format(sim_disk_block(disk), &format, &wait.request);
	drain();
	assert_int_equal(wait.result, 0);
	pool_open(sim_disk_block(disk), &settings, &pool, &wait.request);
	drain();
	assert_int_equal(wait.result, 0);
	volume_create(pool, &spec, &wait.request);
	drain();
	return wait.result;
}

static int stop(void **state)
{
	struct wait wait = {.request.done = request_done, .result = 1};

	pool_close(pool, &wait.request);
	drain();
	sim_disk_free(disk);
	return wait.result == 1;
}

static uint64_t used(void)
{
	struct pool_facts facts;

	pool_describe(pool, &facts);
	return facts.used_bytes;
}

/* The n-th request of the disk from now on fails. */
static void fail_next(uint64_t n, int result)
{
	const struct sim_faults faults = {.fail_at = sim_disk_ended(disk) + n,
					  .fail_result = result};

	sim_disk_set_faults(disk, &faults);
}

static void a_failed_write_of_data_keeps_no_extent(void **state)
{
	fail_next(1, -EIO);
	assert_int_equal(io(BLOCK_WRITE, 0, 65536), -EIO);
	assert_int_equal(used(), 0);
	assert_int_equal(pool->state, POOL_READ_WRITE);
	fail_next(1, -ENOSPC);
	assert_int_equal(io(BLOCK_WRITE, 0, 65536), -ENOSPC);
	memset(data, 1, sizeof(data));
	assert_int_equal(io(BLOCK_READ, 0, 65536), 0);
	assert_int_equal(data[0], 0);
	assert_int_equal(io(BLOCK_WRITE, 0, 65536), 0);
	assert_int_equal(io(BLOCK_FLUSH, 0, 0), 0);
}

/* Nothing is written any more, and nothing becomes durable. */
static void expect_end_of_writing(enum pool_state state)
{
	struct pool_facts facts;
	struct wait wait = {.request.done = request_done, .result = 1};

	pool_describe(pool, &facts);
	assert_int_equal(facts.state, state);
	assert_non_null(
		strstr(facts.reason.text, state == POOL_FAILED ? "has failed" : "read-only"));
	assert_int_equal(io(BLOCK_FLUSH, 0, 0), -EIO); /* never a success again */
	assert_int_equal(io(BLOCK_WRITE, 0, 4096), -EROFS);
	assert_int_equal(io(BLOCK_UNMAP, 0, 4096), -EROFS);
	volume_mark_formatted(pool, "v", &wait.request);
	drain();
	assert_int_equal(wait.result, -EROFS);
}

/* Of a flush's two requests (flush, record), this one fails. What the disk shows is then nothing.
 */
static void expect_loss(uint64_t n)
{
	assert_int_equal(io(BLOCK_WRITE, 0, 65536), 0);
	fail_next(n, -EIO);
	assert_int_equal(io(BLOCK_FLUSH, 0, 0), -EIO);
	expect_end_of_writing(POOL_FAILED);
	assert_int_equal(io(BLOCK_READ, 0, 65536), -EIO);
}

static void a_failed_flush_of_data_ends_reading(void **state)
{
	expect_loss(1);
}

static void a_failed_journal_write_ends_writing(void **state)
{
	memset(data, 7, sizeof(data));
	assert_int_equal(io(BLOCK_WRITE, 0, 65536), 0);
	fail_next(2, -EIO); /* the data arrives, its record does not */
	assert_int_equal(io(BLOCK_WRITE, 65536, 65536), -EIO);
	expect_end_of_writing(POOL_READ_ONLY);
	memset(data, 0, sizeof(data));
	assert_int_equal(io(BLOCK_READ, 0, 65536), 0);
	assert_int_equal(data[65535], 7);
}

static void a_failed_durable_journal_write_ends_reading(void **state)
{
	expect_loss(2);
}

static void a_failed_journal_flush_ends_writing(void **state)
{
	struct wait unmap = {.result = 1};

	/* Words without neighbours: more records than are written by themselves. */
	for (uint64_t i = 0; i < MANY_WORDS; i++)
		assert_int_equal(io(BLOCK_WRITE, i * 2 * 65536, 4096), 0);
	assert_int_equal(io(BLOCK_FLUSH, 0, 0), 0);
	fail_next(2, -EIO); /* no data to flush: records, flush */
	unmap.io = (struct block_io){.kind = BLOCK_UNMAP,
				     .fua = true,
				     .length = MANY_WORDS * 2 * 65536,
				     .done = io_done};
	block_submit(&volume_find(pool, "v")->block, &unmap.io);
	drain();
	assert_int_equal(unmap.result, -EIO);
	assert_int_equal(pool->state, POOL_FAILED);
}

static void flushes_cost_what_they_must(void **state)
{
	uint64_t before;

	assert_int_equal(io(BLOCK_WRITE, 0, 65536), 0);
	before = sim_disk_ended(disk);
	assert_int_equal(io(BLOCK_FLUSH, 0, 0), 0);
	assert_int_equal(sim_disk_ended(disk) - before, 2); /* the record is forced */
	assert_int_equal(io(BLOCK_FLUSH, 0, 0), 0);	    /* nothing new */
	assert_int_equal(sim_disk_ended(disk) - before, 2);
	assert_int_equal(io(BLOCK_WRITE, 0, 65536), 0); /* no word changes */
	assert_int_equal(io(BLOCK_FLUSH, 0, 0), 0);
	assert_int_equal(sim_disk_ended(disk) - before, 4);
	assert_int_equal(io(BLOCK_UNMAP, 0, 65536), 0);
	assert_int_equal(io(BLOCK_FLUSH, 0, 0), 0); /* a record, its flush, and the seal */
	assert_int_equal(sim_disk_ended(disk) - before, 7);
}

static void flushes_that_wait_share_one_commit(void **state)
{
	struct wait flushes[20];
	uint64_t before;

	assert_int_equal(io(BLOCK_WRITE, 0, 65536), 0);
	before = sim_disk_ended(disk);
	for (int i = 0; i < 20; i++)
		submit(&flushes[i], BLOCK_FLUSH, 0, 0);
	drain();
	for (int i = 0; i < 20; i++)
		assert_int_equal(flushes[i].result, 0);
	assert_int_equal(sim_disk_ended(disk) - before, 2);
}

static void two_writes_to_a_new_extent_take_one(void **state)
{
	struct wait writes[2];

	submit(&writes[0], BLOCK_WRITE, 0, 4096);
	submit(&writes[1], BLOCK_WRITE, 8192, 4096);
	drain();
	assert_int_equal(writes[0].result, 0);
	assert_int_equal(writes[1].result, 0);
	assert_int_equal(used(), 65536);
}

/* The second write changes no word, but it is nothing without the first one's. */
static void a_write_waits_for_the_word_that_it_builds_on(void **state)
{
	const struct sim_slowness slow = {.writes_below = 8 * MIB}; /* the journal */
	struct wait writes[3];

	sim_disk_slow_down(disk, &slow);
	submit(&writes[0], BLOCK_WRITE, 0, 512);
	submit(&writes[1], BLOCK_WRITE, 512, 512);
	submit(&writes[2], BLOCK_UNMAP, 65536, 4096); /* nothing was there, and nothing is */
	while (writes[1].result == 1)
		assert_true(block_queue_run(&queue) || sim_disk_step(disk));
	assert_int_equal(writes[0].result, 0); /* in the same commit or an earlier one */
	drain();
	assert_int_equal(writes[0].result, 0);
	assert_int_equal(writes[1].result, 0);
	assert_int_equal(writes[2].result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(a_failed_write_of_data_keeps_no_extent),
		TEST(a_failed_flush_of_data_ends_reading),
		TEST(a_failed_journal_write_ends_writing),
		TEST(a_failed_durable_journal_write_ends_reading),
		TEST(a_failed_journal_flush_ends_writing),
		TEST(flushes_cost_what_they_must),
		TEST(flushes_that_wait_share_one_commit),
		TEST(two_writes_to_a_new_extent_take_one),
		TEST(a_write_waits_for_the_word_that_it_builds_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
