/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "block/queue.h"
#include "block/request.h"

static char a[3] = "abc", b[5] = "defgh", c[1] = "i";
static struct iovec iov[] = {{a, 3}, {b, 5}, {c, 1}};

static void pieces_are_read_from_the_middle(void **state)
{
	char out[6] = {0};

	block_iov_read(iov, 2, out, 5);
	assert_string_equal(out, "cdefg");
	block_iov_read(iov, 3, out, 5);
	assert_string_equal(out, "defgh");
}

static void pieces_are_written_and_cleared_across_borders(void **state)
{
	char x[2] = "..", y[4] = "....";
	struct iovec pieces[] = {{x, 2}, {y, 4}};

	block_iov_write(pieces, 1, "123", 3);
	assert_memory_equal(x, ".1", 2);
	assert_memory_equal(y, "23..", 4);
	block_iov_clear(pieces, 1, 2);
	assert_memory_equal(x, ".\0", 2);
	assert_memory_equal(y, "\0003..", 4);
}

static void a_slice_stops_where_pieces_run_out(void **state)
{
	struct iovec out[2];
	uint64_t len;

	assert_int_equal(block_iov_slice(iov, 1, 8, out, 2, &len), 2);
	assert_int_equal(len, 7);
	assert_ptr_equal(out[0].iov_base, a + 1);
	assert_int_equal(out[1].iov_len, 5);
	assert_int_equal(block_iov_slice(iov, 8, 1, out, 2, &len), 1);
	assert_ptr_equal(out[0].iov_base, c);
}

static void bad_requests_are_refused(void **state)
{
	const struct block_limits limits = {.size_bytes = 8192,
					    .logical_block_bytes = 512,
					    .max_io_bytes = 4096,
					    .max_unmap_bytes = 4096};
	struct iovec one = {a, 512};
	struct block_io io = {.kind = BLOCK_READ, .length = 512, .iov = &one, .iov_count = 1};

	assert_int_equal(block_io_check(&io, &limits), 0);
	io.offset = 100;
	assert_int_equal(block_io_check(&io, &limits), -EINVAL);
	io.offset = 8192;
	assert_int_equal(block_io_check(&io, &limits), -EINVAL);
	io.offset = UINT64_MAX - 511;
	assert_int_equal(block_io_check(&io, &limits), -EINVAL);
	io.offset = 0;
	io.length = 1024; /* the memory is shorter */
	assert_int_equal(block_io_check(&io, &limits), -EINVAL);
	io = (struct block_io){.kind = BLOCK_UNMAP, .length = 8192};
	assert_int_equal(block_io_check(&io, &limits), -EINVAL);
	io.length = 4096;
	assert_int_equal(block_io_check(&io, &limits), 0);
}

static unsigned runs;
static struct block_queue queue;

static void again(struct block_io *io, int result)
{
	assert_int_equal(result, -5);
	if (runs++ < 3)
		block_queue_complete(&queue, io, -5);
}

static void wake(void *owner)
{
	(*(unsigned *)owner)++;
}

static void a_queue_runs_what_was_there_and_wakes_for_more(void **state)
{
	struct block_io io = {.done = again}, other = {.done = again};
	unsigned wakes = 0;

	block_queue_init(&queue, wake, &wakes);
	assert_false(block_queue_run(&queue));
	block_queue_complete(&queue, &io, -5);
	block_queue_complete(&queue, &other, -5);
	assert_int_equal(wakes, 1);
	assert_true(block_queue_run(&queue));
	assert_int_equal(runs, 2); /* not what they added */
	assert_int_equal(wakes, 2);
	while (block_queue_run(&queue))
		;
	assert_int_equal(runs, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_read_from_the_middle),
		cmocka_unit_test(pieces_are_written_and_cleared_across_borders),
		cmocka_unit_test(a_slice_stops_where_pieces_run_out),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(a_queue_runs_what_was_there_and_wakes_for_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
