/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names in a tree of layers: snapshots, clones, revert, and what is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/store/store_fixture.h"

static int start(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture_start(fixture, 256 * MIB, 512);
	assert_int_equal(fixture_create(fixture, "v", 64 * MIB), 0);
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

static void describe(struct fixture *fixture, const char *name, struct volume_facts *facts)
{
	const struct volume *volume = volume_find(fixture->pool, name);

	assert_non_null(volume);
	volume_describe(volume, facts);
}

static void put(struct fixture *fixture, const char *name, uint64_t block, int byte)
{
	uint8_t data[4096];

	memset(data, byte, sizeof(data));
	assert_int_equal(fixture_io(fixture, fixture_volume(fixture, name), BLOCK_WRITE,
				    block * 4096, data, sizeof(data)),
			 0);
}

static void expect_error(const struct fixture *fixture, const char *text)
{
	if (!strstr(fixture->error.text, text))
		fail_msg("expected '%s' in '%s'", text, fixture->error.text);
}

static void a_snapshot_is_told_from_a_volume(void **state)
{
	struct fixture *fixture = *state;
	struct volume_facts facts, origin;

	put(fixture, "v", 0, 1);
	assert_int_equal(fixture_mark(fixture, "v"), 0);
	assert_int_equal(fixture_snapshot(fixture, "v", "s"), 0);
	put(fixture, "v", 100, 2);
	describe(fixture, "v", &origin);
	for (int i = 0; i < 2; i++) {
		describe(fixture, "s", &facts);
		assert_true(facts.is_snapshot);
		assert_true(facts.is_formatted);
		assert_memory_equal(&facts.origin, &origin.uuid, sizeof(facts.origin));
		assert_string_equal(facts.origin_name, "v");
		assert_int_equal(facts.size_bytes, 64 * MIB);
		assert_int_equal(facts.created_at_s, 2);
		assert_int_equal(facts.depth, 1);
		assert_int_equal(facts.written_bytes, 65536);
		describe(fixture, "v", &facts);
		assert_false(facts.is_snapshot);
		assert_int_equal(facts.depth, 2);
		assert_int_equal(facts.written_bytes, 65536);
		assert_int_equal(fixture_checkpoint(fixture), 0);
		fixture_reopen(fixture);
	}
}

static void a_clone_takes_over_what_its_snapshot_is(void **state)
{
	struct fixture *fixture = *state;
	struct volume_facts facts;

	assert_int_equal(fixture_mark(fixture, "v"), 0);
	assert_int_equal(fixture_snapshot(fixture, "v", "s"), 0);
	assert_int_equal(fixture_clone(fixture, "s", "c"), 0);
	fixture_reopen(fixture);
	describe(fixture, "c", &facts);
	assert_false(facts.is_snapshot);
	assert_true(facts.is_formatted);
	assert_string_equal(facts.origin_name, "s");
	assert_int_equal(facts.size_bytes, 64 * MIB);
	assert_int_equal(facts.depth, 2);
	describe(fixture, "s", &facts);
	assert_int_equal(facts.clone_count, 1);
	assert_int_equal(fixture_delete(fixture, "s"), 0);
	describe(fixture, "c", &facts);
	assert_string_equal(facts.origin_name, "");
}

static void one_name_means_one_thing(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture_snapshot(fixture, "v", "v"), -EEXIST);
	expect_error(fixture, "has a volume 'v' already");
	assert_int_equal(fixture_snapshot(fixture, "v", "s"), 0);
	assert_int_equal(fixture_snapshot(fixture, "v", "s"), -EEXIST);
	expect_error(fixture, "has a snapshot 's' already");
	assert_int_equal(fixture_create(fixture, "s", 64 * MIB), -EEXIST);
	assert_int_equal(fixture_snapshot(fixture, "v", "not possible"), -EINVAL);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture_snapshot(fixture, "v", "s"), 0);
	assert_int_equal(fixture_create(fixture, "w", 64 * MIB), 0);
	assert_int_equal(fixture_snapshot(fixture, "none", "t"), -ENOENT);
	assert_int_equal(fixture_snapshot(fixture, "s", "t"), -EINVAL);
	expect_error(fixture, "make a clone of it");
	assert_int_equal(fixture_grow(fixture, "s", 128 * MIB), -EINVAL);
	assert_int_equal(fixture_mark(fixture, "s"), -EINVAL);
	assert_int_equal(fixture_clone(fixture, "none", "c"), -ENOENT);
	assert_int_equal(fixture_clone(fixture, "v", "c"), -EINVAL);
	expect_error(fixture, "take a snapshot of it");
	assert_int_equal(fixture_revert(fixture, "w", "s"), -EINVAL);
	expect_error(fixture, "no snapshot of volume 'w'");
	assert_int_equal(fixture_revert(fixture, "v", "w"), -EINVAL);
	assert_int_equal(fixture_revert(fixture, "s", "s"), -EINVAL);
	assert_int_equal(fixture_revert(fixture, "v", "none"), -ENOENT);
}

static void closed(void *owner)
{
}

static void what_is_in_use_stays(void **state)
{
	struct fixture *fixture = *state;
	struct block *block;

	assert_int_equal(fixture_snapshot(fixture, "v", "s"), 0);
	block = volume_block(volume_find(fixture->pool, "s"));
	assert_int_equal(fixture_delete(fixture, "s"), -EBUSY);
	expect_error(fixture, "snapshot 's' is in use");
	block_close(block, closed, NULL);
	block = volume_block(volume_find(fixture->pool, "v"));
	assert_int_equal(fixture_revert(fixture, "v", "s"), -EBUSY);
	block_close(block, closed, NULL);
	assert_int_equal(fixture_revert(fixture, "v", "s"), 0);
}

static void revert_brings_size_and_all_back(void **state)
{
	struct fixture *fixture = *state;
	struct volume_facts facts;

	put(fixture, "v", 0, 1);
	assert_int_equal(fixture_snapshot(fixture, "v", "s"), 0);
	assert_int_equal(fixture_grow(fixture, "v", 128 * MIB), 0);
	assert_int_equal(fixture_mark(fixture, "v"), 0);
	put(fixture, "v", 5000, 2);
	assert_int_equal(fixture_revert(fixture, "v", "s"), 0);
	for (int i = 0; i < 2; i++) {
		describe(fixture, "v", &facts);
		assert_int_equal(facts.size_bytes, 64 * MIB);
		assert_false(facts.is_formatted);
		assert_int_equal(facts.written_bytes, 0);
		assert_int_equal(fixture->pool->space.mapped_count, 1);
		fixture_reopen(fixture);
	}
}

static uint32_t layer_count(const struct fixture *fixture)
{
	uint32_t count = 0;

	for (uint32_t id = 1; id <= fixture->pool->catalogue.count; id++)
		count += catalogue_layer(&fixture->pool->catalogue, id) != NULL;
	return count;
}

static void deleting_the_last_name_frees_all(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, "v", 0, 1);
	assert_int_equal(fixture_snapshot(fixture, "v", "s"), 0);
	put(fixture, "v", 0, 2);
	assert_int_equal(fixture_clone(fixture, "s", "c"), 0);
	put(fixture, "c", 17, 3);
	assert_int_equal(fixture_delete(fixture, "s"), 0);
	assert_int_equal(fixture_delete(fixture, "v"), 0);
	assert_int_equal(fixture_delete(fixture, "c"), 0);
	assert_int_equal(fixture->pool->space.mapped_count, 0);
	assert_int_equal(layer_count(fixture), 0);
	assert_null(volume_next(fixture->pool, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_snapshot_is_told_from_a_volume, start, stop),
		cmocka_unit_test_setup_teardown(a_clone_takes_over_what_its_snapshot_is, start,
						stop),
		cmocka_unit_test_setup_teardown(one_name_means_one_thing, start, stop),
		cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(what_is_in_use_stays, start, stop),
		cmocka_unit_test_setup_teardown(revert_brings_size_and_all_back, start, stop),
		cmocka_unit_test_setup_teardown(deleting_the_last_name_frees_all, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
