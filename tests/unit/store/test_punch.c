/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Freed extents go back to the disk: all of them in the end, none of them early. Between the
 * pool and a disk in memory there is a spy that sees the UNMAPs, keeps requests back, or refuses.
 */
#include <errno.h>
#include <string.h>

#include "base/list.h"
#include "tests/unit/store/store_fixture.h"

#define EXTENT STORE_EXTENT_BYTES

struct spy {
	struct block block;
	struct block *below;
	unsigned unmaps;
	uint64_t bytes;
	int refusal;	/* of UNMAP; 0: none */
	unsigned holds; /* the next request of these kinds, a bit each, until spy_release */
	struct block_io *held;
};

static struct spy spy;
static struct fixture fixture;
static uint8_t data[4 * MIB];

static void spy_submit(struct block *block, struct block_io *io)
{
	bool is_unmap = io->kind == BLOCK_UNMAP;

	spy.unmaps += is_unmap;
	spy.bytes += is_unmap ? io->length : 0;
	if (is_unmap && spy.refusal)
		block_queue_complete(&fixture.queue, io, spy.refusal);
	else if (spy.holds & 1u << io->kind && !spy.held)
		spy.held = io;
	else
		block_submit(spy.below, io);
}

static void spy_describe(struct block *block, struct block_limits *out_limits)
{
	block_describe(spy.below, out_limits);
}

/* What is below stays, for the next opening. */
static void spy_close(struct block *block, void (*closed)(void *owner), void *owner)
{
	closed(owner);
}

static void spy_release(void)
{
	spy.holds = 0;
	assert_non_null(spy.held);
	block_submit(spy.below, spy.held);
	spy.held = NULL;
	fixture_run(&fixture);
}

static void open_pool(bool keeps_freed)
{
	const struct pool_settings settings = {.cache_bytes = 4 * MIB, .keeps_freed = keeps_freed};

	spy.unmaps = 0;
	spy.bytes = 0;
	assert_int_equal(fixture_open(&fixture, &settings), 0);
}

static int start(void **state)
{
	static const struct block_ops ops = {
		.submit = spy_submit, .describe = spy_describe, .close = spy_close};
	const struct pool_format format = {.name = "p", .journal_bytes = MIB};

	memset(&fixture, 0, sizeof(fixture));
	memset(data, 1, sizeof(data));
	block_queue_init(&fixture.queue, NULL, NULL);
	spy = (struct spy){.block.ops = &ops, .block.queue = &fixture.queue};
	assert_int_equal(memory_disk_new(64 * MIB, 512, &fixture.queue, &spy.below), 0);
	fixture.disk = &spy.block;
	assert_int_equal(fixture_format(&fixture, &format), 0);
	open_pool(false);
	assert_int_equal(fixture_create(&fixture, "v", GIB), 0);
	return 0;
}

static void below_closed(void *owner)
{
}

static int stop(void **state)
{
	fixture_stop(&fixture);
	block_close(spy.below, below_closed, NULL);
	return 0;
}

static int io(enum block_kind kind, uint64_t offset, uint64_t length)
{
	return fixture_io(&fixture, fixture_volume(&fixture, "v"), kind, offset, data, length);
}

static void put(uint64_t offset, uint64_t length)
{
	assert_int_equal(io(BLOCK_WRITE, offset, length), 0);
}

static void unmap(uint64_t offset, uint64_t length)
{
	assert_int_equal(io(BLOCK_UNMAP, offset, length), 0);
}

static void flush(void)
{
	assert_int_equal(io(BLOCK_FLUSH, 0, 0), 0);
}

static struct pool_facts facts(void)
{
	struct pool_facts facts;

	pool_describe(fixture.pool, &facts);
	return facts;
}

/* Bytes of the disk's data area that are not zero. */
static uint64_t bytes_below(void)
{
	static uint8_t all[64 * MIB];
	uint64_t count = 0;

	assert_int_equal(fixture_io(&fixture, spy.below, BLOCK_READ, 0, all, 32 * MIB), 0);
	assert_int_equal(
		fixture_io(&fixture, spy.below, BLOCK_READ, 32 * MIB, all + 32 * MIB, 32 * MIB), 0);
	for (uint64_t extent = 0; extent < sizeof(all) / EXTENT; extent++) {
		for (uint64_t i = 0;
		     geometry_is_data(&fixture.pool->geometry, extent) && i < EXTENT; i++)
			count += all[extent * EXTENT + i] != 0;
	}
	return count;
}

/* A request that is not waited for. */
struct late {
	struct block_io io;
	struct iovec iov;
	uint8_t bytes[4096];
	int result;
};

static void late_done(struct block_io *request, int result)
{
	container_of(request, struct late, io)->result = result;
}

static void late_start(struct late *late, enum block_kind kind, uint64_t offset)
{
	memset(late->bytes, 7, sizeof(late->bytes));
	late->result = 1;
	late->iov = (struct iovec){late->bytes, sizeof(late->bytes)};
	late->io = (struct block_io){.kind = kind,
				     .offset = offset,
				     .length = sizeof(late->bytes),
				     .iov = &late->iov,
				     .iov_count = 1,
				     .done = late_done};
	block_submit(fixture_volume(&fixture, "v"), &late->io);
	fixture_run(&fixture);
}

static void freed_extents_go_back_once_that_is_durable_and_not_before(void **state)
{
	put(0, MIB);
	flush();
	unmap(0, MIB);
	assert_int_equal(spy.unmaps, 0);
	assert_int_equal(bytes_below(), MIB);
	flush();
	assert_int_equal(spy.unmaps, 1); /* they lie in a row */
	assert_int_equal(spy.bytes, MIB);
	assert_int_equal(bytes_below(), 0);
	assert_int_equal(facts().unpunched_bytes, 0);
}

static void all_of_a_deleted_volume_goes_back(void **state)
{
	for (uint64_t at = 0; at < 8 * MIB; at += MIB)
		put(at * 3, MIB);
	flush();
	assert_int_equal(bytes_below(), 8 * MIB);
	assert_int_equal(fixture_delete(&fixture, "v"), 0);
	assert_int_equal(spy.bytes, 8 * MIB);
	assert_int_equal(bytes_below(), 0);
}

static void what_is_still_read_goes_back_afterwards(void **state)
{
	struct late late;

	put(0, EXTENT);
	flush();
	spy.holds = 1u << BLOCK_READ;
	late_start(&late, BLOCK_READ, 4096);
	unmap(0, EXTENT);
	flush();
	for (int i = 0; i < 40; i++) /* others are not waited for */
		flush();
	assert_int_equal(spy.unmaps, 0);
	spy_release();
	assert_int_equal(late.result, 0);
	assert_memory_equal(late.bytes, data, sizeof(late.bytes));
	assert_int_equal(spy.bytes, EXTENT);
}

/* Fill the pool to the last extent. */
static uint64_t fill(void)
{
	uint64_t at = 0;

	while (facts().free_bytes > 0) {
		put(at, EXTENT);
		at += EXTENT;
	}
	return at;
}

static void nobody_gets_an_extent_while_it_goes_back(void **state)
{
	uint64_t end = fill();
	struct late late;

	spy.holds = 1u << BLOCK_UNMAP;
	unmap(0, EXTENT);
	flush();
	assert_int_equal(spy.unmaps, 1);
	late_start(&late, BLOCK_WRITE, end);
	assert_int_equal(late.result, 1); /* it waits, and does not fail */
	assert_int_equal(facts().free_bytes, EXTENT);
	spy_release();
	assert_int_equal(late.result, 0);
	assert_int_equal(io(BLOCK_READ, end, 4096), 0);
	assert_memory_equal(data, late.bytes, sizeof(late.bytes));
	assert_int_equal(facts().free_bytes, 0);
}

static void what_did_not_go_back_is_handed_out_first(void **state)
{
	spy.refusal = -EIO;
	put(0, 4 * EXTENT);
	put(10 * EXTENT, EXTENT);
	flush();
	unmap(EXTENT, EXTENT);
	flush();
	assert_int_equal(facts().unpunched_bytes, EXTENT);
	put(20 * EXTENT, EXTENT);
	assert_int_equal(facts().unpunched_bytes, 0);
	put(30 * EXTENT, EXTENT);
	assert_int_equal(bytes_below(), 6 * EXTENT);
}

static void a_disk_that_takes_nothing_back_is_asked_once(void **state)
{
	spy.refusal = -EOPNOTSUPP;
	assert_false(facts().cannot_punch);
	for (uint64_t i = 0; i < 4; i++) {
		put(i * EXTENT, EXTENT);
		unmap(i * EXTENT, EXTENT);
		flush();
	}
	assert_int_equal(spy.unmaps, 1);
	assert_true(facts().cannot_punch);
	assert_int_equal(facts().state, POOL_READ_WRITE);
}

static void a_failure_is_tried_again_after_the_next_free(void **state)
{
	put(0, MIB);
	flush();
	spy.refusal = -EIO;
	unmap(0, EXTENT);
	flush();
	flush();
	assert_int_equal(spy.unmaps, 1);
	spy.refusal = 0;
	unmap(EXTENT, EXTENT);
	flush();
	assert_int_equal(facts().unpunched_bytes, 0);
	assert_int_equal(bytes_below(), MIB - 2 * EXTENT);
	assert_int_equal(facts().state, POOL_READ_WRITE);
}

static void close_pool(void)
{
	fixture_stop(&fixture);
	fixture.pool = NULL;
}

static void what_was_left_over_goes_back_after_a_restart_and_once(void **state)
{
	close_pool();
	open_pool(true);
	put(0, MIB);
	flush();
	unmap(0, MIB);
	close_pool();
	assert_int_equal(spy.unmaps, 0);
	open_pool(false);
	assert_int_equal(bytes_below(), 0);
	assert_int_equal(facts().unpunched_bytes, 0);
	close_pool();
	open_pool(false);
	assert_int_equal(spy.unmaps, 0);
}

static void what_the_journal_frees_goes_back_after_a_crash(void **state)
{
	close_pool();
	open_pool(true);
	put(0, MIB);
	assert_int_equal(fixture_checkpoint(&fixture), 0);
	unmap(0, MIB);
	flush();
	pool_free(fixture.pool);
	open_pool(false);
	assert_int_equal(bytes_below(), 0);
}

/* An unsealed record of another boot does not count, but its data has been written. */
static void what_no_record_knows_of_goes_back_after_a_crash(void **state)
{
	put(2 * MIB, EXTENT);
	flush();
	put(0, MIB);
	pool_free(fixture.pool);
	open_pool(false);
	assert_int_equal(bytes_below(), EXTENT);
}

static void requests_of_volumes_pass_in_between(void **state)
{
	struct late late;

	put(0, MIB);
	put(2 * MIB, EXTENT);
	for (uint64_t i = 0; i < 16; i += 2)
		unmap(i * EXTENT, EXTENT);
	spy.holds = 1u << BLOCK_WRITE;
	late_start(&late, BLOCK_WRITE, 2 * MIB); /* it is not quiet */
	flush();
	assert_int_equal(spy.unmaps, 0);
	for (unsigned i = 1; i < 60; i++) {
		flush();
		assert_in_range(spy.unmaps, i / 17, i / 15);
	}
	spy_release();
	assert_int_equal(spy.unmaps, 8);
	assert_int_equal(facts().unpunched_bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(freed_extents_go_back_once_that_is_durable_and_not_before),
		TEST(all_of_a_deleted_volume_goes_back),
		TEST(what_is_still_read_goes_back_afterwards),
		TEST(nobody_gets_an_extent_while_it_goes_back),
		TEST(what_did_not_go_back_is_handed_out_first),
		TEST(a_disk_that_takes_nothing_back_is_asked_once),
		TEST(a_failure_is_tried_again_after_the_next_free),
		TEST(what_was_left_over_goes_back_after_a_restart_and_once),
		TEST(what_the_journal_frees_goes_back_after_a_crash),
		TEST(what_no_record_knows_of_goes_back_after_a_crash),
		TEST(requests_of_volumes_pass_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
