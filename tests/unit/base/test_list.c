/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists: order, removing, moving all, and walking while removing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/list.h"

struct item {
	int number;
	struct list_node node;
};

static struct item items[4];

static int items_init(void **state)
{
	for (int i = 0; i < 4; i++) {
		items[i].number = i;
		list_node_init(&items[i].node);
	}
	return 0;
}

/* The numbers in the list as the digits of one number; 9 in front keeps leading zeros. */
static int digits(const struct list *list)
{
	int value = 9;

	list_for_each (list, item, struct item, node)
		value = value * 10 + item->number;
	return value;
}

/* The same from the other end: both chains of links must tell the same. */
static int digits_backwards(const struct list *list)
{
	int value = 9;

	for (struct list_node *node = list->head.prev; node != &list->head; node = node->prev)
		value = value * 10 + list_entry(node, struct item, node)->number;
	return value;
}

static void append_and_prepend_keep_their_ends(void **state)
{
	struct list list = LIST_INIT(list);

	assert_true(list_is_empty(&list));
	list_append(&list, &items[1].node);
	list_append(&list, &items[2].node);
	list_prepend(&list, &items[0].node);
	list_insert_after(&items[1].node, &items[3].node);
	assert_false(list_is_empty(&list));
	assert_int_equal(digits(&list), 90132);
	assert_int_equal(digits_backwards(&list), 92310);
}

static void removing_twice_is_harmless(void **state)
{
	struct list list;

	list_init(&list);
	list_append(&list, &items[0].node);
	list_append(&list, &items[1].node);
	list_append(&list, &items[2].node);
	assert_true(list_has_node(&items[1].node));
	list_remove(&items[1].node);
	list_remove(&items[1].node);
	assert_false(list_has_node(&items[1].node));
	assert_int_equal(digits(&list), 902);
	assert_int_equal(digits_backwards(&list), 920);
}

static void take_first_empties_in_order(void **state)
{
	struct list list = LIST_INIT(list);

	list_append(&list, &items[0].node);
	list_append(&list, &items[1].node);
	assert_ptr_equal(list_take_first(&list), &items[0].node);
	assert_false(list_has_node(&items[0].node));
	assert_ptr_equal(list_take_first(&list), &items[1].node);
	assert_null(list_take_first(&list));
	assert_true(list_is_empty(&list));
}

static void append_all_moves_everything(void **state)
{
	struct list to = LIST_INIT(to);
	struct list from = LIST_INIT(from);

	list_append_all(&to, &from);
	assert_true(list_is_empty(&to));
	list_append(&from, &items[0].node);
	list_append(&from, &items[1].node);
	list_append_all(&to, &from); /* into an empty list */
	assert_int_equal(digits(&to), 901);
	assert_true(list_is_empty(&from));
	list_append(&from, &items[2].node);
	list_append(&from, &items[3].node);
	list_append_all(&to, &from);
	assert_int_equal(digits(&to), 90123);
	assert_int_equal(digits_backwards(&to), 93210);
	assert_true(list_is_empty(&from));
}

static void the_safe_walk_survives_removing(void **state)
{
	struct list list = LIST_INIT(list);
	int seen = 0;

	for (int i = 0; i < 4; i++)
		list_append(&list, &items[i].node);
	list_for_each_safe (&list, item, struct item, node) {
		seen++;
		if (item->number % 2 == 0)
			list_remove(&item->node);
	}
	assert_int_equal(seen, 4);
	assert_int_equal(digits(&list), 913);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(append_and_prepend_keep_their_ends, items_init),
		cmocka_unit_test_setup(removing_twice_is_harmless, items_init),
		cmocka_unit_test_setup(take_first_empties_in_order, items_init),
		cmocka_unit_test_setup(append_all_moves_everything, items_init),
		cmocka_unit_test_setup(the_safe_walk_survives_removing, items_init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
