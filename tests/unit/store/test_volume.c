/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes through their struct block: what is written is read, also after reopening. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tests/unit/store/store_fixture.h"

#define VOLUME_BYTES (256 * MIB)

static int start(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture_start(fixture, 512 * MIB, 512);
	assert_int_equal(fixture_create(fixture, "v", VOLUME_BYTES), 0);
	*state = fixture;
	return 0;
}

static int start_4k(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture_start(fixture, 512 * MIB, 4096);
	assert_int_equal(fixture_create(fixture, "v", VOLUME_BYTES), 0);
	*state = fixture;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fixture = *state;

	fixture_stop(fixture);
	free(fixture);
	return 0;
}

static void fill(void *data, size_t len, uint64_t seed)
{
	struct random random = {.state = seed};

	for (size_t i = 0; i < len; i += 8) {
		uint64_t value = random_next(&random);

		memcpy((char *)data + i, &value, MIN(len - i, sizeof(value)));
	}
}

static void a_new_volume_reads_as_zeros(void **state)
{
	struct fixture *fixture = *state;
	static uint8_t data[MIB], zero[MIB];

	memset(data, 0xff, sizeof(data));
	assert_int_equal(fixture_io(fixture, fixture_volume(fixture, "v"), BLOCK_READ, 4 * MIB,
				    data, sizeof(data)),
			 0);
	assert_memory_equal(data, zero, sizeof(data));
}

static void what_is_flushed_is_there_after_reopening(void **state)
{
	struct fixture *fixture = *state;
	static uint8_t data[MIB], back[MIB];

	fill(data, sizeof(data), 1);
	assert_int_equal(fixture_io(fixture, fixture_volume(fixture, "v"), BLOCK_WRITE,
				    31 * MIB + 4096, data, sizeof(data)),
			 0);
	assert_int_equal(fixture_io(fixture, fixture_volume(fixture, "v"), BLOCK_FLUSH, 0, NULL, 0),
			 0);
	fixture_reopen(fixture);
	assert_int_equal(fixture_io(fixture, fixture_volume(fixture, "v"), BLOCK_READ,
				    31 * MIB + 4096, back, sizeof(back)),
			 0);
	assert_memory_equal(data, back, sizeof(data));
}

/* A program of random writes and unmaps at sector granularity, against plain memory. */
static void random_requests_agree_with_memory(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t span = 40 * MIB; /* more than one leaf */
	struct random random = {.state = 7};
	uint8_t *model = calloc(1, span); /* freed by a test that passes */
	static uint8_t data[MIB + 8];

	for (int i = 0; i < 1500; i++) {
		uint64_t at = random_below(&random, span / 512) * 512;
		uint64_t len = MIN((random_below(&random, i % 4 ? 64 : 2048) + 1) * 512, span - at);
		struct block *block = fixture_volume(fixture, "v");
		uint64_t what = random_below(&random, 8);
		uint8_t *memory = data + (i % 3 == 0);

		if (what < 4) {
			fill(memory, len, (uint64_t)i);
			assert_int_equal(fixture_io(fixture, block, BLOCK_WRITE, at, memory, len),
					 0);
			memcpy(model + at, memory, len);
		} else if (what < 5) {
			assert_int_equal(fixture_io(fixture, block, BLOCK_UNMAP, at, NULL, len), 0);
			memset(model + at, 0, len);
		} else if (what < 7) {
			memset(memory, 0xee, len);
			assert_int_equal(fixture_io(fixture, block, BLOCK_READ, at, memory, len),
					 0);
			assert_memory_equal(memory, model + at, len);
		} else {
			assert_int_equal(fixture_io(fixture, block, BLOCK_FLUSH, 0, NULL, 0), 0);
			if (i % 5 == 0)
				fixture_reopen(fixture);
			else if (i % 5 == 1)
				assert_int_equal(fixture_checkpoint(fixture), 0);
		}
	}
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_volume_reads_as_zeros, start, stop),
		cmocka_unit_test_setup_teardown(what_is_flushed_is_there_after_reopening, start,
						stop),
		cmocka_unit_test_setup_teardown(random_requests_agree_with_memory, start, stop),
		cmocka_unit_test_setup_teardown(random_requests_agree_with_memory, start_4k, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
