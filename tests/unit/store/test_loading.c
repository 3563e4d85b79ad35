/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening a pool of which something cannot be read: what is not concerned is served, what is says
 * so, and no old state is ever taken for the present one. And opening it elsewhere, under another
 * name.
 */
#include <errno.h>
#include <string.h>

#include "block/sim.h"
#include "store/check.h"
#include "tests/unit/store/store_fixture.h"

struct wait {
	struct store_request request;
	struct block_io io;
	int result;
};

static struct block_queue queue;
static struct sim_disk *disk;
static struct pool *pool;
static struct pool_settings settings;

static void wait_done(struct store_request *request, int result)
{
	container_of(request, struct wait, request)->result = result;
}

static void io_done(struct block_io *io, int result)
{
	container_of(io, struct wait, io)->result = result;
}

static struct wait wait_new(void)
{
	return (struct wait){.request.done = wait_done, .result = 1};
}

static int finish(const struct wait *wait)
{
	while (block_queue_run(&queue) || sim_disk_step(disk))
		;
	return wait->result;
}

static void open_pool(void)
{
	struct wait wait = wait_new();

	pool_open(sim_disk_block(disk), &settings, &pool, &wait.request);
	if (finish(&wait) != 0)
		fail_msg("the pool does not open: %s", wait.request.error.text);
}

static void close_pool(void)
{
	struct wait wait = wait_new();

	pool_close(pool, &wait.request);
	assert_int_equal(finish(&wait), 0);
	pool = NULL;
}

/* The power fails: another boot, and only what was flushed. */
static void crash(void)
{
	const struct sim_faults dead = {.fail_at = 1, .fail_result = -EIO, .fails_on = true};
	struct random random = {.state = 5};
	struct sim_image *image = sim_disk_crash(disk, &random);
	struct wait wait = wait_new();

	sim_disk_set_faults(disk, &dead);
	pool_close(pool, &wait.request);
	(void)finish(&wait); /* it fails, of course */
	sim_disk_free(disk);
	disk = sim_disk_new(image, 512, &queue, 6);
	settings.boot_id.bytes[0]++;
}

static int io(const char *name, enum block_kind kind, uint64_t offset, uint64_t *value)
{
	static uint64_t data[512];
	struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
	struct wait wait = {.io = {.kind = kind,
				   .offset = offset,
				   .length = kind == BLOCK_FLUSH ? 0 : sizeof(data),
				   .iov = &iov,
				   .iov_count = 1,
				   .done = io_done},
			    .result = 1};

	data[0] = *value;
	block_submit(&volume_find(pool, name)->block, &wait.io);
	(void)finish(&wait); /* its result is looked at here */
	*value = data[0];
	return wait.result;
}

static void put(const char *name, uint64_t offset, uint64_t value)
{
	assert_int_equal(io(name, BLOCK_WRITE, offset, &value), 0);
	assert_int_equal(io(name, BLOCK_FLUSH, 0, &value), 0);
}

static void expect(const char *name, uint64_t offset, uint64_t value)
{
	uint64_t found = 0;

	assert_int_equal(io(name, BLOCK_READ, offset, &found), 0);
	assert_int_equal(found, value);
}

static void expect_lost(const char *name, uint64_t offset)
{
	uint64_t found = 0;

	assert_int_equal(io(name, BLOCK_READ, offset, &found), -ENODATA);
}

static void checkpoint(void)
{
	struct wait wait = wait_new();

	pool_checkpoint(pool, &wait.request);
	assert_int_equal(finish(&wait), 0);
}

/* Volumes a and b, each with something in two leaves, all in a checkpoint. */
static int start(void **state)
{
	static const char *const names[] = {"a", "b"};
	const struct pool_format format = {.name = "p", .journal_bytes = 256 * KIB};
	struct wait wait = wait_new();

	block_queue_init(&queue, NULL, NULL);
	disk = sim_disk_new(sim_image_new(64 * MIB), 512, &queue, 1);
	pool_format(sim_disk_block(disk), &format, &wait.request);
	assert_int_equal(finish(&wait), 0);
	settings = (struct pool_settings){.cache_bytes = MIB, .boot_id = {{1}}};
	open_pool();
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		struct volume_spec spec = {.size_bytes = GIB, .created_at_s = 1};

		(void)strncpy(spec.name, names[i], NAME_LEN_MAX); /* one letter */
		volume_create(pool, &spec, &wait.request);
		assert_int_equal(finish(&wait), 0);
		put(names[i], 0, 10 + i);
		put(names[i], 512 * MIB, 20 + i);
	}
	checkpoint();
	return 0;
}

static int stop(void **state)
{
	close_pool();
	sim_disk_free(disk);
	return 0;
}

/* From now on this page cannot be read; 0: all can. */
static void hide(uint64_t place)
{
	const uint64_t at = format_place_block(place) * FORMAT_BLOCK_BYTES;
	const struct sim_faults faults = {.kinds = SIM_KIND(BLOCK_READ),
					  .start = at,
					  .end = at + FORMAT_BLOCK_BYTES,
					  .fail_at = 1,
					  .fail_result = -EIO,
					  .fails_on = true};
	const struct sim_faults none = {0};

	sim_disk_set_faults(disk, place ? &faults : &none);
}

static uint64_t index_of(const char *name)
{
	return tree_root(&volume_find(pool, name)->head->tree);
}

static uint64_t leaf_of(const char *name)
{
	return tree_place(&volume_find(pool, name)->head->tree, 0);
}

static void an_index_that_cannot_be_read_concerns_its_volume_alone(void **state)
{
	uint64_t place = index_of("a");

	crash();
	hide(place);
	open_pool();
	expect_lost("a", 0);
	expect("b", 0, 11);
	put("b", 64 * KIB, 5);
	checkpoint();
	close_pool();
	hide(0);
	open_pool(); /* nothing of it was touched, so it is as it was */
	expect("a", 0, 10);
	expect("a", 512 * MIB, 20);
	expect("b", 64 * KIB, 5);
}

static void what_the_journal_had_for_a_lost_index_makes_it_lost_for_good(void **state)
{
	uint64_t place = index_of("a");

	put("a", 0, 99);
	put("b", 0, 98);
	crash();
	hide(place);
	open_pool();
	expect_lost("a", 0);
	expect("b", 0, 98);
	put("b", MIB, 7);
	close_pool();
	hide(0);
	open_pool();
	expect("b", MIB, 7);
	expect("b", 512 * MIB, 21);
	/* The overwrite changed no word: the journal had nothing, and nothing is old. */
	expect("a", 0, 99);

	put("a", 128 * KIB, 97);
	place = index_of("a");
	crash();
	hide(place);
	open_pool();
	close_pool();
	hide(0);
	open_pool();
	expect_lost("a", 0);
	expect_lost("a", 128 * KIB);
	expect("b", 0, 98);
}

static void a_leaf_that_cannot_be_read_for_the_journal_is_lost_for_good(void **state)
{
	uint64_t place = leaf_of("a");

	put("a", 128 * KIB, 97);
	put("a", 512 * MIB + 128 * KIB, 96);
	put("b", 128 * KIB, 95);
	crash();
	hide(place);
	open_pool();
	expect_lost("a", 0);
	expect_lost("a", 128 * KIB);
	expect("a", 512 * MIB, 20);
	expect("a", 512 * MIB + 128 * KIB, 96);
	expect("b", 128 * KIB, 95);
	close_pool();
	hide(0);
	open_pool();
	expect_lost("a", 0); /* the old leaf has no word of what was written since */
	expect("a", 512 * MIB + 128 * KIB, 96);
}

static void a_pool_has_its_new_name_wherever_it_is_opened(void **state)
{
	char long_name[NAME_SIZE + 1] = {0};
	struct pool_facts facts;
	struct wait wait = wait_new();

	pool_rename(pool, "No such name", &wait.request);
	assert_int_equal(finish(&wait), -EINVAL);
	memset(long_name, 'x', sizeof(long_name) - 1);
	pool_rename(pool, long_name, &wait.request);
	assert_int_equal(finish(&wait), -EINVAL);
	pool_rename(pool, "q", &wait.request);
	assert_int_equal(finish(&wait), 0);
	crash(); /* durable, and another machine as far as the boot goes */
	open_pool();
	pool_describe(pool, &facts);
	assert_string_equal(facts.name, "q");
	expect("a", 0, 10);
	close_pool();
	settings.boot_id = (struct uuid){{0}};
	open_pool();
	expect("b", 512 * MIB, 21);
}

static void a_name_that_could_not_be_written_is_not_the_pools(void **state)
{
	const struct sim_faults faults = {.kinds = SIM_KIND(BLOCK_WRITE),
					  .fail_at = 1,
					  .fail_result = -EIO,
					  .fails_on = true};
	struct pool_facts facts;
	struct wait wait = wait_new();

	sim_disk_set_faults(disk, &faults);
	pool_rename(pool, "q", &wait.request);
	assert_int_equal(finish(&wait), -EIO);
	pool_describe(pool, &facts);
	assert_string_equal(facts.name, "p");
	assert_int_not_equal(facts.state, POOL_READ_WRITE);
	hide(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_index_that_cannot_be_read_concerns_its_volume_alone, start, stop),
		cmocka_unit_test_setup_teardown(
			what_the_journal_had_for_a_lost_index_makes_it_lost_for_good, start, stop),
		cmocka_unit_test_setup_teardown(
			a_leaf_that_cannot_be_read_for_the_journal_is_lost_for_good, start, stop),
		cmocka_unit_test_setup_teardown(a_pool_has_its_new_name_wherever_it_is_opened,
						start, stop),
		cmocka_unit_test_setup_teardown(a_name_that_could_not_be_written_is_not_the_pools,
						start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
