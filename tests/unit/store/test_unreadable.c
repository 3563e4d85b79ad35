/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every block of metadata in turn cannot be read, has one bit wrong, or is another block: what is
 * read of the volumes is then what was written or an error, never anything else, and a pool that
 * does not open says why.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "block/sim.h"
#include "tests/unit/store/store_fixture.h"

#define POOL_BYTES (64 * MIB)
#define VOLUMES	   3
#define SPOTS	   4 /* of 4 KiB, each in a leaf of its own */
#define SPACING	   (UINT64_C(40) * MIB)

static const char *const names[VOLUMES] = {"a", "b", "c"};
static struct block_queue queue;

struct wait {
	struct store_request request;
	struct block_io io;
	int result;
};

static void request_done(struct store_request *request, int result)
{
	container_of(request, struct wait, request)->result = result;
}

static void io_done(struct block_io *io, int result)
{
	container_of(io, struct wait, io)->result = result;
}

static int finish(struct sim_disk *disk, struct wait *wait)
{
	while (block_queue_run(&queue) || sim_disk_step(disk))
		;
	assert_in_range(-wait->result, 0, 4095); /* it has ended */
	return wait->result;
}

static int open_pool(struct sim_disk *disk, struct pool **out_pool, struct error *err)
{
	const struct pool_settings settings = {.cache_bytes = 4 * MIB};
	struct wait wait = {.request.done = request_done, .result = 1};
	int ret;

	pool_open(sim_disk_block(disk), &settings, out_pool, &wait.request);
	ret = finish(disk, &wait);
	*err = wait.request.error;
	return ret;
}

static int volume_io(struct sim_disk *disk, struct pool *pool, uint32_t volume,
		     enum block_kind kind, uint32_t spot, uint8_t *data)
{
	struct iovec iov = {data, 4096};
	struct wait wait = {.result = 1,
			    .io = {.kind = kind,
				   .offset = kind == BLOCK_FLUSH ? 0 : spot * SPACING,
				   .length = kind == BLOCK_FLUSH ? 0 : 4096,
				   .iov = &iov,
				   .iov_count = 1,
				   .done = io_done}};

	block_submit(&volume_find(pool, names[volume])->block, &wait.io);
	return finish(disk, &wait);
}

static void close_pool(struct sim_disk *disk, struct pool *pool)
{
	struct wait wait = {.request.done = request_done, .result = 1};

	pool_close(pool, &wait.request);
	(void)finish(disk, &wait); /* it need not succeed on such a disk */
}

/* Not the byte that a hole or garbage has. */
static uint8_t content(uint32_t volume, uint32_t spot)
{
	return (uint8_t)(1 + volume * SPOTS + spot);
}

/* A pool with three volumes and something in each leaf, its journal empty or not. */
static struct sim_image *make_image(bool closes)
{
	const struct pool_format format = {.name = "p", .journal_bytes = 256 * KIB};
	struct sim_disk *disk = sim_disk_new(sim_image_new(POOL_BYTES), 512, &queue, 1);
	struct wait wait = {.request.done = request_done, .result = 1};
	struct random random = {.state = 1};
	struct sim_image *image;
	struct pool *pool;
	struct error err;
	uint8_t data[4096];

	pool_format(sim_disk_block(disk), &format, &wait.request);
	assert_int_equal(finish(disk, &wait), 0);
	assert_int_equal(open_pool(disk, &pool, &err), 0);
	for (uint32_t i = 0; i < VOLUMES; i++) {
		struct volume_spec spec = {.size_bytes = GIB, .created_at_s = 1};

		(void)strncpy(spec.name, names[i], NAME_LEN_MAX); /* one letter */
		volume_create(pool, &spec, &wait.request);
		assert_int_equal(finish(disk, &wait), 0);
		for (uint32_t spot = 0; spot < SPOTS; spot++) {
			memset(data, content(i, spot), sizeof(data));
			assert_int_equal(volume_io(disk, pool, i, BLOCK_WRITE, spot, data), 0);
		}
	}
	assert_int_equal(volume_io(disk, pool, 0, BLOCK_FLUSH, 0, data), 0);
	if (closes)
		close_pool(disk, pool);
	image = sim_disk_crash(disk, &random);
	if (!closes)
		close_pool(disk, pool);
	sim_disk_free(disk);
	return image;
}

struct outcome {
	unsigned blocks, refused, damaged;
};

/* How many of the volumes cannot be read in some place. */
static unsigned read_all(struct sim_disk *disk, struct pool *pool)
{
	unsigned damaged = 0;

	for (uint32_t i = 0; i < VOLUMES; i++) {
		bool is_damaged = false;

		for (uint32_t spot = 0; volume_find(pool, names[i]) && spot < SPOTS; spot++) {
			uint8_t data[4096], expected[4096];
			int ret = volume_io(disk, pool, i, BLOCK_READ, spot, data);

			memset(expected, content(i, spot), sizeof(expected));
			if (ret == 0)
				assert_memory_equal(data, expected, sizeof(data));
			else
				assert_true(ret == -ENODATA || ret == -EIO);
			is_damaged |= ret != 0;
		}
		assert_non_null(volume_find(pool, names[i]));
		damaged += is_damaged;
	}
	return damaged;
}

static void look_at(struct sim_disk *disk, struct outcome *outcome)
{
	struct pool *pool = NULL;
	struct error err = {0};
	int ret = open_pool(disk, &pool, &err);

	outcome->blocks++;
	if (ret != 0) {
		assert_true(ret == -ENODATA || ret == -EIO || ret == -EINVAL);
		assert_true(strlen(err.text) > 10);
		outcome->refused++;
	} else {
		unsigned damaged = read_all(disk, pool);

		assert_true(damaged <= 1); /* the others go on */
		outcome->damaged += damaged;
		close_pool(disk, pool);
	}
	sim_disk_free(disk);
}

/* Each block of the superblocks, slots and journal of the first zone that has anything in it. */
static void each_block(bool closes, void (*spoil)(struct sim_disk *disk, uint64_t offset),
		       struct outcome *outcome)
{
	struct sim_image *image = make_image(closes);
	const uint64_t end = 68 * STORE_EXTENT_BYTES;

	for (uint64_t at = sim_image_find_data(image, 0, end); at < end;
	     at = sim_image_find_data(image, at + 4096, end)) {
		uint8_t bytes[4096], zeros[4096] = {0};
		struct sim_disk *disk;

		sim_image_read(image, at, bytes, sizeof(bytes));
		if (memcmp(bytes, zeros, sizeof(bytes)) == 0)
			continue;
		disk = sim_disk_new(sim_image_copy(image), 512, &queue, at);
		spoil(disk, at);
		look_at(disk, outcome);
	}
	sim_image_free(image);
	assert_true(outcome->blocks >= 20);
	assert_true(outcome->damaged > 0);
	assert_true(outcome->refused < outcome->blocks / 2);
}

static void spoil_for_good(struct sim_disk *disk, uint64_t offset)
{
	assert_true(sim_disk_spoil(disk, offset, 4096));
}

static void set_fault(struct sim_disk *disk, enum sim_fault fault, uint64_t start, uint64_t end)
{
	const struct sim_faults faults = {.fault = fault,
					  .kinds = SIM_KIND(BLOCK_READ),
					  .start = start,
					  .end = end,
					  .fail_at = 1,
					  .fail_result = -EIO,
					  .fails_on = true};

	sim_disk_set_faults(disk, &faults);
}

static void spoil_a_bit(struct sim_disk *disk, uint64_t offset)
{
	set_fault(disk, SIM_FLIPS, offset, offset + 4096);
}

static int start(void **state)
{
	block_queue_init(&queue, NULL, NULL);
	return 0;
}

static void a_block_that_cannot_be_read_harms_one_volume_at_most(void **state)
{
	struct outcome outcome = {0};

	each_block(true, spoil_for_good, &outcome);
	print_message("%u blocks: %u pools did not open, %u volumes were damaged\n", outcome.blocks,
		      outcome.refused, outcome.damaged);
}

static void a_bit_that_is_wrong_is_noticed(void **state)
{
	struct outcome outcome = {0};

	each_block(true, spoil_a_bit, &outcome);
	print_message("%u blocks: %u pools did not open, %u volumes were damaged\n", outcome.blocks,
		      outcome.refused, outcome.damaged);
}

/*
 * All but the last two records of the journal: the last could as well never have been written, and
 * the one before could belong to the same commit.
 */
static void a_damaged_record_of_the_journal_does_not_end_it(void **state)
{
	struct sim_image *image = make_image(false);
	const uint64_t first = JOURNAL_EXTENT * STORE_EXTENT_BYTES + 4096; /* record 1 */
	uint64_t end = first;
	struct outcome outcome = {0};

	while (sim_image_find_data(image, end, end + 4096) == end) {
		uint8_t page[4096];

		sim_image_read(image, end, page, sizeof(page));
		if (!format_is_intact(page))
			break;
		end += 4096;
	}
	assert_true(end - first > 8 * 4096);
	for (uint64_t at = first; at + 2 * 4096 < end; at += 4096) {
		struct sim_disk *disk = sim_disk_new(sim_image_copy(image), 512, &queue, at);

		spoil_a_bit(disk, at);
		look_at(disk, &outcome);
	}
	sim_image_free(image);
	assert_int_equal(outcome.refused, outcome.blocks);
}

/* Reads of metadata go to any other place of the metadata, one in twenty. */
static void reads_that_go_astray_are_noticed(void **state)
{
	struct sim_image *image = make_image(true);
	struct outcome outcome = {0};

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct sim_disk *disk = sim_disk_new(sim_image_copy(image), 512, &queue, seed);
		const struct sim_faults faults = {.fault = SIM_MISDIRECTS,
						  .kinds = SIM_KIND(BLOCK_READ),
						  .end = 68 * STORE_EXTENT_BYTES,
						  .fail_at = 1,
						  .fails_on = true,
						  .one_in = 20};
		struct pool *pool = NULL;
		struct error err;

		sim_disk_set_faults(disk, &faults);
		outcome.blocks++;
		if (open_pool(disk, &pool, &err) != 0) {
			assert_true(strlen(err.text) > 10);
			outcome.refused++;
		} else {
			outcome.damaged += read_all(disk, pool);
			close_pool(disk, pool);
		}
		sim_disk_free(disk);
	}
	sim_image_free(image);
	assert_true(outcome.damaged > 0 && outcome.refused > 0);
	print_message("%u pools: %u did not open, %u volumes were damaged\n", outcome.blocks,
		      outcome.refused, outcome.damaged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_block_that_cannot_be_read_harms_one_volume_at_most, start),
		cmocka_unit_test_setup(a_bit_that_is_wrong_is_noticed, start),
		cmocka_unit_test_setup(a_damaged_record_of_the_journal_does_not_end_it, start),
		cmocka_unit_test_setup(reads_that_go_astray_are_noticed, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
