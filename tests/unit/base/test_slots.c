/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slots: all can be had once, come back, and keep index, alignment and content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/slots.h"

static void each_slot_is_had_once(void **state)
{
	struct slots slots;
	char *out[5];

	assert_int_equal(slots_init(&slots, 5, 3), 0);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(slots_used(&slots), i);
		out[i] = slots_get(&slots);
		assert_non_null(out[i]);
		assert_int_equal((uintptr_t)out[i] % alignof(max_align_t), 0);
		memset(out[i], (int)i + 1, 3);
	}
	assert_null(slots_get(&slots));
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(out[i][0], i + 1); /* nobody wrote into another's */
		assert_int_equal(out[i][2], i + 1);
		slots_put(&slots, out[i]);
	}
	slots_fini(&slots);
}

static void slots_are_zeroed_and_indexes_begin_at_0(void **state)
{
	static const char zeros[24];
	struct slots slots;
	void *first;

	assert_int_equal(slots_init(&slots, 3, sizeof(zeros)), 0);
	first = slots_get(&slots);
	assert_memory_equal(first, zeros, sizeof(zeros));
	assert_int_equal(slots_index(&slots, first), 0);
	slots_put(&slots, first);
	slots_fini(&slots);
}

static void index_and_address_are_two_names_of_one_slot(void **state)
{
	struct slots slots;

	assert_int_equal(slots_init(&slots, 7, 100), 0);
	for (uint32_t i = 0; i < 7; i++)
		assert_int_equal(slots_index(&slots, slots_at(&slots, i)), i);
	slots_fini(&slots);
}

static void a_slot_put_back_is_had_again_with_its_content(void **state)
{
	struct slots slots;
	int *item;

	assert_int_equal(slots_init(&slots, 2, sizeof(int)), 0);
	item = slots_get(&slots);
	*item = 77;
	slots_put(&slots, item);
	assert_ptr_equal(slots_get(&slots), item);
	assert_int_equal(*item, 77);
	slots_put(&slots, item);
	assert_int_equal(slots_used(&slots), 0);
	slots_fini(&slots);
}

static void impossible_sizes_are_refused(void **state)
{
	struct slots slots;

	assert_int_equal(slots_init(&slots, 0, 8), -EINVAL);
	assert_int_equal(slots_init(&slots, 8, 0), -EINVAL);
	assert_int_equal(slots_init(&slots, 8, UINT32_MAX), -EINVAL);
}

static void zeroed_memory_may_be_finished(void **state)
{
	struct slots slots = {0};

	slots_fini(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_slot_is_had_once),
		cmocka_unit_test(slots_are_zeroed_and_indexes_begin_at_0),
		cmocka_unit_test(index_and_address_are_two_names_of_one_slot),
		cmocka_unit_test(a_slot_put_back_is_had_again_with_its_content),
		cmocka_unit_test(impossible_sizes_are_refused),
		cmocka_unit_test(zeroed_memory_may_be_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
