/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Freed extents: not before their record is durable, not before old readers are gone. */
#include <errno.h>

#include "base/bitmap.h"
#include "tests/unit/store/store_fixture.h"

static const struct geometry geometry = {.extent_count = 1024, .journal_extents = 16};
static struct space space;

static int start(void **state)
{
	return space_init(&space, &geometry, 64);
}

static int stop(void **state)
{
	space_fini(&space);
	return 0;
}

static uint32_t take_and_map(void)
{
	uint32_t extent;

	assert_int_equal(space_take(&space, 0, &extent), 0);
	space_map(&space, extent);
	return extent;
}

static void extents_follow_each_other_and_run_out(void **state)
{
	uint64_t count = geometry_data_count(&geometry);
	uint32_t extent;
	uint32_t before = 79;

	for (uint64_t i = 0; i < count; i++) {
		assert_int_equal(space_take(&space, before + 1, &extent), 0);
		assert_int_equal(extent, before + 1);
		before = extent;
	}
	assert_int_equal(space_take(&space, 0, &extent), -ENOSPC);
	space_untake(&space, 500);
	assert_int_equal(space_take(&space, 0, &extent), 0);
	assert_int_equal(extent, 500);
}

static void a_freed_extent_waits_for_its_commit(void **state)
{
	uint32_t extent = take_and_map();
	uint32_t late = take_and_map();

	assert_true(space_unmap(&space, extent));
	space_release(&space, extent);
	space_capture(&space);
	assert_true(space_unmap(&space, late));
	space_release(&space, late); /* after the capture: the next commit's */
	assert_true(bitmap_has(space.taken, extent));
	space_commit(&space);
	assert_false(bitmap_has(space.taken, extent));
	assert_true(bitmap_has(space.taken, late));
	assert_true(space_has_pending(&space));
	space_capture(&space);
	space_commit(&space);
	assert_false(bitmap_has(space.taken, late));
}

static void a_freed_extent_waits_for_readers_that_began_before(void **state)
{
	uint32_t extent = take_and_map();
	unsigned old_reader = space_enter(&space);
	unsigned new_reader;

	assert_true(space_unmap(&space, extent));
	space_release(&space, extent);
	space_capture(&space);
	space_commit(&space);
	assert_true(bitmap_has(space.taken, extent));
	new_reader = space_enter(&space);
	space_leave(&space, old_reader);
	assert_false(bitmap_has(space.taken, extent)); /* the new one does not matter */
	space_leave(&space, new_reader);
}

static void readers_without_end_do_not_keep_extents_for_ever(void **state)
{
	unsigned reader = space_enter(&space);

	for (int i = 0; i < 100; i++) {
		uint32_t extent = take_and_map();
		unsigned next;

		assert_true(space_unmap(&space, extent));
		space_release(&space, extent);
		space_capture(&space);
		space_commit(&space);
		next = space_enter(&space); /* there is always one */
		space_leave(&space, reader);
		reader = next;
		assert_true(space.tail - space.head <= 2);
	}
	space_leave(&space, reader);
	assert_false(space_has_pending(&space));
}

static void an_extent_is_claimed_once(void **state)
{
	assert_true(space_claim(&space, 100));
	assert_false(space_claim(&space, 100));
	assert_false(space_claim(&space, 3));	 /* slots */
	assert_false(space_claim(&space, 70));	 /* journal */
	assert_false(space_claim(&space, 1024)); /* past the end */
	assert_true(space_unmap(&space, 100));
	assert_false(space_unmap(&space, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(extents_follow_each_other_and_run_out, start, stop),
		cmocka_unit_test_setup_teardown(a_freed_extent_waits_for_its_commit, start, stop),
		cmocka_unit_test_setup_teardown(a_freed_extent_waits_for_readers_that_began_before,
						start, stop),
		cmocka_unit_test_setup_teardown(readers_without_end_do_not_keep_extents_for_ever,
						start, stop),
		cmocka_unit_test_setup_teardown(an_extent_is_claimed_once, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
