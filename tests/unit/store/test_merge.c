/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layers without a name are merged and freed: whatever is deleted in whatever order, what is left
 * reads as before, all counters are right, and at the end all space is back.
 *
 *	test_merge [long]
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "store/merge_word.h"
#include "store/word.h"
#include "tests/unit/store/tree_rig.h"

static struct tree_rig rig;

/* What a block of a word with words below is: 'w' the upper's, 'b' the lower's, 'z', '-'. */
static char block_of(uint64_t above, uint64_t below, unsigned block)
{
	if (word_written(above) >> block & 1)
		return 'w';
	if (word_zero(above) >> block & 1)
		return 'z';
	if (word_written(below) >> block & 1)
		return 'b';
	return word_zero(below) >> block & 1 ? 'z' : '-';
}

/* All pairs of words of three blocks. */
static void a_merged_word_says_what_both_did(void **state)
{
	for (unsigned pair = 0; pair < 729 * 2; pair++) {
		uint16_t bits[4] = {0};
		unsigned rest = pair / 2;

		for (unsigned block = 0; block < 6; block++, rest /= 3) {
			if (rest % 3)
				bits[block / 3 * 2 + rest % 3 - 1] |= (uint16_t)(1 << block % 3);
		}
		uint64_t below = word_make(bits[0] ? 7 : 0, bits[0], bits[1]);
		uint64_t above = word_make(bits[2] ? 9 : 0, bits[2], bits[3]);
		bool has_parent = pair % 2;
		struct merge_word merged = merge_word(below, above, has_parent);
		uint32_t place = word_place(merged.word);

		assert_true(word_is_sound(merged.word));
		assert_true(__builtin_popcount(merged.copied) <= 1);
		for (unsigned block = 0; block < 3; block++) {
			char is = block_of(above, below, block);
			char will = block_of(merged.word, 0, block);
			bool is_copied = merged.copied >> block & 1;

			if (is == 'w' || is == 'b') {
				assert_int_equal(will, 'w');
				assert_int_equal(is_copied ? merged.from : place,
						 is == 'w' ? 9 : 7);
				assert_true(!is_copied || merged.to == place);
			} else {
				assert_int_equal(will, has_parent ? is : '-');
				assert_false(is_copied);
			}
		}
		for (unsigned had = 7; had <= 9; had += 2) {
			bool was = had == word_place(below) || had == word_place(above);

			assert_int_equal(was, had == place || had == merged.freed_place);
		}
	}
}

/* The permutation numbered `number` of the names decides who goes next. */
static void delete_in_order(unsigned number, unsigned names)
{
	int left[TREE_NAMES];

	for (unsigned i = 0; i < names; i++)
		left[i] = (int)i;
	for (; names > 0; names--) {
		unsigned at = number % names;

		number /= names;
		tree_rig_delete_counted(&rig, left[at]);
		left[at] = left[names - 1];
		tree_rig_check_content(&rig);
		tree_rig_check_counters(&rig);
	}
}

static void every_small_tree(unsigned steps)
{
	unsigned trees = 1;
	unsigned orders = 1;

	for (unsigned i = 1; i <= steps; i++)
		trees *= i;
	for (unsigned i = 1; i <= steps + 1; i++)
		orders *= i;
	tree_rig_start(&rig, steps);
	for (unsigned tree = 0; tree < trees; tree++) {
		for (unsigned order = 0; order < orders; order++) {
			if (tree + order > 0)
				assert_int_equal(tree_rig_create(&rig), 0);
			tree_rig_write(&rig, 0);
			assert_true(tree_rig_grow(&rig, tree, steps));
			delete_in_order(order, steps + 1);
			tree_rig_check_empty(&rig);
		}
	}
	tree_rig_stop(&rig);
}

static void small_trees_go_in_any_order(void **state)
{
	every_small_tree(3);
}

static void larger_trees_go_in_any_order(void **state)
{
	every_small_tree(4);
}

static unsigned name_count(void)
{
	unsigned count = 0;

	for (int i = 0; i < TREE_NAMES; i++)
		count += rig.names[i].is_there;
	return count;
}

/* One of everything that can be done to a tree. */
static void act(void)
{
	int volume = tree_rig_choose(&rig, false);
	int snapshot = tree_rig_choose(&rig, true);
	unsigned what = (unsigned)random_below(&rig.random, 12);
	bool has_room = name_count() < TREE_NAMES - 2;

	if (what < 4 && volume >= 0) {
		tree_rig_write(&rig, volume);
	} else if (what < 5 && volume >= 0) {
		tree_rig_unmap(&rig, volume);
	} else if (what < 7 && volume >= 0 && has_room) {
		(void)tree_rig_snapshot(&rig, volume);
	} else if (what < 9 && snapshot >= 0 && has_room) {
		(void)tree_rig_clone(&rig, snapshot);
	} else if (what < 10 && snapshot >= 0 && rig.names[snapshot].volume >= 0) {
		tree_rig_revert(&rig, rig.names[snapshot].volume, snapshot);
	} else if (what == 10 && snapshot >= 0) {
		tree_rig_delete_counted(&rig, snapshot);
	} else if (what == 11 && volume >= 0 && name_count() > 4) {
		tree_rig_delete_counted(&rig, volume);
	} else if (volume < 0) {
		(void)tree_rig_create(&rig);
	}
}

static void random_program(uint64_t seed, unsigned steps)
{
	tree_rig_start(&rig, seed);
	for (unsigned i = 0; i < steps; i++) {
		act();
		tree_rig_check_content(&rig);
		tree_rig_check_counters(&rig);
		if (random_below(&rig.random, 16) == 0)
			assert_int_equal(fixture_checkpoint(&rig.fixture), 0);
		if (random_below(&rig.random, 16) == 0) {
			int volume = tree_rig_choose(&rig, false);

			if (volume >= 0)
				tree_rig_flush(&rig, volume);
			tree_rig_kill(&rig);
		}
	}
	for (int i = 0; i < TREE_NAMES; i++) {
		if (rig.names[i].is_there)
			tree_rig_delete_counted(&rig, i);
	}
	tree_rig_check_empty(&rig);
	tree_rig_stop(&rig);
}

static void random_trees_keep_their_content(void **state)
{
	for (uint64_t seed = 1; seed <= 3; seed++)
		random_program(seed, 120);
}

static void random_trees_keep_their_content_for_long(void **state)
{
	for (uint64_t seed = 100; seed <= 140; seed++) {
		print_message("seed %d\n", (int)seed);
		random_program(seed, 400);
	}
}

static void requests_go_on_during_a_merge(void **state)
{
	for (uint64_t seed = 1; seed <= 16; seed++) {
		tree_rig_start(&rig, seed);
		for (int i = 1; i < 8; i++) {
			for (int n = 0; n < 4; n++)
				tree_rig_write(&rig, 0);
			tree_rig_unmap(&rig, 0);
			assert_int_equal(tree_rig_snapshot(&rig, 0), i);
		}
		for (int i = 7; i > 0; i--) {
			tree_rig_delete_begin(&rig, i);
			assert_true(tree_rig_disturb(&rig, 0, UINT_MAX, seed % 2));
			tree_rig_check_content(&rig);
			tree_rig_check_counters(&rig);
		}
		tree_rig_stop(&rig);
	}
}

/* So many snapshots are merged away, with another one taken in the midst of it. True: all done. */
static bool crash_in_a_merge(unsigned seed, int snapshots, unsigned turns)
{
	bool checkpoints = seed % 2;
	bool has_ended;

	tree_rig_start(&rig, seed);
	for (int i = 1; i <= snapshots; i++) {
		for (int n = 0; n < 4; n++)
			tree_rig_write(&rig, 0);
		tree_rig_unmap(&rig, 0);
		assert_int_equal(tree_rig_snapshot(&rig, 0), i);
	}
	for (int i = snapshots; i > 0; i--)
		tree_rig_delete_begin(&rig, i);
	(void)tree_rig_disturb(&rig, 0, turns / 2, checkpoints);
	assert_int_equal(tree_rig_snapshot_begin(&rig, 0), 1);
	has_ended = tree_rig_disturb(&rig, 0, turns - turns / 2, checkpoints);
	if (seed % 4 >= 2)
		tree_rig_kill(&rig);
	fixture_run(&rig.fixture);
	tree_rig_check_content(&rig);
	tree_rig_check_counters(&rig);
	tree_rig_delete_counted(&rig, 1);
	tree_rig_delete_counted(&rig, 0);
	tree_rig_check_empty(&rig);
	tree_rig_stop(&rig);
	return has_ended;
}

static void requests_and_a_crash_during_a_merge(void **state)
{
	for (unsigned seed = 0; seed < 12; seed++) {
		int snapshots = 1 + (int)seed / 4;
		unsigned turns = seed;

		while (!crash_in_a_merge(seed, snapshots, turns))
			turns += 5;
	}
}

/* Whatever turn the process dies in, the merge goes on where it was. */
static void a_merge_goes_on_after_a_crash(void **state)
{
	bool has_ended = false;

	for (unsigned turns = 0; !has_ended; turns++) {
		tree_rig_start(&rig, turns);
		for (int i = 0; i < 4; i++) {
			for (int n = 0; n < 6; n++)
				tree_rig_write(&rig, 0);
			tree_rig_unmap(&rig, 0);
			(void)tree_rig_snapshot(&rig, 0);
		}
		tree_rig_write(&rig, 0);
		tree_rig_flush(&rig, 0);
		if (turns % 2)
			assert_int_equal(fixture_checkpoint(&rig.fixture), 0);
		tree_rig_delete_begin(&rig, 2);
		tree_rig_delete_begin(&rig, 3);
		for (unsigned i = 0; i < turns; i++)
			(void)block_queue_run(&rig.fixture.queue);
		has_ended = !rig.fixture.pool->background.layer;
		tree_rig_kill(&rig);
		tree_rig_check_content(&rig);
		tree_rig_check_counters(&rig);
		tree_rig_delete_counted(&rig, 0);
		tree_rig_delete_counted(&rig, 4);
		tree_rig_delete_counted(&rig, 1);
		tree_rig_check_empty(&rig);
		tree_rig_stop(&rig);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_merged_word_says_what_both_did),
		cmocka_unit_test(small_trees_go_in_any_order),
		cmocka_unit_test(random_trees_keep_their_content),
		cmocka_unit_test(requests_go_on_during_a_merge),
		cmocka_unit_test(requests_and_a_crash_during_a_merge),
		cmocka_unit_test(a_merge_goes_on_after_a_crash),
	};
	const struct CMUnitTest long_tests[] = {
		cmocka_unit_test(larger_trees_go_in_any_order),
		cmocka_unit_test(random_trees_keep_their_content_for_long),
	};

	if (argc > 1 && strcmp(argv[1], "long") == 0)
		return cmocka_run_group_tests(long_tests, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
