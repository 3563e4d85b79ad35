/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pool as a whole: full, growing, deleting, failing, damaged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/check.h"
#include "tests/unit/store/store_fixture.h"

static int start(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture_start(fixture, 64 * MIB, 512);
	*state = fixture;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fixture = *state;

	fixture_stop(fixture);
	free(fixture);
	return 0;
}

static uint8_t data[MIB];

static int write_at(struct fixture *fixture, const char *name, uint64_t offset, uint64_t length)
{
	return fixture_io(fixture, fixture_volume(fixture, name), BLOCK_WRITE, offset, data,
			  length);
}

static int flush(struct fixture *fixture, const char *name)
{
	return fixture_io(fixture, fixture_volume(fixture, name), BLOCK_FLUSH, 0, NULL, 0);
}

static struct pool_facts facts(struct fixture *fixture)
{
	struct pool_facts facts;

	pool_describe(fixture->pool, &facts);
	return facts;
}

struct wait {
	struct store_request request;
	int result;
};

static void wait_done(struct store_request *request, int result)
{
	container_of(request, struct wait, request)->result = result;
}

static void expect_clean(struct fixture *fixture)
{
	struct wait wait = {.request.done = wait_done, .result = 1};
	struct check_report report;

	pool_check(fixture->pool, &report, &wait.request);
	fixture_run(fixture);
	assert_int_equal(wait.result, 0);
	assert_string_equal(report.first.text, "");
}

static void a_full_pool_refuses_new_extents_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	uint64_t offset = 0;
	struct pool_facts full;

	assert_int_equal(fixture_create(fixture, "v", GIB), 0);
	while (write_at(fixture, "v", offset, MIB) == 0)
		offset += MIB;
	assert_int_equal(write_at(fixture, "v", offset, MIB), -ENOSPC);
	full = facts(fixture);
	assert_true(full.free_bytes < MIB);
	assert_int_equal(full.used_bytes / MIB * MIB, offset); /* the failed write kept nothing */
	assert_int_equal(write_at(fixture, "v", 4096, 8192), 0);
	assert_int_equal(
		fixture_io(fixture, fixture_volume(fixture, "v"), BLOCK_UNMAP, 0, NULL, MIB), 0);
	assert_int_equal(write_at(fixture, "v", offset, MIB), 0); /* waits for the commit */
	assert_int_equal(flush(fixture, "v"), 0);
	expect_clean(fixture);
}

static void growing_the_pool_brings_writes_back(void **state)
{
	struct fixture *fixture = *state;
	uint64_t offset = 0;

	assert_int_equal(fixture_create(fixture, "v", 2 * GIB), 0);
	while (write_at(fixture, "v", offset, MIB) == 0)
		offset += MIB;
	assert_int_equal(memory_disk_grow(fixture->disk, 1300 * MIB), 0);
	assert_int_equal(fixture_grow_pool(fixture), 0);
	assert_int_equal(facts(fixture).size_bytes, 1300 * MIB);
	for (uint64_t end = offset + 1100 * MIB; offset < end; offset += MIB)
		assert_int_equal(write_at(fixture, "v", offset, MIB), 0);
	assert_int_equal(flush(fixture, "v"), 0);
	fixture_reopen(fixture);
	assert_int_equal(facts(fixture).size_bytes, 1300 * MIB);
	expect_clean(fixture);
	assert_int_equal(fixture_grow_pool(fixture), 0); /* nothing to take in */
}

static void a_deleted_volume_gives_everything_back(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before = facts(fixture).used_bytes;

	assert_int_equal(fixture_create(fixture, "v", GIB), 0);
	for (uint64_t i = 0; i < 30; i++)
		assert_int_equal(write_at(fixture, "v", i * 32 * MIB, 128 * KIB), 0);
	assert_int_equal(fixture_checkpoint(fixture), 0);
	assert_int_equal(fixture_delete(fixture, "v"), 0);
	assert_null(volume_find(fixture->pool, "v"));
	fixture_run(fixture);
	assert_int_equal(facts(fixture).used_bytes, before);
	expect_clean(fixture);
	fixture_reopen(fixture);
	assert_int_equal(facts(fixture).used_bytes, before);
	assert_int_equal(fixture_create(fixture, "v", GIB), 0);
}

static void a_deletion_goes_on_after_a_crash(void **state)
{
	struct fixture *fixture = *state;
	struct wait wait = {.request.done = wait_done, .result = 1};

	assert_int_equal(fixture_create(fixture, "v", 2 * GIB), 0);
	for (uint64_t i = 0; i < 60; i++)
		assert_int_equal(write_at(fixture, "v", i * 32 * MIB, 64 * KIB), 0);
	assert_int_equal(flush(fixture, "v"), 0);
	volume_delete(fixture->pool, "v", &wait.request);
	while (wait.result == 1 || facts(fixture).used_bytes == 60 * STORE_EXTENT_BYTES)
		(void)block_queue_run(&fixture->queue);
	fixture->pool->background.is_stopping = true; /* after the commit it is in */
	fixture_run(fixture);
	assert_in_range(facts(fixture).used_bytes, 1, 59 * STORE_EXTENT_BYTES);
	fixture_reopen(fixture);
	fixture_run(fixture);
	assert_int_equal(facts(fixture).used_bytes, 0);
	expect_clean(fixture);
}

static void a_volume_in_use_is_not_deleted(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture_create(fixture, "v", 16 * MIB), 0);
	(void)volume_block(volume_find(fixture->pool, "v"));
	assert_int_equal(fixture_delete(fixture, "v"), -EBUSY);
	assert_non_null(strstr(fixture->error.text, "in use"));
	volume_find(fixture->pool, "v")->opens = 0;
	assert_int_equal(fixture_delete(fixture, "v"), 0);
	assert_int_equal(fixture_delete(fixture, "v"), -ENOENT);
}

static void volumes_are_found_changed_and_listed_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct volume_facts volume;

	assert_int_equal(fixture_create(fixture, "b", 16 * MIB), 0);
	assert_int_equal(fixture_create(fixture, "a", 16 * MIB), 0);
	assert_int_equal(fixture_create(fixture, "a", 16 * MIB), -EEXIST);
	assert_int_equal(fixture_create(fixture, "c", 4095), -EINVAL);
	assert_int_equal(fixture_create(fixture, "Big", 4096), -EINVAL);
	assert_int_equal(fixture_create(fixture, "c", VOLUME_SIZE_MAX_BYTES + 4096), -EINVAL);
	assert_int_equal(fixture_create(fixture, "c", VOLUME_SIZE_MAX_BYTES), 0);
	assert_int_equal(fixture_delete(fixture, "c"), 0);
	assert_int_equal(fixture_mark(fixture, "b"), 0);
	assert_int_equal(fixture_grow(fixture, "b", 600 * MIB), 0);
	assert_int_equal(fixture_grow(fixture, "b", 500 * MIB), -EINVAL);
	assert_int_equal(fixture_grow(fixture, "b", 600 * MIB), 0);
	assert_int_equal(write_at(fixture, "b", 599 * MIB, MIB), 0);
	fixture_reopen(fixture);
	volume_describe(volume_next(fixture->pool, NULL), &volume);
	assert_string_equal(volume.name, "a");
	assert_false(volume.is_formatted);
	volume_describe(volume_find(fixture->pool, "b"), &volume);
	assert_int_equal(volume.size_bytes, 600 * MIB);
	assert_true(volume.is_formatted);
	assert_ptr_equal(volume_next(fixture->pool, volume_find(fixture->pool, "a")),
			 volume_find(fixture->pool, "b"));
	assert_null(volume_next(fixture->pool, volume_find(fixture->pool, "b")));
	assert_int_equal(facts(fixture).promised_bytes, 616 * MIB);
}

static void formatting_over_a_pool_is_refused(void **state)
{
	struct fixture *fixture = *state;
	const struct pool_format format = {.name = "q"};

	assert_int_equal(fixture_format(fixture, &format), -EEXIST);
}

/* Destroy the page at this place on the disk. */
static void damage(struct fixture *fixture, uint64_t place)
{
	uint8_t junk[512] = {1, 2, 3};

	assert_int_equal(fixture_io(fixture, fixture->disk, BLOCK_WRITE,
				    format_place_block(place) * FORMAT_BLOCK_BYTES + 1024, junk,
				    sizeof(junk)),
			 0);
}

static void a_damaged_index_hurts_one_volume_only(void **state)
{
	struct fixture *fixture = *state;
	struct volume_facts volume;

	assert_int_equal(fixture_create(fixture, "bad", 16 * MIB), 0);
	assert_int_equal(fixture_create(fixture, "good", 16 * MIB), 0);
	assert_int_equal(write_at(fixture, "bad", 0, MIB), 0);
	assert_int_equal(write_at(fixture, "good", 0, MIB), 0);
	assert_int_equal(fixture_checkpoint(fixture), 0);
	damage(fixture, volume_find(fixture->pool, "bad")->head->root);
	fixture_reopen(fixture);
	assert_int_equal(write_at(fixture, "good", 0, MIB), 0);
	assert_int_equal(write_at(fixture, "bad", 0, MIB), -ENODATA);
	volume_describe(volume_find(fixture->pool, "bad"), &volume);
	assert_true(volume.is_damaged);
	volume_describe(volume_find(fixture->pool, "good"), &volume);
	assert_false(volume.is_damaged);
}

static void a_damaged_leaf_hurts_its_range_only(void **state)
{
	struct fixture *fixture = *state;
	struct layer *layer;

	assert_int_equal(fixture_create(fixture, "v", 80 * MIB), 0);
	assert_int_equal(write_at(fixture, "v", 0, MIB), 0);
	assert_int_equal(write_at(fixture, "v", 40 * MIB, MIB), 0);
	assert_int_equal(fixture_checkpoint(fixture), 0);
	layer = volume_find(fixture->pool, "v")->head;
	damage(fixture, tree_place(&layer->tree, 0));
	fixture_reopen(fixture);
	assert_int_equal(
		fixture_io(fixture, fixture_volume(fixture, "v"), BLOCK_READ, 40 * MIB, data, MIB),
		0);
	assert_int_equal(
		fixture_io(fixture, fixture_volume(fixture, "v"), BLOCK_READ, 0, data, 4096),
		-ENODATA);
	assert_non_null(strstr(fixture->pool->cache.last_error.text, "byte "));
}

static void one_damaged_superblock_is_enough(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture_create(fixture, "v", 16 * MIB), 0);
	damage(fixture, format_place(FORMAT_SUPER_A_BLOCK, 0));
	fixture_reopen(fixture);
	assert_non_null(volume_find(fixture->pool, "v"));
	damage(fixture, format_place(FORMAT_SUPER_B_BLOCK, 0));
	fixture_reopen(fixture);
	assert_non_null(volume_find(fixture->pool, "v"));
}

static void a_disk_without_an_intact_superblock_does_not_open(void **state)
{
	struct fixture *fixture = *state;
	const struct pool_settings settings = {0};
	struct pool *old = fixture->pool;

	damage(fixture, format_place(FORMAT_SUPER_A_BLOCK, 0));
	damage(fixture, format_place(FORMAT_SUPER_B_BLOCK, 0));
	assert_int_equal(fixture_open(fixture, &settings), -ENODATA);
	assert_non_null(strstr(fixture->error.text, "bytes 0 and 1048576"));
	assert_int_equal(fixture_io(fixture, fixture->disk, BLOCK_WRITE_ZEROES, 0, NULL, 2 * MIB),
			 0);
	assert_int_equal(fixture_open(fixture, &settings), -EINVAL);
	fixture->pool = old;
}

static void opened_read_only_nothing_is_written(void **state)
{
	struct fixture *fixture = *state;
	const struct pool_settings settings = {.is_read_only = true};
	static uint8_t before[2 * MIB], after[2 * MIB];

	assert_int_equal(fixture_create(fixture, "v", 16 * MIB), 0);
	assert_int_equal(write_at(fixture, "v", 0, MIB), 0);
	assert_int_equal(flush(fixture, "v"), 0);
	pool_free(fixture->pool);
	assert_int_equal(fixture_io(fixture, fixture->disk, BLOCK_READ, 0, before, 2 * MIB), 0);
	assert_int_equal(fixture_open(fixture, &settings), 0);
	assert_int_equal(
		fixture_io(fixture, fixture_volume(fixture, "v"), BLOCK_READ, 0, data, MIB), 0);
	assert_int_equal(write_at(fixture, "v", 0, MIB), -EROFS);
	expect_clean(fixture);
	assert_int_equal(fixture_io(fixture, fixture->disk, BLOCK_READ, 0, after, 2 * MIB), 0);
	assert_memory_equal(before, after, sizeof(before));
}

/* More leaves than the smallest cache holds, dirty and clean, under checkpoints. */
static void the_cache_is_bounded_and_nothing_is_lost(void **state)
{
	struct fixture *fixture = *state;
	const struct pool_settings settings = {.cache_bytes = 1};
	uint64_t word;

	assert_int_equal(fixture_create(fixture, "v", 30 * GIB / 16), 0);
	pool_free(fixture->pool);
	assert_int_equal(fixture_open(fixture, &settings), 0);
	assert_int_equal(fixture->pool->cache.count, LEAF_FRAMES_MIN);
	for (int round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < 60; i++) {
			word = i * 1000 + (uint64_t)round;
			memcpy(data, &word, sizeof(word));
			assert_int_equal(write_at(fixture, "v", i * 32 * MIB, 4096), 0);
			assert_true(fixture->pool->cache.dirty_count <=
				    fixture->pool->cache.dirty_limit);
		}
		assert_int_equal(flush(fixture, "v"), 0);
		if (round == 1) {
			pool_free(fixture->pool);
			assert_int_equal(fixture_open(fixture, &settings), 0);
		}
	}
	for (uint64_t i = 0; i < 60; i++) {
		assert_int_equal(fixture_io(fixture, fixture_volume(fixture, "v"), BLOCK_READ,
					    i * 32 * MIB, data, 4096),
				 0);
		memcpy(&word, data, sizeof(word));
		assert_int_equal(word, i * 1000 + 2);
	}
	expect_clean(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(a_full_pool_refuses_new_extents_and_nothing_else),
		TEST(growing_the_pool_brings_writes_back),
		TEST(a_deleted_volume_gives_everything_back),
		TEST(a_deletion_goes_on_after_a_crash),
		TEST(a_volume_in_use_is_not_deleted),
		TEST(volumes_are_found_changed_and_listed_in_order),
		TEST(formatting_over_a_pool_is_refused),
		TEST(a_damaged_index_hurts_one_volume_only),
		TEST(a_damaged_leaf_hurts_its_range_only),
		TEST(one_damaged_superblock_is_enough),
		TEST(a_disk_without_an_intact_superblock_does_not_open),
		TEST(opened_read_only_nothing_is_written),
		TEST(the_cache_is_bounded_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
