/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/size.h"
#include "block/memory.h"

static struct block_queue queue;
static struct block *disk;
static int last;
static unsigned dones;

static void done(struct block_io *io, int result)
{
	last = result;
	dones++;
}

static int io(enum block_kind kind, uint64_t offset, void *data, uint64_t length)
{
	struct iovec iov = {data, length};
	struct block_io request = {.kind = kind,
				   .offset = offset,
				   .length = length,
				   .iov = &iov,
				   .iov_count = 1,
				   .done = done};

	dones = 0;
	block_submit(disk, &request);
	assert_int_equal(dones, 0); /* never from inside submit */
	assert_true(block_queue_run(&queue));
	assert_int_equal(dones, 1);
	return last;
}

static int start(void **state)
{
	block_queue_init(&queue, NULL, NULL);
	return memory_disk_new(MIB, 512, &queue, &disk);
}

static void closed(void *owner)
{
	dones = 77;
}

static int stop(void **state)
{
	block_close(disk, closed, NULL);
	return dones == 77 ? 0 : -1;
}

static void what_is_written_is_read(void **state)
{
	uint8_t data[1536], back[1536];

	memset(data, 7, sizeof(data));
	assert_int_equal(io(BLOCK_WRITE, 3584, data, sizeof(data)), 0);
	assert_int_equal(io(BLOCK_READ, 3584, back, sizeof(back)), 0);
	assert_memory_equal(data, back, sizeof(data));
	assert_int_equal(io(BLOCK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(io(BLOCK_READ, MIB, back, 512), -EINVAL);
}

static void unmapped_sectors_are_zero_and_their_neighbours_are_not(void **state)
{
	static uint8_t data[16384], back[16384], zero[16384];

	memset(data, 9, sizeof(data));
	assert_int_equal(io(BLOCK_WRITE, 0, data, sizeof(data)), 0);
	assert_int_equal(io(BLOCK_UNMAP, 512, NULL, 12288), 0);
	assert_int_equal(io(BLOCK_READ, 0, back, sizeof(back)), 0);
	assert_memory_equal(back, data, 512);
	assert_memory_equal(back + 512, zero, 12288);
	assert_memory_equal(back + 12800, data, sizeof(data) - 12800);
}

static void a_disk_grows_and_keeps_its_content(void **state)
{
	struct block_limits limits;
	uint8_t data[512] = {1}, back[512];

	assert_int_equal(io(BLOCK_WRITE, MIB - 512, data, 512), 0);
	assert_int_equal(memory_disk_grow(disk, 2 * MIB), 0);
	assert_int_equal(memory_disk_grow(disk, MIB), -EINVAL);
	block_describe(disk, &limits);
	assert_int_equal(limits.size_bytes, 2 * MIB);
	assert_int_equal(io(BLOCK_READ, MIB - 512, back, 512), 0);
	assert_memory_equal(data, back, 512);
	assert_int_equal(io(BLOCK_READ, 2 * MIB - 512, back, 512), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, start, stop),
		cmocka_unit_test_setup_teardown(
			unmapped_sectors_are_zero_and_their_neighbours_are_not, start, stop),
		cmocka_unit_test_setup_teardown(a_disk_grows_and_keeps_its_content, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
