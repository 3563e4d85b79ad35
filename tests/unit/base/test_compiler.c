/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The macros of base/compiler.h and the cleanup attributes of base/cleanup.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/compiler.h"

struct outer {
	int before;
	struct {
		int value;
	} inner;
};

static int calls;

static int counted(int value)
{
	calls++;
	return value;
}

static void container_of_finds_the_struct_around(void **state)
{
	struct outer outer = {.inner = {7}};

	assert_ptr_equal(container_of(&outer.inner, struct outer, inner), &outer);
}

static void min_and_max_evaluate_their_arguments_once(void **state)
{
	calls = 0;
	assert_int_equal(MIN(counted(3), counted(5)), 3);
	assert_int_equal(MAX(counted(3), counted(5)), 5);
	assert_int_equal(calls, 4);
	assert_int_equal(MIN(-1, 1), -1);
	assert_int_equal(MAX(-1, 1), 1);
}

static void array_size_counts_members(void **state)
{
	uint64_t array[5];

	assert_int_equal(ARRAY_SIZE(array), 5);
}

static int open_in_a_scope(void)
{
	CLEANUP_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP_CLOSE int none = -1;
	CLEANUP_FREE char *memory = malloc(10); /* ASan tells if it leaks */
	CLEANUP_FCLOSE FILE *file = NULL;

	assert_true(fd >= 0);
	assert_non_null(memory);
	assert_int_equal(none, -1);
	assert_null(file);
	return fd;
}

static void a_descriptor_is_closed_at_the_end_of_its_scope(void **state)
{
	int fd = open_in_a_scope();

	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
}

static int fopen_in_a_scope(void)
{
	CLEANUP_FCLOSE FILE *file = fopen("/dev/null", "re");

	assert_non_null(file);
	return fileno(file);
}

static void a_stream_is_closed_at_the_end_of_its_scope(void **state)
{
	assert_int_equal(fcntl(fopen_in_a_scope(), F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(container_of_finds_the_struct_around),
		cmocka_unit_test(min_and_max_evaluate_their_arguments_once),
		cmocka_unit_test(array_size_counts_members),
		cmocka_unit_test(a_descriptor_is_closed_at_the_end_of_its_scope),
		cmocka_unit_test(a_stream_is_closed_at_the_end_of_its_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
