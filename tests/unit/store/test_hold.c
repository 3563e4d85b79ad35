/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A block has one writer at a time; an extent stays with whoever still holds it. */
#include "tests/unit/store/store_fixture.h"

static struct hold_table table;
static struct runner runner;
static struct layer *layer;
static unsigned wakes;

static void woken(struct waiter *waiter, int result)
{
	wakes++;
}

static int start(void **state)
{
	runner_init(&runner);
	wakes = 0;
	return layer_new(1, 1, &layer) || hold_table_init(&table, 8);
}

static int stop(void **state)
{
	hold_table_fini(&table);
	layer_free(layer);
	return 0;
}

static void different_blocks_share_an_extent(void **state)
{
	struct waiter waiter = {.run = woken};
	struct hold *first = hold_take(&table, layer, 5, 0x0f, &waiter);
	struct hold *second = hold_take(&table, layer, 5, 0xf0, &waiter);
	uint32_t place = 0;
	bool is_unmapped = false;

	assert_ptr_equal(first, second);
	first->place = 77;
	assert_false(hold_put(&table, first, 0x0f, &runner, &place, &is_unmapped));
	assert_true(hold_put(&table, second, 0xf0, &runner, &place, &is_unmapped));
	assert_int_equal(place, 77);
}

static void the_same_block_waits_and_is_woken(void **state)
{
	struct waiter waiter = {.run = woken};
	struct hold *hold = hold_take(&table, layer, 5, 0x03, &waiter);
	uint32_t place;
	bool is_unmapped;

	assert_null(hold_take(&table, layer, 5, 0x06, &waiter));
	assert_non_null(hold_take(&table, layer, 6, 0x06, &waiter));
	assert_true(hold_put(&table, hold, 0x03, &runner, &place, &is_unmapped));
	assert_int_equal(place, 0);
	runner_run(&runner);
	assert_int_equal(wakes, 1);
	hold = hold_take(&table, layer, 5, 0x06, &waiter);
	assert_non_null(hold);
	assert_true(hold_put(&table, hold, 0x06, &runner, &place, &is_unmapped));
	hold = hold_take(&table, layer, 6, 0x10, &waiter);
	assert_false(hold_put(&table, hold, 0x10, &runner, &place, &is_unmapped));
	assert_true(hold_put(&table, hold, 0x06, &runner, &place, &is_unmapped));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(different_blocks_share_an_extent, start, stop),
		cmocka_unit_test_setup_teardown(the_same_block_waits_and_is_woken, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
