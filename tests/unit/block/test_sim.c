/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated disk keeps what was flushed, and nothing else for sure. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/size.h"
#include "block/sim.h"

static struct block_queue queue;
static struct sim_disk *disk;
static int last;

static void done(struct block_io *io, int result)
{
	last = result;
}

static int start(void **state)
{
	block_queue_init(&queue, NULL, NULL);
	disk = sim_disk_new(sim_image_new(MIB), 512, &queue, 1);
	return disk ? 0 : -1;
}

static int stop(void **state)
{
	sim_disk_free(disk);
	return 0;
}

static int io(enum block_kind kind, bool fua, uint64_t offset, void *data, uint64_t length)
{
	struct iovec iov = {data, length};
	struct block_io request = {.kind = kind,
				   .fua = fua,
				   .offset = offset,
				   .length = length,
				   .iov = &iov,
				   .iov_count = 1,
				   .done = done};

	last = 1;
	block_submit(sim_disk_block(disk), &request);
	assert_int_equal(last, 1);
	assert_true(sim_disk_step(disk));
	return last;
}

/* In how many of 200 crashes the sector at `offset` has `value`. */
static unsigned survivals(uint64_t offset, uint8_t value)
{
	struct random random = {.state = 5};
	unsigned count = 0;

	for (int i = 0; i < 200; i++) {
		struct sim_image *image = sim_disk_crash(disk, &random);
		uint8_t sector[512];

		sim_image_read(image, offset, sector, sizeof(sector));
		count += sector[0] == value && sector[511] == value;
		sim_image_free(image);
	}
	return count;
}

static void a_flushed_write_always_survives(void **state)
{
	uint8_t data[4096];

	memset(data, 1, sizeof(data));
	assert_int_equal(io(BLOCK_WRITE, false, 0, data, sizeof(data)), 0);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	assert_int_equal(survivals(3584, 1), 200);
}

static void an_unflushed_write_survives_sometimes_each_sector_for_itself(void **state)
{
	uint8_t data[4096];

	memset(data, 1, sizeof(data));
	assert_int_equal(io(BLOCK_WRITE, false, 0, data, sizeof(data)), 0);
	assert_in_range(survivals(0, 1), 40, 160);
	assert_in_range(survivals(3584, 1), 40, 160);
	assert_int_equal(io(BLOCK_READ, false, 0, data, sizeof(data)), 0);
	assert_int_equal(data[4095], 1);
}

static void fua_makes_its_own_write_durable_only(void **state)
{
	uint8_t data[512];

	memset(data, 1, sizeof(data));
	assert_int_equal(io(BLOCK_WRITE, false, 512, data, sizeof(data)), 0);
	assert_int_equal(io(BLOCK_WRITE, true, 4096, data, sizeof(data)), 0);
	assert_int_equal(survivals(4096, 1), 200);
	assert_in_range(survivals(512, 1), 40, 160);
}

static void an_older_write_may_arrive_after_a_newer_one(void **state)
{
	uint8_t data[512];

	memset(data, 1, sizeof(data));
	assert_int_equal(io(BLOCK_WRITE, false, 0, data, sizeof(data)), 0);
	memset(data, 2, sizeof(data));
	assert_int_equal(io(BLOCK_WRITE, false, 0, data, sizeof(data)), 0);
	assert_in_range(survivals(0, 1), 1, 199);
	assert_in_range(survivals(0, 2), 1, 199);
	assert_in_range(survivals(0, 0), 1, 199);
}

static void a_failed_flush_forgets_what_it_had(void **state)
{
	struct sim_faults faults = {.fail_at = 2, .fail_result = -EIO};
	uint8_t data[512];

	memset(data, 1, sizeof(data));
	sim_disk_set_faults(disk, &faults);
	assert_int_equal(io(BLOCK_WRITE, false, 0, data, sizeof(data)), 0);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), -EIO);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	assert_int_equal(survivals(0, 1), 0);
}

/* The first byte of the sector at `offset` as the next process sees it. */
static uint8_t seen_after_restart(struct sim_disk *next, uint64_t offset)
{
	uint8_t sector[512];
	struct iovec iov = {sector, sizeof(sector)};
	struct block_io request = {.kind = BLOCK_READ,
				   .offset = offset,
				   .length = sizeof(sector),
				   .iov = &iov,
				   .iov_count = 1,
				   .done = done};

	block_submit(sim_disk_block(next), &request);
	assert_true(sim_disk_step(next));
	return sector[0];
}

static void what_has_ended_outlives_the_process_but_not_the_power(void **state)
{
	struct random random = {.state = 5};
	struct sim_disk *first = disk;
	uint8_t data[512];

	memset(data, 1, sizeof(data));
	assert_int_equal(io(BLOCK_WRITE, false, 0, data, sizeof(data)), 0);
	disk = sim_disk_restart(first, &queue, &random);
	sim_disk_free(first);
	assert_int_equal(seen_after_restart(disk, 0), 1);
	assert_in_range(survivals(0, 1), 40, 160);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	assert_int_equal(survivals(0, 1), 200);
}

static void what_is_in_flight_when_the_process_dies_arrives_in_part(void **state)
{
	struct random random = {.state = 5};
	uint8_t data[512];
	struct iovec iov = {data, sizeof(data)};
	struct block_io request = {
		.kind = BLOCK_WRITE, .length = 512, .iov = &iov, .iov_count = 1, .done = done};
	unsigned arrived = 0;

	memset(data, 1, sizeof(data));
	block_submit(sim_disk_block(disk), &request);
	for (int i = 0; i < 200; i++) {
		struct sim_disk *next = sim_disk_restart(disk, &queue, &random);

		arrived += seen_after_restart(next, 0) == 1;
		sim_disk_free(next);
	}
	assert_in_range(arrived, 40, 160);
}

static void copies_of_an_image_are_independent(void **state)
{
	struct sim_image *image = sim_image_new(2 * MIB);
	struct sim_image *copy;
	uint8_t byte = 1, back;

	assert_true(sim_image_write(image, MIB + 5, &byte, 1));
	copy = sim_image_copy(image);
	byte = 2;
	assert_true(sim_image_write(copy, MIB + 5, &byte, 1));
	sim_image_read(image, MIB + 5, &back, 1);
	assert_int_equal(back, 1);
	sim_image_free(image);
	sim_image_read(copy, MIB + 5, &back, 1);
	assert_int_equal(back, 2);
	sim_image_free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_flushed_write_always_survives, start, stop),
		cmocka_unit_test_setup_teardown(
			an_unflushed_write_survives_sometimes_each_sector_for_itself, start, stop),
		cmocka_unit_test_setup_teardown(fua_makes_its_own_write_durable_only, start, stop),
		cmocka_unit_test_setup_teardown(an_older_write_may_arrive_after_a_newer_one, start,
						stop),
		cmocka_unit_test_setup_teardown(a_failed_flush_forgets_what_it_had, start, stop),
		cmocka_unit_test_setup_teardown(
			what_has_ended_outlives_the_process_but_not_the_power, start, stop),
		cmocka_unit_test_setup_teardown(
			what_is_in_flight_when_the_process_dies_arrives_in_part, start, stop),
		cmocka_unit_test(copies_of_an_image_are_independent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
