/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names in a tree of layers: snapshots, clones, revert, and what is refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tests/unit/store/watched_disk.h"

static int start(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture_start(fixture, 256 * MIB, 512);
	assert_int_equal(fixture_create(fixture, "v", 64 * MIB), 0);
	*state = fixture;
	return 0;
}

/* Large enough for the metadata of a thousand layers. */
static int start_large(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture_start(fixture, 2 * GIB, 512);
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

static bool is_extent_write(const struct block_io *io)
{
	return io->kind == BLOCK_WRITE && io->length == STORE_EXTENT_BYTES;
}

struct write_wait {
	struct block_io io;
	struct iovec iov;
	bool is_done;
	uint8_t data[65536];
};

static void write_done(struct block_io *io, int result)
{
	assert_int_equal(result, 0);
	container_of(io, struct write_wait, io)->is_done = true;
}

static void write_begin(struct fixture *fixture, struct write_wait *wait, uint64_t extent, int byte)
{
	memset(wait->data, byte, sizeof(wait->data));
	wait->is_done = false;
	wait->iov = (struct iovec){.iov_base = wait->data, .iov_len = sizeof(wait->data)};
	wait->io = (struct block_io){
		.kind = BLOCK_WRITE,
		.offset = extent * STORE_EXTENT_BYTES,
		.length = sizeof(wait->data),
		.iov = &wait->iov,
		.iov_count = 1,
		.done = write_done,
	};
	block_submit(fixture_volume(fixture, "v"), &wait->io);
}

static void expect_byte(struct fixture *fixture, const char *name, uint64_t extent, int byte)
{
	static uint8_t data[65536];

	memset(data, ~byte, sizeof(data));
	assert_int_equal(fixture_io(fixture, fixture_volume(fixture, name), BLOCK_READ,
				    extent * STORE_EXTENT_BYTES, data, sizeof(data)),
			 0);
	for (size_t i = 0; i < sizeof(data); i++)
		assert_int_equal(data[i], byte);
}

static void ended(struct store_request *request, int result)
{
	assert_int_equal(result, 0);
}

/* It waits for what is in flight; what comes while it waits is not in it. */
static void a_snapshot_is_between_two_requests(void **state)
{
	static struct write_wait first[4], later[4];
	struct fixture *fixture = *state;
	struct store_request request = {.done = ended};
	const struct snapshot_spec spec = {.volume = "v", .name = "s"};

	watched_disk_start(fixture)->holds = is_extent_write;
	for (unsigned i = 0; i < 4; i++)
		write_begin(fixture, &first[i], i, 1);
	volume_snapshot(fixture->pool, &spec, &request);
	fixture_run(fixture);
	for (unsigned i = 0; i < 4; i++)
		write_begin(fixture, &later[i], i, 2);
	fixture_run(fixture);
	assert_null(catalogue_find_name(&fixture->pool->catalogue, "s"));
	watched_disk_stop();
	fixture_run(fixture);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(first[i].is_done && later[i].is_done);
		expect_byte(fixture, "s", i, 1);
		expect_byte(fixture, "v", i, 2);
	}
}

/* Requests to the disk and their bytes, for a snapshot and a clone of it. */
static void count_creation(struct fixture *fixture, struct watched_disk *disk,
			   unsigned *out_requests, uint64_t *out_bytes)
{
	assert_int_equal(fixture_checkpoint(fixture), 0);
	disk->requests = 0;
	disk->bytes = 0;
	assert_int_equal(fixture_snapshot(fixture, "v", "s"), 0);
	assert_int_equal(fixture_clone(fixture, "s", "c"), 0);
	*out_requests = disk->requests;
	*out_bytes = disk->bytes;
	assert_int_equal(fixture_delete(fixture, "c"), 0);
	assert_int_equal(fixture_delete(fixture, "s"), 0);
}

static void a_full_volume_costs_what_an_empty_one_does(void **state)
{
	struct fixture *fixture = *state;
	struct watched_disk *disk = watched_disk_start(fixture);
	unsigned empty_requests, full_requests;
	uint64_t empty_bytes, full_bytes;

	count_creation(fixture, disk, &empty_requests, &empty_bytes);
	for (uint64_t i = 0; i < 1024; i++)
		put(fixture, "v", i * 16, 1);
	count_creation(fixture, disk, &full_requests, &full_bytes);
	assert_int_equal(volume_find(fixture->pool, "v")->head->mapped_extents, 1024);
	assert_true(full_requests > 0);
	assert_int_equal(full_requests, empty_requests);
	assert_int_equal(full_bytes, empty_bytes);
	watched_disk_stop();
}

#define MANY 1000

static void a_thousand_snapshots_of_one_volume(void **state)
{
	struct fixture *fixture = *state;
	struct random random = {.state = 1};
	static unsigned left[MANY];
	struct volume_facts facts;
	char name[NAME_SIZE];

	for (unsigned i = 0; i < MANY; i++) {
		put(fixture, "v", i % 100 * 16, (int)(i % 251));
		(void)snprintf(name, sizeof(name), "s%u", i);
		assert_int_equal(fixture_snapshot(fixture, "v", name), 0);
		left[i] = i;
	}
	assert_int_equal(fixture_checkpoint(fixture), 0);
	fixture_reopen(fixture);
	describe(fixture, "v", &facts);
	assert_int_equal(facts.depth, MANY + 1);
	assert_int_equal(facts.charged_bytes, MANY * STORE_EXTENT_BYTES);
	for (unsigned count = MANY; count > 0; count--) {
		uint64_t at = random_below(&random, count);
		uint64_t before = fixture->pool->space.mapped_count;
		uint8_t data[4096];

		(void)snprintf(name, sizeof(name), "s%u", left[at]);
		describe(fixture, name, &facts);
		assert_true(facts.is_counted);
		assert_int_equal(fixture_io(fixture, fixture_volume(fixture, name), BLOCK_READ,
					    (uint64_t)(left[at] % 100) * 65536, data, sizeof(data)),
				 0);
		assert_int_equal(data[4095], left[at] % 251);
		assert_int_equal(fixture_delete(fixture, name), 0);
		assert_int_equal((before - fixture->pool->space.mapped_count) * STORE_EXTENT_BYTES,
				 facts.exclusive_bytes);
		left[at] = left[count - 1];
	}
	describe(fixture, "v", &facts);
	assert_int_equal(facts.depth, 1);
	assert_int_equal(facts.exclusive_bytes, 100 * STORE_EXTENT_BYTES);
	assert_int_equal(layer_count(fixture), 1);
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
		cmocka_unit_test_setup_teardown(a_snapshot_is_between_two_requests, start, stop),
		cmocka_unit_test_setup_teardown(a_full_volume_costs_what_an_empty_one_does, start,
						stop),
		cmocka_unit_test_setup_teardown(a_thousand_snapshots_of_one_volume, start_large,
						stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
