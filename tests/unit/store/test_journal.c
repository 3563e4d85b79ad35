/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring's bytes: what is put comes out again, and a record of another life does not. */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "store/word.h"
#include "tests/unit/store/store_fixture.h"

static const struct uuid pool = {{1, 2, 3}};
static struct journal journal;

static int start(void **state)
{
	int ret = journal_init(&journal, &pool, 4);

	journal.epoch = 5;
	journal.first = journal.next = 100;
	return ret;
}

static int stop(void **state)
{
	journal_fini(&journal);
	return 0;
}

static void entries_come_out_as_they_were_put(void **state)
{
	union format_record record = {.kind = 1};
	struct journal_entry entry;
	uint32_t offset = 0;

	journal_begin(&journal);
	journal_put_record(&journal, 9, &record);
	journal_put_drop(&journal, 7, 55);
	journal_put_word(&journal, 7, 10, 111);
	journal_put_word(&journal, 7, 11, 222); /* joins */
	journal_put_word(&journal, 8, 12, 333); /* another layer */
	assert_int_equal(journal_end(&journal, true), 1);
	assert_true(journal_is_record(&journal, journal.buffer, 100));
	assert_int_equal(journal_next_entry(journal.buffer, &offset, &entry), 1);
	assert_int_equal(entry.kind, FORMAT_ENTRY_RECORD);
	assert_int_equal(entry.id, 9);
	assert_memory_equal(entry.data, &record, sizeof(record));
	assert_int_equal(journal_next_entry(journal.buffer, &offset, &entry), 1);
	assert_int_equal(entry.kind, FORMAT_ENTRY_DROP);
	assert_int_equal(entry.at, 55);
	assert_int_equal(journal_next_entry(journal.buffer, &offset, &entry), 1);
	assert_int_equal(entry.count, 2);
	assert_int_equal(entry.at, 10);
	assert_int_equal(get_le64((const uint8_t *)entry.data + 8), 222);
	assert_int_equal(journal_next_entry(journal.buffer, &offset, &entry), 1);
	assert_int_equal(entry.id, 8);
	assert_int_equal(journal_next_entry(journal.buffer, &offset, &entry), 0);
}

static void a_record_of_another_number_epoch_or_pool_is_none(void **state)
{
	const struct uuid other = {{9}};

	journal_begin(&journal);
	journal_put_drop(&journal, 1, 1);
	(void)journal_end(&journal, true); /* one */
	assert_true(journal_is_record(&journal, journal.buffer, 100));
	assert_false(journal_is_record(&journal, journal.buffer, 101));
	assert_false(journal_is_record(&journal, journal.buffer, 100 + 64)); /* next round */
	journal.epoch++;
	assert_false(journal_is_record(&journal, journal.buffer, 100));
	journal.epoch--;
	journal.pool = other;
	assert_false(journal_is_record(&journal, journal.buffer, 100));
	journal.pool = pool;
	journal.buffer[4000] ^= 1;
	assert_false(journal_is_record(&journal, journal.buffer, 100));
}

static void the_largest_commit_fits_its_buffer(void **state)
{
	union format_record record = {.kind = 1};
	uint32_t words = journal_word_limit(&journal);

	journal_begin(&journal);
	for (int i = 0; i < COMMIT_RECORDS; i++)
		journal_put_record(&journal, 1, &record);
	for (int i = 0; i < COMMIT_DROPS; i++)
		journal_put_drop(&journal, 1, (uint64_t)i);
	for (uint32_t i = 0; i < words; i++)
		journal_put_word(&journal, 1, (uint64_t)i * 2, i); /* no neighbours */
	assert_true(journal_end(&journal, true) <= journal_blocks_for(words));
	assert_true(journal_blocks_for(words) <= journal.buffer_blocks);
	assert_int_equal(journal_room(&journal), 64 - (journal.next - 100));
}

/* A commit of two records: the first one alone is nothing. */
static void half_a_commit_is_not_replayed(void **state)
{
	static uint8_t nothing[FORMAT_BLOCK_BYTES];
	struct fixture fixture;
	struct journal *ring;
	uint64_t last;

	fixture_start(&fixture, 64 * MIB, 512);
	assert_int_equal(fixture_create(&fixture, "v", 32 * MIB), 0);
	ring = &fixture.pool->journal;
	journal_begin(ring);
	for (uint32_t i = 0; i < JOURNAL_WORDS_PER_BLOCK + 1; i++)
		journal_put_word(ring, 1, (uint64_t)i * 2, word_make(100 + i, 1, 0));
	assert_int_equal(journal_end(ring, true), 2);
	assert_false(journal_is_last(ring->buffer));
	assert_true(journal_is_last(ring->buffer + FORMAT_BLOCK_BYTES));
	last = ring->next - 1;
	assert_int_equal(fixture_io(&fixture, fixture.disk, BLOCK_WRITE,
				    journal_block_of(ring, last - 1) * 4096, ring->buffer, 8192),
			 0);
	assert_int_equal(fixture_io(&fixture, fixture.disk, BLOCK_WRITE,
				    journal_block_of(ring, last) * 4096, nothing, sizeof(nothing)),
			 0);
	fixture_reopen(&fixture);
	assert_int_equal(volume_find(fixture.pool, "v")->head->mapped_extents, 0);
	fixture_stop(&fixture);
}

static void impossible_entries_are_refused(void **state)
{
	struct format_header *header = (struct format_header *)journal.buffer;
	struct journal_entry entry;
	uint32_t offset;

	journal_begin(&journal);
	journal_put_word(&journal, 1, 1, 1);
	for (uint32_t used = 1; used < 24; used++) {
		put_le32(&header->used, used);
		offset = 0;
		assert_int_equal(journal_next_entry(journal.buffer, &offset, &entry), -ENODATA);
	}
	put_le32(&header->used, 5000);
	offset = 0;
	assert_int_equal(journal_next_entry(journal.buffer, &offset, &entry), -ENODATA);
	put_le32(&header->used, 24);
	put_le16(journal.buffer + 64, 99);
	assert_int_equal(journal_next_entry(journal.buffer, &offset, &entry), -ENODATA);
}

/* Left by a crash: record 2 of two is there, record 1 is not; then the pool lives on. */
static void what_an_earlier_life_left_is_not_replayed(void **state)
{
	struct fixture fixture;
	static uint8_t stale[FORMAT_BLOCK_BYTES], data[4096];
	uint64_t block;

	fixture_start(&fixture, 64 * MIB, 512);
	assert_int_equal(fixture_create(&fixture, "v", 32 * MIB), 0);
	journal_begin(&fixture.pool->journal);
	journal_put_word(&fixture.pool->journal, 1, 9, word_make(100, 1, 0));
	fixture.pool->journal.next += 2; /* two records before it were lost */
	assert_int_equal(journal_end(&fixture.pool->journal, true), 1);
	memcpy(stale, fixture.pool->journal.buffer, sizeof(stale));
	block = journal_block_of(&fixture.pool->journal, fixture.pool->journal.next - 1);
	assert_int_equal(
		fixture_io(&fixture, fixture.disk, BLOCK_WRITE, block * 4096, stale, sizeof(stale)),
		0);
	fixture_reopen(&fixture);
	assert_int_equal(fixture_io(&fixture, fixture_volume(&fixture, "v"), BLOCK_WRITE, 0, data,
				    sizeof(data)),
			 0);
	assert_int_equal(
		fixture_io(&fixture, fixture_volume(&fixture, "v"), BLOCK_FLUSH, 0, NULL, 0), 0);
	/* The write's record and the flush's are right in front of the stale one. */
	assert_int_equal(journal_block_of(&fixture.pool->journal, fixture.pool->journal.next),
			 block);
	fixture_reopen(&fixture);
	assert_int_equal(volume_find(fixture.pool, "v")->head->mapped_extents, 1);
	fixture_stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entries_come_out_as_they_were_put, start, stop),
		cmocka_unit_test_setup_teardown(a_record_of_another_number_epoch_or_pool_is_none,
						start, stop),
		cmocka_unit_test_setup_teardown(the_largest_commit_fits_its_buffer, start, stop),
		cmocka_unit_test_setup_teardown(impossible_entries_are_refused, start, stop),
		cmocka_unit_test(half_a_commit_is_not_replayed),
		cmocka_unit_test(what_an_earlier_life_left_is_not_replayed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
