/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metadata that needs more than the zones' slots. The pool of 128 MiB has 992 of them; every
 * write here goes to a leaf of its own, the worst there is. Data must run out before metadata does,
 * what gives space back must always work, and no crash may harm what was made durable meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/random.h"
#include "block/sim.h"
#include "store/check.h"
#include "tests/unit/store/store_fixture.h"

#define LEAF_BYTES (UINT64_C(504) * 64 * KIB)
#define SPOTS	   4000
#define CRASHES	   60

struct rig {
	struct block_queue queue;
	struct sim_disk *disk;
	struct pool *pool;
	struct random random;
	uint32_t written; /* spots that were, one after the other */
	uint64_t generation;
	uint64_t content[SPOTS];
};

static struct rig rig;

struct wait {
	struct store_request request;
	struct block_io io;
	int result;
};

static void wait_done(struct store_request *request, int result)
{
	container_of(request, struct wait, request)->result = result;
}

static void io_done(struct block_io *io, int result)
{
	container_of(io, struct wait, io)->result = result;
}

static int finish(const struct wait *wait)
{
	while (block_queue_run(&rig.queue) || sim_disk_step(rig.disk))
		;
	assert_int_not_equal(wait->result, 1);
	return wait->result;
}

static struct wait wait_new(void)
{
	return (struct wait){.request.done = wait_done, .result = 1};
}

static void open_pool(uint64_t cache_bytes)
{
	const struct pool_settings settings = {.cache_bytes = cache_bytes};
	struct wait wait = wait_new();

	rig.pool = NULL;
	pool_open(sim_disk_block(rig.disk), &settings, &rig.pool, &wait.request);
	if (finish(&wait) != 0)
		fail_msg("the pool does not open: %s", wait.request.error.text);
}

static void close_pool(void)
{
	struct wait wait = wait_new();

	pool_close(rig.pool, &wait.request);
	assert_int_equal(finish(&wait), 0);
	rig.pool = NULL;
}

static void create(const char *name)
{
	struct volume_spec spec = {.size_bytes = 2048 * LEAF_BYTES, .created_at_s = 1};
	struct wait wait = wait_new();

	(void)strncpy(spec.name, name, NAME_LEN_MAX); /* names of tests are short */
	volume_create(rig.pool, &spec, &wait.request);
	if (finish(&wait) != 0)
		fail_msg("no volume: %s", wait.request.error.text);
}

static int start_with(uint64_t journal_bytes)
{
	const struct pool_format format = {.name = "p", .journal_bytes = journal_bytes};
	struct wait wait = wait_new();

	memset(&rig, 0, sizeof(rig));
	rig.random.state = 7;
	block_queue_init(&rig.queue, NULL, NULL);
	rig.disk = sim_disk_new(sim_image_new(128 * MIB), 512, &rig.queue, 7);
	pool_format(sim_disk_block(rig.disk), &format, &wait.request);
	assert_int_equal(finish(&wait), 0);
	open_pool(1);
	create("a");
	create("b");
	return 0;
}

static int start(void **state)
{
	return start_with(256 * KIB);
}

static int start_long_journal(void **state)
{
	return start_with(4 * MIB);
}

static int stop(void **state)
{
	if (rig.pool)
		close_pool();
	sim_disk_free(rig.disk);
	return 0;
}

static int io(const char *name, enum block_kind kind, uint64_t offset, void *data, uint64_t length)
{
	struct iovec iov = {.iov_base = data, .iov_len = length};
	struct wait wait = {.io = {.kind = kind,
				   .offset = offset,
				   .length = length,
				   .iov = &iov,
				   .iov_count = 1,
				   .done = io_done},
			    .result = 1};

	block_submit(&volume_find(rig.pool, name)->block, &wait.io);
	return finish(&wait);
}

/* Spot n: a block in a leaf of its own, in turns of the two volumes. */
static int spot_io(uint32_t spot, enum block_kind kind, void *data)
{
	return io(spot % 2 ? "b" : "a", kind, spot / 2 * LEAF_BYTES + 8 * KIB, data, 4 * KIB);
}

static int spot_write(uint32_t spot)
{
	uint64_t data[512];
	int ret;

	for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
		data[i] = rig.generation + 1;
	ret = spot_io(spot, BLOCK_WRITE, data);
	if (ret == 0)
		rig.content[spot] = ++rig.generation;
	return ret;
}

static void spot_unmap(uint32_t spot)
{
	assert_int_equal(spot_io(spot, BLOCK_UNMAP, NULL), 0);
	rig.content[spot] = 0;
}

/* Another extent in the spot's leaf. */
static int second_extent(uint32_t spot, enum block_kind kind)
{
	uint64_t data[512] = {0};

	return io(spot % 2 ? "b" : "a", kind, spot / 2 * LEAF_BYTES + 256 * KIB, data, 4 * KIB);
}

static void expect_spot(uint32_t spot)
{
	uint64_t data[512] = {0};

	assert_int_equal(spot_io(spot, BLOCK_READ, data), 0);
	assert_int_equal(data[0], rig.content[spot]);
	assert_int_equal(data[511], rig.content[spot]);
}

static void expect_clean(void)
{
	struct wait wait = wait_new();
	struct check_report report;

	pool_check(rig.pool, &report, &wait.request);
	assert_int_equal(finish(&wait), 0);
	assert_string_equal(report.first.text, "");
}

static void checkpoint(void)
{
	struct wait wait = wait_new();

	pool_checkpoint(rig.pool, &wait.request);
	assert_int_equal(finish(&wait), 0);
}

/* Write until the pool is full; it must be, and of data alone. */
static void fill(void)
{
	int ret = 0;

	while (rig.written < SPOTS && (ret = spot_write(rig.written)) == 0)
		rig.written++;
	assert_int_equal(ret, -ENOSPC);
	assert_int_equal(rig.pool->space.free_count, 0);
	assert_int_equal(rig.pool->state, POOL_READ_WRITE);
}

static void data_runs_out_before_metadata_does(void **state)
{
	fill();
	assert_true(rig.written > 1800);
	assert_true(rig.pool->slots.live_count > rig.written);
	checkpoint();
	expect_clean();
	for (uint32_t i = 0; i < rig.written; i += 50)
		expect_spot(i);
}

static void overwrites_unmaps_and_deletions_work_when_all_is_full(void **state)
{
	fill();
	for (uint32_t i = 0; i < rig.written; i += 7)
		assert_int_equal(spot_write(i), 0);
	for (uint32_t i = 0; i < rig.written; i += 3)
		spot_unmap(i);
	checkpoint();
	expect_clean();
	for (uint32_t i = 0; i < rig.written; i++)
		expect_spot(i);
	assert_true(rig.pool->space.free_count > rig.written / 4);
}

static void extents_of_metadata_go_back_to_data(void **state)
{
	struct wait wait = wait_new();

	fill();
	assert_true(rig.pool->slots.extent_count > 0);
	volume_delete(rig.pool, "a", &wait.request);
	assert_int_equal(finish(&wait), 0);
	volume_delete(rig.pool, "b", &wait.request);
	assert_int_equal(finish(&wait), 0);
	checkpoint();
	checkpoint();
	expect_clean();
	assert_int_equal(rig.pool->slots.extent_count, 0);
	assert_int_equal(rig.pool->space.free_count, geometry_data_count(&rig.pool->geometry));
}

static void a_pool_full_of_metadata_opens_again(void **state)
{
	uint32_t extents;

	fill();
	extents = rig.pool->slots.extent_count;
	assert_true(extents > 0);
	close_pool();
	open_pool(1);
	expect_clean();
	assert_true(rig.pool->slots.extent_count >= extents / 2);
	for (uint32_t i = 0; i < rig.written; i += 10)
		expect_spot(i);
}

/* Power off now: all was flushed, so all is there, and what opens is sound. */
static void crash_and_look(uint64_t cache_bytes)
{
	struct rig world = rig;

	rig.disk = sim_disk_new(sim_disk_crash(world.disk, &rig.random), 512, &rig.queue,
				random_next(&rig.random));
	block_queue_init(&rig.queue, NULL, NULL);
	open_pool(cache_bytes);
	expect_clean();
	for (uint32_t i = 0; i < rig.written; i += 1 + (uint32_t)random_below(&rig.random, 20))
		expect_spot(i);
	close_pool();
	sim_disk_free(rig.disk);
	world.random = rig.random;
	rig = world;
}

/* A new spot, or one that was before, or one less. */
static void change_something(void)
{
	uint32_t spot = rig.written;

	if (random_below(&rig.random, 3) == 0)
		spot = (uint32_t)random_below(&rig.random, rig.written + 1);
	if (spot < rig.written && random_below(&rig.random, 2))
		spot_unmap(spot);
	else if (spot_write(spot) == 0)
		rig.written += spot == rig.written;
}

static void no_crash_while_it_fills_up_harms_what_is_durable(void **state)
{
	for (uint32_t i = 0; i < CRASHES; i++) {
		uint64_t steps = random_below(&rig.random, 40);
		struct wait wait = wait_new();

		rig.pool->space.cursor = 0; /* what was freed is wanted again at once */
		for (int n = 0; n < 50; n++)
			change_something();
		assert_int_equal(io("a", BLOCK_FLUSH, 0, NULL, 0), 0);
		pool_checkpoint(rig.pool, &wait.request);
		while (steps-- > 0 && (block_queue_run(&rig.queue) || sim_disk_step(rig.disk)))
			;
		crash_and_look(1);
		assert_int_equal(finish(&wait), 0);
	}
	assert_true(rig.pool->slots.extent_count > 0);
}

/*
 * A journal with more than a small cache takes is replayed with checkpoints in the midst of it.
 * None of those may put metadata where later records have data.
 */
static void a_replay_with_a_smaller_cache_spares_what_the_journal_names(void **state)
{
	close_pool();
	open_pool(16 * MIB);
	while (rig.written < 1500) {
		assert_int_equal(spot_write(rig.written), 0);
		if (rig.written < 200)
			assert_int_equal(second_extent(rig.written, BLOCK_WRITE), 0);
		rig.written++;
	}
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(second_extent(i, BLOCK_UNMAP), 0);
	checkpoint();
	rig.pool->space.cursor = 0; /* so that the extents of those are the first to be had */
	for (int i = 0; i < 120; i++) {
		assert_int_equal(spot_write(rig.written), 0);
		rig.written++;
	}
	assert_int_equal(io("a", BLOCK_FLUSH, 0, NULL, 0), 0);
	assert_true(rig.pool->cache.dirty_count >= 120);
	assert_true(rig.pool->slots.extent_count > 0);
	for (int i = 0; i < 5; i++)
		crash_and_look(1);
}

/* More than there are free slots: all get through, checkpoint by checkpoint. */
static void changes_of_a_full_pool_wait_for_slots(void **state)
{
	uint64_t data[512] = {1};

	close_pool();
	open_pool(64 * MIB);
	fill();
	checkpoint();
	assert_true(slot_map_room(&rig.pool->slots) < 400); /* less than the journal has room for */
	for (uint32_t i = 0; i < rig.written; i++)
		assert_int_equal(io(i % 2 ? "b" : "a", BLOCK_WRITE, i / 2 * LEAF_BYTES + 16 * KIB,
				    data, 4 * KIB),
				 0);
	checkpoint();
	expect_clean();
}

static void create_large(const char *name)
{
	struct volume_spec spec = {.size_bytes = 16 * TIB, .created_at_s = 1};
	struct wait wait = wait_new();

	(void)strncpy(spec.name, name, NAME_LEN_MAX); /* names of tests are short */
	volume_create(rig.pool, &spec, &wait.request);
	assert_int_equal(finish(&wait), 0);
}

static void snapshot_name(char *name, uint32_t n)
{
	(void)snprintf(name, NAME_SIZE, "s%u", n); /* short */
}

static void take_snapshot(uint32_t n)
{
	struct snapshot_spec spec = {.volume = "large", .created_at_s = 1};
	struct wait wait = wait_new();

	snapshot_name(spec.name, n);
	volume_snapshot(rig.pool, &spec, &wait.request);
	if (finish(&wait) != 0)
		fail_msg("snapshot %u: %s", n, wait.request.error.text);
}

static void delete_name(const char *name)
{
	struct wait wait = wait_new();

	volume_delete(rig.pool, name, &wait.request);
	assert_int_equal(finish(&wait), 0);
}

/* In full it would need 530000 leaves, the pool has 992 slots. Each snapshot takes four. */
static void a_thousand_snapshots_of_a_large_volume_are_no_problem(void **state)
{
	const uint64_t far = 10 * TIB;
	uint64_t data[512];
	char name[NAME_SIZE];

	create_large("large");
	for (uint32_t i = 0; i < 1000; i++) {
		data[0] = i;
		assert_int_equal(io("large", BLOCK_WRITE, far + i * MIB, data, sizeof(data)), 0);
		take_snapshot(i);
	}
	assert_true(rig.pool->slots.extent_count > 100);
	expect_clean();
	close_pool();
	open_pool(1);
	expect_clean();
	for (uint32_t i = 0; i < 1000; i += 100) {
		assert_int_equal(io("large", BLOCK_READ, far + i * MIB, data, sizeof(data)), 0);
		assert_int_equal(data[0], i);
	}
	delete_name("large");
	for (uint32_t i = 0; i < 1000; i++) {
		snapshot_name(name, (i * 7) % 1000);
		delete_name(name);
	}
	checkpoint();
	checkpoint();
	expect_clean();
	assert_int_equal(rig.pool->space.free_count, geometry_data_count(&rig.pool->geometry));
}

/* UNMAP needs a leaf for what lies in a snapshot: the reserve is there for it. */
static void unmap_over_a_snapshot_works_when_all_is_full(void **state)
{
	uint64_t data[512] = {1};
	uint64_t count = 0;

	create_large("large");
	while (io("large", BLOCK_WRITE, count * LEAF_BYTES, data, sizeof(data)) == 0) {
		count++;
		if (rig.pool->space.free_count == 100)
			take_snapshot(0);
	}
	assert_true(count > 1000);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(io("large", BLOCK_UNMAP, i * LEAF_BYTES, NULL, sizeof(data)), 0);
	assert_int_equal(io("large", BLOCK_READ, 50 * LEAF_BYTES, data, sizeof(data)), 0);
	assert_int_equal(data[0], 0);
	delete_name("s0"); /* and so does the merge */
	assert_int_equal(io("large", BLOCK_READ, 50 * LEAF_BYTES, data, sizeof(data)), 0);
	assert_int_equal(data[0], 0);
	assert_int_equal(io("large", BLOCK_READ, 150 * LEAF_BYTES, data, sizeof(data)), 0);
	assert_int_equal(data[0], 1);
	checkpoint();
	expect_clean();
	assert_true(rig.pool->space.free_count >= 100);
}

static struct geometry small = {.extent_count = 1024, .journal_extents = 4};
static struct space space;
static struct slot_map slots;

static int start_map(void **state)
{
	assert_int_equal(space_init(&space, &small, 64), 0);
	return slot_map_init(&slots, &small, &space);
}

static int stop_map(void **state)
{
	slot_map_fini(&slots);
	space_fini(&space);
	return 0;
}

/* A page in a data extent: its place. */
static uint64_t take_beyond_zones(void)
{
	uint64_t block;

	do {
		assert_int_equal(slot_map_take(&slots, 0, &block), 0);
	} while (geometry_is_slot_block(&small, block));
	return format_place(block, 7);
}

static void an_extent_goes_back_when_no_checkpoint_needs_it(void **state)
{
	uint64_t place;
	uint64_t extent;

	assert_int_equal(slot_map_extend(&slots), 0);
	assert_int_equal(slot_map_extend(&slots), 0);
	place = take_beyond_zones();
	extent = format_place_block(place) / EXTENT_BLOCKS;
	slot_map_capture(&slots);
	slot_map_drop_place(&slots, place); /* after the capture: that checkpoint has it */
	slot_map_commit(&slots, 0);
	assert_true(slot_map_has_extent(&slots, extent));
	slot_map_capture(&slots);
	slot_map_commit(&slots, 17);
	assert_true(slot_map_has_extent(&slots, extent)); /* so many are wanted */
	slot_map_commit(&slots, 0);
	assert_false(slot_map_has_extent(&slots, extent));
	assert_int_equal(space.free_count, geometry_data_count(&small));
}

static void the_bitmaps_have_an_extent_while_it_has_a_page(void **state)
{
	uint64_t place;
	uint64_t extent;

	assert_int_equal(slot_map_extend(&slots), 0);
	assert_int_equal(space.mapped_count, 0);
	place = take_beyond_zones();
	extent = format_place_block(place) / EXTENT_BLOCKS;
	assert_true(bitmap_has(space.mapped, extent));
	slot_map_drop_place(&slots, place);
	assert_false(bitmap_has(space.mapped, extent));
	assert_true(bitmap_has(space.taken, extent));
}

/* Many, so that their table grows and closes up. */
static void extents_are_found_again_whichever_went(void **state)
{
	uint64_t places[40 * 16];

	for (int i = 0; i < 40; i++)
		assert_int_equal(slot_map_extend(&slots), 0);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		places[i] = take_beyond_zones();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (format_place_block(places[i]) / EXTENT_BLOCKS % 3)
			slot_map_drop_place(&slots, places[i]);
	}
	slot_map_capture(&slots);
	slot_map_commit(&slots, 0);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint64_t extent = format_place_block(places[i]) / EXTENT_BLOCKS;

		assert_int_equal(slot_map_has_extent(&slots, extent), extent % 3 == 0);
		assert_int_equal(slot_map_has_page(&slots, format_place_block(places[i])),
				 extent % 3 == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(data_runs_out_before_metadata_does, start, stop),
		cmocka_unit_test_setup_teardown(
			overwrites_unmaps_and_deletions_work_when_all_is_full, start, stop),
		cmocka_unit_test_setup_teardown(extents_of_metadata_go_back_to_data, start, stop),
		cmocka_unit_test_setup_teardown(a_pool_full_of_metadata_opens_again, start, stop),
		cmocka_unit_test_setup_teardown(no_crash_while_it_fills_up_harms_what_is_durable,
						start, stop),
		cmocka_unit_test_setup_teardown(
			a_replay_with_a_smaller_cache_spares_what_the_journal_names,
			start_long_journal, stop),
		cmocka_unit_test_setup_teardown(changes_of_a_full_pool_wait_for_slots,
						start_long_journal, stop),
		cmocka_unit_test_setup_teardown(
			a_thousand_snapshots_of_a_large_volume_are_no_problem, start, stop),
		cmocka_unit_test_setup_teardown(unmap_over_a_snapshot_works_when_all_is_full, start,
						stop),
		cmocka_unit_test_setup_teardown(an_extent_goes_back_when_no_checkpoint_needs_it,
						start_map, stop_map),
		cmocka_unit_test_setup_teardown(the_bitmaps_have_an_extent_while_it_has_a_page,
						start_map, stop_map),
		cmocka_unit_test_setup_teardown(extents_are_found_again_whichever_went, start_map,
						stop_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
