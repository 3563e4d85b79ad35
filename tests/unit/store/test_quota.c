/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool that fills up: it is full for everybody until something is freed, reservations and limits
 * are kept to the extent, promises are counted, and thresholds are told once.
 */
#include <errno.h>
#include <string.h>

#include "store/event.h"
#include "tests/unit/store/store_fixture.h"

#define EXTENT STORE_EXTENT_BYTES

static struct fixture fixture;
static uint8_t data[EXTENT];
static struct store_event said[16];
static unsigned said_count;

struct wait {
	struct store_request request;
	int result;
};

struct ear {
	struct block_watch watch;
	unsigned heard[4];
};

static void hear(struct block_watch *watch, enum block_event event)
{
	container_of(watch, struct ear, watch)->heard[event]++;
}

static void listen(void *owner, const struct store_event *event)
{
	(void)owner;
	if (said_count < 16)
		said[said_count++] = *event;
}

static void wait_done(struct store_request *request, int result)
{
	container_of(request, struct wait, request)->result = result;
}

static int finish(struct wait *wait)
{
	fixture_run(&fixture);
	fixture.error = wait->request.error;
	return wait->result;
}

static int set_limits(const char *name, struct volume_limits limits)
{
	struct wait wait = {.request.done = wait_done, .result = 1};

	volume_set_limits(fixture.pool, name, &limits, &wait.request);
	return finish(&wait);
}

static int set_policy(uint32_t threshold, uint32_t overcommit)
{
	struct pool_policy policy = {threshold, overcommit};
	struct wait wait = {.request.done = wait_done, .result = 1};

	pool_set_policy(fixture.pool, &policy, &wait.request);
	return finish(&wait);
}

/* One extent of a volume. */
static int write_at(const char *name, uint64_t extent)
{
	return fixture_io(&fixture, fixture_volume(&fixture, name), BLOCK_WRITE, extent * EXTENT,
			  data, EXTENT);
}

static int unmap_at(const char *name, uint64_t extent, uint64_t count)
{
	return fixture_io(&fixture, fixture_volume(&fixture, name), BLOCK_UNMAP, extent * EXTENT,
			  NULL, count * EXTENT);
}

/* Write from extent 0 on until it fails; how many there are. */
static uint64_t fill(const char *name)
{
	uint64_t count = 0;

	while (write_at(name, count) == 0)
		count++;
	return count;
}

static struct pool_facts facts(void)
{
	struct pool_facts now;

	pool_describe(fixture.pool, &now);
	return now;
}

static unsigned count_said(enum store_event_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < said_count; i++)
		count += said[i].kind == kind;
	return count;
}

static int start(void **state)
{
	(void)state;
	fixture_start(&fixture, 128 * MIB, 4096);
	fixture.pool->settings.notify = listen;
	said_count = 0;
	assert_int_equal(fixture_create(&fixture, "a", GIB), 0);
	assert_int_equal(fixture_create(&fixture, "b", GIB), 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&fixture);
	return 0;
}

static void full_pool_stays_full_until_something_is_freed(void **state)
{
	uint64_t count = fill("a");

	(void)state;
	assert_true(facts().is_full);
	assert_int_equal(count_said(STORE_POOL_FULL), 1);
	assert_int_equal(write_at("b", 0), -ENOSPC);
	assert_int_equal(write_at("a", count - 1), 0); /* overwritten */
	assert_int_equal(count_said(STORE_POOL_HAS_ROOM), 0);
	assert_int_equal(unmap_at("a", 0, 2), 0);
	assert_int_equal(write_at("b", 0), 0);
	assert_int_equal(write_at("b", 1), 0);
	assert_int_equal(write_at("b", 2), -ENOSPC);
	assert_int_equal(fixture_delete(&fixture, "a"), 0);
	assert_false(facts().is_full);
	assert_int_equal(write_at("b", 2), 0);
}

static void writes_that_fail_do_not_make_room_for_others(void **state)
{
	static uint8_t large[16 * EXTENT];
	uint64_t left;

	(void)state;
	left = facts().free_bytes / EXTENT;
	for (uint64_t i = 0; i + 8 < left; i++)
		assert_int_equal(write_at("a", i), 0);
	assert_int_equal(fixture_io(&fixture, fixture_volume(&fixture, "b"), BLOCK_WRITE, 0, large,
				    sizeof(large)),
			 -ENOSPC);
	assert_int_equal(write_at("b", 0), -ENOSPC); /* though eight are free */
	assert_int_equal(facts().free_bytes, 8 * EXTENT);
	assert_int_equal(unmap_at("a", 0, 1), 0);
	assert_int_equal(write_at("b", 0), 0);
}

static void growth_brings_writes_back(void **state)
{
	(void)state;
	(void)fill("a");
	assert_int_equal(memory_disk_grow(fixture.disk, 192 * MIB), 0);
	assert_int_equal(fixture_grow_pool(&fixture), 0);
	assert_int_equal(count_said(STORE_POOL_HAS_ROOM), 1);
	assert_int_equal(write_at("b", 0), 0);
}

static void reservation_is_kept_to_the_extent(void **state)
{
	const struct volume_limits limits = {.reservation_bytes = 10 * EXTENT};

	(void)state;
	assert_int_equal(write_at("b", 0), 0);
	assert_int_equal(set_limits("b", limits), 0);
	assert_int_equal(facts().reserved_bytes, 9 * EXTENT);
	(void)fill("a");
	assert_int_equal(facts().free_bytes, 9 * EXTENT);
	for (uint64_t i = 1; i < 10; i++)
		assert_int_equal(write_at("b", i), 0);
	assert_int_equal(write_at("b", 10), -ENOSPC);
	assert_int_equal(facts().reserved_bytes, 0);
}

static void reservation_beyond_the_free_space_is_refused(void **state)
{
	struct volume_limits limits = {.reservation_bytes = 256 * MIB};

	(void)state;
	assert_int_equal(set_limits("b", limits), -ENOSPC);
	assert_non_null(strstr(fixture.error.text, "neither used nor reserved"));
	limits = (struct volume_limits){.reservation_bytes = MIB, .limit_bytes = EXTENT};
	assert_int_equal(set_limits("b", limits), -EINVAL);
	limits = (struct volume_limits){.limit_bytes = 1000};
	assert_int_equal(set_limits("b", limits), -EINVAL);
	limits = (struct volume_limits){.threshold_used_bytes = EXTENT};
	assert_int_equal(set_limits("b", limits), -EINVAL);
	assert_int_equal(set_limits("none", limits), -ENOENT);
}

static void limit_is_kept_to_the_extent(void **state)
{
	const struct volume_limits limits = {.limit_bytes = 5 * EXTENT};

	(void)state;
	assert_int_equal(set_limits("a", limits), 0);
	assert_int_equal(fill("a"), 5);
	assert_int_equal(write_at("b", 0), 0);
	assert_int_equal(write_at("a", 0), 0);
	assert_int_equal(unmap_at("a", 1, 1), 0);
	assert_int_equal(write_at("a", 7), 0);
	assert_int_equal(write_at("a", 8), -ENOSPC);
	assert_false(facts().is_full);
}

static void promises_are_limited_at_create_clone_and_grow(void **state)
{
	(void)state;
	assert_int_equal(set_policy(0, 2000), 0);
	assert_int_equal(fixture_create(&fixture, "c", GIB), -ENOSPC);
	assert_non_null(strstr(fixture.error.text, "promises at most"));
	assert_int_equal(fixture_grow(&fixture, "a", 2 * GIB), -ENOSPC);
	assert_int_equal(fixture_snapshot(&fixture, "a", "s"), 0);
	assert_int_equal(fixture_clone(&fixture, "s", "c"), -ENOSPC);
	assert_int_equal(set_policy(0, 0), 0);
	assert_int_equal(fixture_clone(&fixture, "s", "c"), 0);
	assert_int_equal(set_policy(101, 0), -EINVAL);
}

static void thresholds_of_a_volume_are_told_once(void **state)
{
	const struct volume_limits limits = {.threshold_used_bytes = 2 * MIB};
	struct ear ear = {.watch.happened = hear};
	struct block *block = volume_block(volume_find(fixture.pool, "a"));

	(void)state;
	block_watch_start(block, &ear.watch);
	assert_int_equal(set_limits("a", limits), 0);
	assert_int_equal(ear.heard[BLOCK_THRESHOLDS_CHANGED], 1);
	for (uint64_t i = 0; i < 31; i++)
		assert_int_equal(write_at("a", i), 0);
	assert_int_equal(ear.heard[BLOCK_USED_THRESHOLD], 0);
	for (uint64_t i = 31; i < 40; i++)
		assert_int_equal(write_at("a", i), 0);
	assert_int_equal(ear.heard[BLOCK_USED_THRESHOLD], 1);
	assert_int_equal(count_said(STORE_VOLUME_THRESHOLD), 1);
	assert_string_equal(said[0].volume, "a");
	/* Below, but not far enough. */
	assert_int_equal(unmap_at("a", 0, 10), 0);
	assert_int_equal(write_at("a", 0), 0);
	assert_int_equal(write_at("a", 1), 0);
	assert_int_equal(write_at("a", 2), 0);
	assert_int_equal(ear.heard[BLOCK_USED_THRESHOLD], 1);
	assert_int_equal(unmap_at("a", 0, 20), 0);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(write_at("a", i), 0);
	assert_int_equal(ear.heard[BLOCK_USED_THRESHOLD], 2);
	block_watch_stop(block, &ear.watch);
	block_close(block, (void (*)(void *))fixture_run, &fixture);
}

static void available_falls_by_the_writes_of_others(void **state)
{
	const struct volume_limits limits = {.threshold_available_bytes = 64 * MIB};
	struct ear ear = {.watch.happened = hear};
	struct block *block = volume_block(volume_find(fixture.pool, "a"));

	(void)state;
	block_watch_start(block, &ear.watch);
	assert_int_equal(set_limits("a", limits), 0);
	assert_int_equal(set_policy(40, 0), 0);
	(void)fill("b");
	assert_int_equal(ear.heard[BLOCK_AVAILABLE_THRESHOLD], 1);
	assert_int_equal(ear.heard[BLOCK_SHARED_THRESHOLD], 1);
	assert_int_equal(count_said(STORE_POOL_THRESHOLD), 1);
	block_watch_stop(block, &ear.watch);
	block_close(block, (void (*)(void *))fixture_run, &fixture);
}

/* What is said while it is opened, too. */
static void reopen_listening(void)
{
	const struct pool_settings settings = {.cache_bytes = 4 * MIB, .notify = listen};

	said_count = 0;
	pool_free(fixture.pool);
	fixture.pool = NULL;
	assert_int_equal(fixture_open(&fixture, &settings), 0);
}

static void what_was_set_is_there_after_reopening_and_not_told_again(void **state)
{
	const struct volume_limits limits = {MIB, 8 * MIB, 2 * MIB, 3 * MIB};
	const struct block_thresholds changed = {5 * MIB, 0, true};
	struct volume_facts volume;
	struct block_space space;

	(void)state;
	assert_int_equal(set_limits("a", limits), 0);
	assert_int_equal(set_policy(80, 5000), 0);
	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(write_at("a", i), 0);
	assert_int_equal(
		fixture_io(&fixture, fixture_volume(&fixture, "a"), BLOCK_FLUSH, 0, NULL, 0), 0);
	reopen_listening();
	volume_describe(volume_find(fixture.pool, "a"), &volume);
	assert_int_equal(volume.charged_bytes, 40 * EXTENT);
	assert_int_equal(volume.reservation_bytes, MIB);
	assert_int_equal(volume.limit_bytes, 8 * MIB);
	assert_int_equal(volume.threshold_used_bytes, 2 * MIB);
	assert_int_equal(volume.threshold_available_bytes, 3 * MIB);
	assert_int_equal(facts().threshold_used_percent, 80);
	assert_int_equal(facts().overcommit_percent, 5000);
	assert_int_equal(write_at("a", 40), 0);
	assert_int_equal(said_count, 0);
	assert_int_equal(unmap_at("a", 0, 20), 0);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(write_at("a", i), 0);
	assert_int_equal(count_said(STORE_VOLUME_THRESHOLD), 1);

	/* Those set through the block count at once, and last once they are saved. */
	block_set_thresholds(fixture_volume(&fixture, "a"), &changed);
	fixture_run(&fixture);
	fixture_reopen(&fixture);
	block_describe_space(fixture_volume(&fixture, "a"), &space);
	assert_int_equal(space.current.used_bytes, 2 * MIB);
	block_set_thresholds(fixture_volume(&fixture, "a"), &changed);
	assert_int_equal(fixture_io(&fixture, fixture_volume(&fixture, "a"), BLOCK_SAVE_THRESHOLDS,
				    0, NULL, 0),
			 0);
	fixture_reopen(&fixture);
	block_describe_space(fixture_volume(&fixture, "a"), &space);
	assert_int_equal(space.current.used_bytes, 5 * MIB);
	assert_int_equal(space.saved.available_bytes, 0);
	assert_true(space.current.tells_one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(full_pool_stays_full_until_something_is_freed),
		TEST(writes_that_fail_do_not_make_room_for_others),
		TEST(growth_brings_writes_back),
		TEST(reservation_is_kept_to_the_extent),
		TEST(reservation_beyond_the_free_space_is_refused),
		TEST(limit_is_kept_to_the_extent),
		TEST(promises_are_limited_at_create_clone_and_grow),
		TEST(thresholds_of_a_volume_are_told_once),
		TEST(available_falls_by_the_writes_of_others),
		TEST(what_was_set_is_there_after_reopening_and_not_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
