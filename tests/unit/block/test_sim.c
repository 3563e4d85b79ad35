/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated disk keeps what was flushed, nothing else for sure, and fails as it is told to. */
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

static int put(uint64_t offset, uint8_t byte, uint64_t length)
{
	uint8_t data[65536];

	memset(data, byte, length);
	return io(BLOCK_WRITE, false, offset, data, length);
}

/* The byte that all of a sector has; 1000 if it is not one, or the error. */
static int get(uint64_t offset)
{
	uint8_t data[512];
	int ret = io(BLOCK_READ, false, offset, data, sizeof(data));

	if (ret != 0)
		return ret;
	return memcmp(data, data + 1, sizeof(data) - 1) == 0 ? data[0] : 1000;
}

static void set_fault(enum sim_fault fault, uint32_t kinds, uint64_t start, uint64_t end)
{
	const struct sim_faults faults = {.fault = fault,
					  .kinds = kinds,
					  .start = start,
					  .end = end,
					  .fail_at = 1,
					  .fail_result = -ENOSPC,
					  .fails_on = true};

	sim_disk_set_faults(disk, &faults);
}

static void a_fault_hits_the_kinds_and_the_range_it_is_for(void **state)
{
	set_fault(SIM_FAILS, SIM_KIND(BLOCK_WRITE), 8192, 16384);
	assert_int_equal(put(4096, 1, 4096), 0);
	assert_int_equal(put(16384, 1, 4096), 0);
	assert_int_equal(get(8192), 0);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	assert_int_equal(sim_disk_faults_hit(disk), 0);
	assert_int_equal(put(4096, 1, 8192), -ENOSPC);
	assert_int_equal(put(8192, 1, 512), -ENOSPC);
	assert_int_equal(sim_disk_faults_hit(disk), 2);
}

static void a_fault_without_fails_on_hits_once(void **state)
{
	const struct sim_faults faults = {
		.kinds = SIM_KIND(BLOCK_WRITE), .fail_at = 2, .fail_result = -EIO};

	sim_disk_set_faults(disk, &faults);
	assert_int_equal(put(0, 1, 512), 0);
	assert_int_equal(get(0), 1);
	assert_int_equal(put(0, 1, 512), -EIO);
	assert_int_equal(put(0, 1, 512), 0);
}

static void one_in_so_many_goes_wrong_by_chance(void **state)
{
	const struct sim_faults faults = {
		.fail_at = 1, .fail_result = -EIO, .fails_on = true, .one_in = 4};

	sim_disk_set_faults(disk, &faults);
	for (int i = 0; i < 400; i++)
		(void)put(0, 1, 512);
	assert_in_range(sim_disk_faults_hit(disk), 60, 140);
}

static void a_flush_that_forgets_shows_what_was_there_before(void **state)
{
	assert_int_equal(put(0, 1, 1024), 0);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	assert_int_equal(put(0, 2, 1024), 0);
	set_fault(SIM_FORGETS, SIM_KIND(BLOCK_FLUSH), 0, 0);
	assert_int_equal(get(0), 2);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), -ENOSPC);
	assert_int_equal(get(0), 1);
	assert_int_equal(survivals(0, 1), 200);
}

static void a_flipped_bit_is_on_the_disk_only_if_it_was_written(void **state)
{
	assert_int_equal(put(0, 1, 4096), 0);
	set_fault(SIM_FLIPS, SIM_KIND(BLOCK_READ), 512, 1024);
	assert_int_equal(get(0), 1);
	assert_int_equal(get(512), 1000);
	set_fault(SIM_FLIPS, SIM_KIND(BLOCK_WRITE), 512, 1024);
	assert_int_equal(get(512), 1);
	assert_int_equal(put(0, 1, 4096), 0);
	assert_int_equal(get(0), 1);
	assert_int_equal(get(512), 1000);
	assert_int_equal(get(1024), 1);
}

static void a_misdirected_request_stays_in_the_range(void **state)
{
	unsigned wrong = 0;

	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(put(4096 + i * 512, (uint8_t)(1 + i), 512), 0);
	set_fault(SIM_MISDIRECTS, SIM_KIND(BLOCK_READ), 4096, 8192);
	for (int i = 0; i < 100; i++) {
		int seen = get(4096);

		assert_in_range(seen, 1, 8);
		wrong += seen != 1;
	}
	assert_in_range(wrong, 50, 100);
	set_fault(SIM_MISDIRECTS, SIM_KIND(BLOCK_WRITE), 4096, 8192);
	for (int i = 0; i < 100; i++)
		assert_int_equal(put(4096, 9, 512), 0);
	for (uint64_t at = 4096; at < 8192; at += 512)
		assert_int_equal(get(at), 9);
	assert_int_equal(get(3584), 0);
	assert_int_equal(get(8192), 0);
}

static void a_lost_write_or_flush_is_reported_as_done(void **state)
{
	set_fault(SIM_LOSES, SIM_KIND(BLOCK_WRITE), 0, 512);
	assert_int_equal(put(0, 1, 512), 0);
	assert_int_equal(put(512, 1, 512), 0);
	assert_int_equal(get(0), 0);
	set_fault(SIM_LOSES, SIM_KIND(BLOCK_FLUSH), 0, 0);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	assert_in_range(survivals(512, 1), 40, 160);
}

static void a_spoilt_sector_cannot_be_read_until_it_is_written(void **state)
{
	struct random random = {.state = 5};
	struct sim_image *image;

	assert_int_equal(put(0, 1, 4096), 0);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	assert_true(sim_disk_spoil(disk, 512, 512));
	assert_int_equal(get(0), 1);
	assert_int_equal(get(512), -EIO);
	image = sim_disk_crash(disk, &random);
	assert_true(sim_image_is_spoilt(image, 0, 4096));
	assert_false(sim_image_is_spoilt(image, 1024, 3072));
	sim_image_free(image);
	assert_int_equal(put(512, 2, 512), 0);
	assert_int_equal(get(512), 2);
}

/* Old, zeros and garbage are all seen, each page having one of them. */
static void assert_is_vague(unsigned old, unsigned zeros, unsigned all)
{
	assert_in_range(old, all / 6, all / 2);
	assert_in_range(zeros, all / 6, all / 2);
	assert_in_range(all - old - zeros, all / 6, all / 2);
}

static void what_is_unmapped_holds_anything_for_good(void **state)
{
	int before[128];
	unsigned old = 0, zeros = 0;

	for (uint64_t at = 0; at < 512 * KIB; at += 65536)
		assert_int_equal(put(at, 1, 65536), 0);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	assert_int_equal(io(BLOCK_UNMAP, false, 0, NULL, 512 * KIB), 0);
	for (unsigned i = 0; i < 128; i++) {
		before[i] = get((uint64_t)i * 4096);
		old += before[i] == 1;
		zeros += before[i] == 0;
	}
	assert_is_vague(old, zeros, 128);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	for (unsigned i = 0; i < 128; i++) {
		assert_int_equal(get((uint64_t)i * 4096), before[i]);
		assert_int_equal(survivals((uint64_t)i * 4096, (uint8_t)before[i]), 200);
	}
}

static void zeros_are_seen_at_once_but_durable_only_after_a_flush(void **state)
{
	unsigned old, zeros;

	assert_int_equal(put(0, 1, 4096), 0);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	assert_int_equal(io(BLOCK_WRITE_ZEROES, false, 0, NULL, 4096), 0);
	assert_int_equal(get(0), 0);
	old = survivals(0, 1);
	zeros = survivals(0, 0);
	assert_in_range(old, 40, 180);
	assert_in_range(zeros, 10, 160);
	assert_in_range(200 - old - zeros, 10, 160);
	assert_int_equal(io(BLOCK_FLUSH, false, 0, NULL, 0), 0);
	assert_int_equal(survivals(0, 0), 200);
}

static void clearing_an_image_leaves_the_rest_and_its_copies(void **state)
{
	struct sim_image *image = sim_image_new(3 * MIB);
	struct sim_image *copy;
	uint8_t bytes[2] = {1, 1};

	assert_true(sim_image_write(image, MIB - 5001, bytes, 2));
	assert_true(sim_image_write(image, MIB, bytes, 2));
	assert_true(sim_image_write(image, 2 * MIB, bytes, 2));
	assert_true(sim_image_write(image, 2 * MIB + 4999, bytes, 2));
	copy = sim_image_copy(image);
	assert_true(sim_image_clear(copy, MIB - 5000, MIB + 10000));
	sim_image_read(copy, MIB - 5001, bytes, 2);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(bytes[1], 0);
	sim_image_read(copy, MIB, bytes, 1);
	assert_int_equal(bytes[0], 0);
	sim_image_read(copy, 2 * MIB + 4999, bytes, 2);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(bytes[1], 1);
	sim_image_read(image, MIB, bytes, 1);
	assert_int_equal(bytes[0], 1);
	sim_image_free(image);
	sim_image_free(copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

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
		TEST(a_flushed_write_always_survives),
		TEST(an_unflushed_write_survives_sometimes_each_sector_for_itself),
		TEST(fua_makes_its_own_write_durable_only),
		TEST(an_older_write_may_arrive_after_a_newer_one),
		TEST(a_failed_flush_forgets_what_it_had),
		TEST(what_has_ended_outlives_the_process_but_not_the_power),
		TEST(what_is_in_flight_when_the_process_dies_arrives_in_part),
		TEST(a_fault_hits_the_kinds_and_the_range_it_is_for),
		TEST(a_fault_without_fails_on_hits_once),
		TEST(one_in_so_many_goes_wrong_by_chance),
		TEST(a_flush_that_forgets_shows_what_was_there_before),
		TEST(a_flipped_bit_is_on_the_disk_only_if_it_was_written),
		TEST(a_misdirected_request_stays_in_the_range),
		TEST(a_lost_write_or_flush_is_reported_as_done),
		TEST(a_spoilt_sector_cannot_be_read_until_it_is_written),
		TEST(what_is_unmapped_holds_anything_for_good),
		TEST(zeros_are_seen_at_once_but_durable_only_after_a_flush),
		cmocka_unit_test(clearing_an_image_leaves_the_rest_and_its_copies),
		cmocka_unit_test(copies_of_an_image_are_independent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
