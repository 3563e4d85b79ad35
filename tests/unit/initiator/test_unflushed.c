/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of unflushed writes: order, content and room, against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/random.h"
#include "initiator/unflushed.h"

#define RING_SIZE 4096

static uint64_t add(struct unflushed *unflushed, uint64_t offset, uint32_t len)
{
	const struct unflushed_entry head = {.offset = offset, .length = len, .data_len = len};
	uint8_t data[RING_SIZE];

	memset(data, (int)(offset & 0xff), len);
	return unflushed_add(unflushed, &head, data);
}

static void entries_come_in_order_with_their_data(void **state)
{
	struct unflushed unflushed;
	const struct unflushed_entry *entry;
	size_t cursor = 0;

	assert_int_equal(unflushed_init(&unflushed, RING_SIZE), 0);
	assert_true(unflushed_is_empty(&unflushed));
	for (uint64_t i = 1; i <= 5; i++)
		assert_int_equal(add(&unflushed, i, 100), i);
	for (uint64_t i = 1; i <= 5; i++) {
		entry = unflushed_next(&unflushed, &cursor);
		assert_non_null(entry);
		assert_int_equal(entry->number, i);
		assert_int_equal(entry->offset, i);
		assert_int_equal(*(const uint8_t *)unflushed_data(entry), i);
	}
	assert_null(unflushed_next(&unflushed, &cursor));
	unflushed_fini(&unflushed);
}

static void a_flush_lets_go_of_what_came_before(void **state)
{
	struct unflushed unflushed;
	size_t cursor = 0;

	assert_int_equal(unflushed_init(&unflushed, RING_SIZE), 0);
	for (uint64_t i = 1; i <= 4; i++)
		(void)add(&unflushed, i, 10);
	unflushed_drop(&unflushed, 3);
	assert_int_equal(unflushed_next(&unflushed, &cursor)->number, 3);
	unflushed_drop(&unflushed, unflushed.next_number);
	assert_true(unflushed_is_empty(&unflushed));
	unflushed_fini(&unflushed);
}

static void a_full_ring_says_so_and_keeps_what_it_has(void **state)
{
	struct unflushed unflushed;
	uint64_t count = 0;

	assert_int_equal(unflushed_init(&unflushed, RING_SIZE), 0);
	assert_int_equal(add(&unflushed, 1, RING_SIZE - 8), 0); /* never fits */
	while (add(&unflushed, count, 100))
		count++;
	assert_true(count >= RING_SIZE / (100 + sizeof(struct unflushed_entry) + 8));
	assert_true(unflushed_is_half_full(&unflushed));
	unflushed_drop(&unflushed, 2);
	assert_int_not_equal(add(&unflushed, count, 100), 0); /* one went, one fits */
	assert_int_equal(add(&unflushed, count, 100), 0);
	unflushed_fini(&unflushed);
}

/* What the ring holds must always be the numbers first .. last, whole. */
static void check_all(const struct unflushed *unflushed, uint64_t first, uint64_t last)
{
	const struct unflushed_entry *entry;
	size_t cursor = 0;

	while ((entry = unflushed_next(unflushed, &cursor))) {
		const uint8_t *data = unflushed_data(entry);

		assert_int_equal(entry->number, first++);
		for (uint32_t i = 0; i < entry->data_len; i++)
			assert_int_equal(data[i], entry->offset & 0xff);
	}
	assert_int_equal(first, last + 1);
}

static void random_use_goes_round_the_ring(void **state)
{
	struct random random = {7};
	struct unflushed unflushed;
	uint64_t first = 1, last = 0;

	assert_int_equal(unflushed_init(&unflushed, RING_SIZE), 0);
	for (int i = 0; i < 20000; i++) {
		if (random_below(&random, 4) > 0) {
			uint32_t len = (uint32_t)random_below(&random, 600);

			if (add(&unflushed, random_next(&random), len))
				last++;
		} else {
			first += random_below(&random, last - first + 2);
			unflushed_drop(&unflushed, first);
		}
		check_all(&unflushed, first, last);
	}
	unflushed_fini(&unflushed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_in_order_with_their_data),
		cmocka_unit_test(a_flush_lets_go_of_what_came_before),
		cmocka_unit_test(a_full_ring_says_so_and_keeps_what_it_has),
		cmocka_unit_test(random_use_goes_round_the_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
