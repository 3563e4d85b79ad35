/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads, writes and unmaps of a volume whose layer lies over others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/word.h"
#include "tests/unit/store/layers_rig.h"

static struct rig rig;

static int start(void **state)
{
	rig_start(&rig, 512);
	return 0;
}

static int start_4k(void **state)
{
	rig_start(&rig, 4096);
	return 0;
}

static int stop(void **state)
{
	rig_stop(&rig);
	return 0;
}

/* Some blocks of its own for each layer, some overwritten, some unmapped. */
static void stack(unsigned layers)
{
	for (unsigned i = 0; i < layers; i++) {
		for (unsigned n = 0; n < 3; n++)
			rig_act(&rig);
		rig_write(&rig, i % 16 * MIB, 4096);
		rig_unmap(&rig, i % 7 * MIB, 4096);
		rig_freeze(&rig);
	}
}

static void what_lies_under_one_layer_is_read(void **state)
{
	rig_write(&rig, 31 * MIB, MIB);
	rig_freeze(&rig);
	rig_check_all(&rig);
}

static void reads_through_64_layers_agree_with_memory(void **state)
{
	stack(64);
	rig_check_all(&rig);
	for (int i = 0; i < 300; i++)
		rig_act(&rig);
	rig_check_all(&rig);
}

static void reads_through_256_layers_agree_with_memory(void **state)
{
	stack(256);
	rig_check_all(&rig);
}

static void a_thousand_layers_are_no_deeper_than_two(void **state)
{
	rig_write(&rig, 0, MIB);
	for (unsigned i = 0; i < 1000; i++)
		rig_freeze(&rig);
	rig_check(&rig, 0, MIB);
	rig_write(&rig, 512, 512);
	rig_unmap(&rig, 8192, 4096);
	rig_check(&rig, 0, MIB);
}

/* Also where leaves have to come from the disk, for every layer one. */
static void layers_are_read_after_reopening(void **state)
{
	stack(32);
	assert_int_equal(fixture_checkpoint(&rig.fixture), 0);
	fixture_reopen(&rig.fixture);
	rig.volume = volume_find(rig.fixture.pool, "v");
	rig_check_all(&rig);
}

static void random_requests_and_layers_agree_with_memory(void **state)
{
	for (int i = 0; i < 1200; i++) {
		rig_act(&rig);
		if (i % 25 == 0)
			rig_freeze(&rig);
		if (i % 100 == 50) {
			assert_int_equal(fixture_checkpoint(&rig.fixture), 0);
			fixture_reopen(&rig.fixture);
			rig.volume = volume_find(rig.fixture.pool, "v");
		}
	}
	rig_check_all(&rig);
}

static void a_snapshot_reads_as_it_was(void **state)
{
	uint8_t *then = malloc(RIG_SPAN);
	uint8_t *now = rig.model;
	struct volume *volume = rig.volume;

	for (int i = 0; i < 60; i++)
		rig_act(&rig);
	rig_freeze(&rig);
	memcpy(then, rig.model, RIG_SPAN);
	for (int i = 0; i < 60; i++)
		rig_act(&rig);
	rig.volume = volume_find(rig.fixture.pool, "s0");
	rig.model = then;
	rig_check_all(&rig);
	rig.volume = volume;
	rig.model = now;
	rig_check_all(&rig);
	free(then);
}

/* 4 KiB are written, not the extent, and the rest of it stays inherited. */
static void a_block_over_an_inherited_extent_is_written_alone(void **state)
{
	uint64_t word;
	struct leaf *leaf;
	struct waiter waiter;

	rig_write(&rig, 0, 64 * KIB);
	rig_freeze(&rig);
	rig_write(&rig, 8 * KIB, 4 * KIB);
	rig_check(&rig, 0, 64 * KIB);
	assert_int_equal(
		leaf_get(&rig.fixture.pool->cache, rig.volume->head, 0, false, &waiter, &leaf), 0);
	word = leaf_word(leaf, 0);
	leaf_put(&rig.fixture.pool->cache, leaf);
	assert_int_equal(word_written(word), 1u << 2);
	assert_int_equal(word_zero(word), 0);
}

static void a_part_of_an_inherited_block_keeps_the_rest(void **state)
{
	rig_write(&rig, 0, 128 * KIB);
	rig_freeze(&rig);
	rig_write(&rig, 4096 + 512, 1024);	    /* inside of one block */
	rig_write(&rig, 64 * KIB - 512, 1024);	    /* over the end of an extent */
	rig_write(&rig, 128 * KIB - 512, 64 * KIB); /* the tail is nobody's yet */
	rig_check(&rig, 0, 256 * KIB);
	rig_freeze(&rig);
	rig_write(&rig, 4096 + 1024, 512);
	rig_check(&rig, 0, 256 * KIB);
}

static void unmapping_hides_what_is_inherited(void **state)
{
	struct layer *base = rig.volume->head;

	rig_write(&rig, 0, MIB);
	rig_write(&rig, 40 * MIB, MIB);
	rig_freeze(&rig);
	rig_unmap(&rig, 4096, 4096);		   /* there is no leaf yet */
	rig_unmap(&rig, 128 * KIB, 64 * KIB);	   /* a whole extent */
	rig_unmap(&rig, 256 * KIB + 512, 9 * KIB); /* parts of blocks too */
	rig_unmap(&rig, 32 * MIB, 16 * MIB);	   /* more than a leaf, parts of it empty */
	rig_check_all(&rig);
	rig_freeze(&rig);
	rig_check_all(&rig);
	assert_int_equal(base->mapped_extents, 32);
}

static void unmapping_what_no_layer_has_costs_nothing(void **state)
{
	rig_write(&rig, 0, 4096);
	rig_freeze(&rig);
	rig_unmap(&rig, 32 * MIB, 32 * MIB);
	assert_true(leaf_is_absent(&rig.fixture.pool->cache, rig.volume->head, 1));
	assert_int_equal(rig.volume->head->mapped_extents, 0);
}

static void a_hole_below_is_not_written_by_the_edges_of_an_unmap(void **state)
{
	rig_write(&rig, 0, 4096);
	rig_freeze(&rig);
	rig_unmap(&rig, 64 * KIB + 512, 3 * 4096);
	assert_int_equal(rig.volume->head->mapped_extents, 0);
}

static void map_says_what_any_layer_has(void **state)
{
	struct block_io io = {.kind = BLOCK_MAP, .length = 16 * MIB};

	rig_write(&rig, 64 * KIB, 128 * KIB);
	rig_freeze(&rig);
	rig_write(&rig, 192 * KIB, 4 * KIB);
	rig_unmap(&rig, 68 * KIB, 4 * KIB);
	rig_freeze(&rig);
	for (uint64_t at = 0; at < 16 * MIB; at += io.length) {
		static const uint64_t ends[] = {64, 68, 72, 196, 16 * KIB};
		static const bool mapped[] = {false, true, false, true, false};
		static unsigned n;

		io.offset = at;
		io.length = 16 * MIB - at;
		assert_int_equal(fixture_map(&rig.fixture, &rig.volume->block, &io), 0);
		assert_int_equal(io.offset + io.length, ends[n] * KIB);
		assert_int_equal(io.is_mapped, mapped[n]);
		n++;
	}
}

static void what_is_shadowed_is_counted_as_it_changes(void **state)
{
	for (unsigned layer = 0; layer < 6; layer++) {
		for (int i = 0; i < 80; i++) {
			rig_act(&rig);
			assert_int_equal(rig.volume->head->shadowed_extents,
					 rig_count_shadowed(&rig));
		}
		rig_freeze(&rig);
	}
}

static void only_leaves_that_were_counted_are_kept_counted(void **state)
{
	struct layer *layer;

	rig_write(&rig, 0, MIB);
	rig_write(&rig, 33 * MIB, MIB);
	rig_freeze(&rig);
	layer = rig.volume->head;
	layer->is_counted = false;
	layer->count_cursor = 1;
	rig_write(&rig, 0, 64 * KIB);
	rig_write(&rig, 33 * MIB, 64 * KIB);
	assert_int_equal(layer->shadowed_extents, 1);
	layer->is_counted = true;
	rig_write(&rig, 34 * MIB - 64 * KIB, 64 * KIB);
	assert_int_equal(layer->shadowed_extents, 2);
}

static void the_owner_is_charged_for_what_its_layers_map(void **state)
{
	rig_write(&rig, 0, MIB);
	assert_int_equal(rig.volume->charged_extents, 16);
	rig_freeze(&rig);
	rig_write(&rig, 0, 128 * KIB);
	assert_int_equal(rig.volume->charged_extents, 18);
	rig_unmap(&rig, 0, 64 * KIB);
	assert_int_equal(rig.volume->charged_extents, 17);
}

int main(void)
{
#define TEST(name)    cmocka_unit_test_setup_teardown(name, start, stop)
#define TEST_4K(name) cmocka_unit_test_setup_teardown(name, start_4k, stop)
	const struct CMUnitTest tests[] = {
		TEST(what_lies_under_one_layer_is_read),
		TEST(reads_through_64_layers_agree_with_memory),
		TEST(reads_through_256_layers_agree_with_memory),
		TEST(a_thousand_layers_are_no_deeper_than_two),
		TEST(layers_are_read_after_reopening),
		TEST(random_requests_and_layers_agree_with_memory),
		TEST_4K(random_requests_and_layers_agree_with_memory),
		TEST(a_snapshot_reads_as_it_was),
		TEST(a_block_over_an_inherited_extent_is_written_alone),
		TEST(a_part_of_an_inherited_block_keeps_the_rest),
		TEST_4K(a_part_of_an_inherited_block_keeps_the_rest),
		TEST(unmapping_hides_what_is_inherited),
		TEST_4K(unmapping_hides_what_is_inherited),
		TEST(unmapping_what_no_layer_has_costs_nothing),
		TEST(a_hole_below_is_not_written_by_the_edges_of_an_unmap),
		TEST(map_says_what_any_layer_has),
		TEST(what_is_shadowed_is_counted_as_it_changes),
		TEST(only_leaves_that_were_counted_are_kept_counted),
		TEST(the_owner_is_charged_for_what_its_layers_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
