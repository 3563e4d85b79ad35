/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The check of a pool that is not open finds each kind of damage, and nothing else. */
#include <string.h>

#include "base/bytes.h"
#include "store/check_image.h"
#include "store/word.h"
#include "tests/unit/store/pool_damage.h"
#include "tests/unit/store/store_fixture.h"

#define EXTENT STORE_EXTENT_BYTES

struct rig {
	struct fixture fixture;
	struct damage damage;
	uint32_t layer_a, layer_b; /* of volumes "a" and "b" */
	uint32_t volume_a, volume_b;
	unsigned found[FINDING_KINDS];
	unsigned total;
	uint64_t byte; /* of the last finding */
	struct image_report report;
};

static void write_extents(struct rig *rig, const char *name, uint64_t first, unsigned count)
{
	static uint8_t data[EXTENT] __attribute__((aligned(4096)));

	memset(data, name[0], sizeof(data));
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(fixture_io(&rig->fixture, fixture_volume(&rig->fixture, name),
					    BLOCK_WRITE, (first + i) * EXTENT, data, EXTENT),
				 0);
}

/* Two volumes of 40 GiB, so that each tree has two levels of index pages. */
static int setup(void **state)
{
	static struct rig rig;

	memset(&rig, 0, sizeof(rig));
	fixture_start(&rig.fixture, 600 * MIB, 512);
	assert_int_equal(fixture_create(&rig.fixture, "a", 20 * GIB), 0);
	assert_int_equal(fixture_create(&rig.fixture, "b", 20 * GIB), 0);
	rig.layer_a = volume_find(rig.fixture.pool, "a")->head_id;
	rig.layer_b = volume_find(rig.fixture.pool, "b")->head_id;
	rig.volume_a = volume_find(rig.fixture.pool, "a")->id;
	rig.volume_b = volume_find(rig.fixture.pool, "b")->id;
	write_extents(&rig, "a", 0, 20);
	write_extents(&rig, "a", 16 * GIB / EXTENT, 3);
	write_extents(&rig, "b", 100, 10);
	assert_int_equal(fixture_checkpoint(&rig.fixture), 0);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	fixture_stop(&rig->fixture);
	return 0;
}

/* As a killed process leaves it. */
static void put_down(struct rig *rig)
{
	pool_free(rig->fixture.pool);
	rig->fixture.pool = NULL;
	damage_start(&rig->damage, rig->fixture.disk, &rig->fixture.queue);
}

static void found(void *owner, const struct finding *finding)
{
	struct rig *rig = owner;

	rig->found[finding->kind]++;
	rig->total++;
	rig->byte = finding->byte;
}

static void check(struct rig *rig)
{
	const struct image_settings settings = {.found = found, .owner = rig};
	struct image image;
	struct error error;

	memset(rig->found, 0, sizeof(rig->found));
	rig->total = 0;
	assert_int_equal(image_open(&image, &rig->damage.offline, &settings, &error), 0);
	assert_int_equal(check_image(&image, &rig->report, NULL), 0);
	image_close(&image);
	damage_stop(&rig->damage);
}

static void expect_only(const struct rig *rig, enum finding_kind kind, unsigned count)
{
	assert_int_equal(rig->found[kind], count);
	assert_int_equal(rig->total, count);
}

static void sound_pool_is_clean_and_counted(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	check(rig);
	assert_int_equal(rig->total, 0);
	assert_int_equal(rig->report.volumes, 2);
	assert_int_equal(rig->report.layers, 2);
	assert_int_equal(rig->report.hidden_layers, 0);
	assert_int_equal(rig->report.leaves, 3);
	assert_int_equal(rig->report.mapped, 33);
	assert_int_equal(rig->report.words_replayed, 0);
}

static void journal_is_counted_as_a_replay_would(void **state)
{
	struct rig *rig = *state;

	write_extents(rig, "b", 110, 7);
	assert_int_equal(fixture_io(&rig->fixture, fixture_volume(&rig->fixture, "a"), BLOCK_UNMAP,
				    0, NULL, 5 * EXTENT),
			 0);
	assert_int_equal(fixture_io(&rig->fixture, fixture_volume(&rig->fixture, "a"), BLOCK_FLUSH,
				    0, NULL, 0),
			 0);
	write_extents(rig, "b", 200, 5);
	assert_int_equal(fixture_io(&rig->fixture, fixture_volume(&rig->fixture, "a"), BLOCK_FLUSH,
				    0, NULL, 0),
			 0);
	put_down(rig);
	check(rig);
	assert_int_equal(rig->total, 0);
	assert_int_equal(rig->report.mapped, 33 + 7 - 5 + 5);
	assert_int_equal(rig->report.words_replayed, 17);
}

static void every_broken_page_is_found_at_its_byte(void **state)
{
	struct rig *rig = *state;
	const struct {
		uint64_t owner;
		unsigned level;
		uint64_t index;
		enum finding_kind kind;
	} cases[] = {
		{rig->layer_a, 0, 0, FINDING_LEAF},
		{rig->layer_a, 0, 520, FINDING_LEAF},
		{rig->layer_a, 1, 1, FINDING_INDEX},
		{rig->layer_a, 2, 0, FINDING_INDEX},
		{FORMAT_OWNER_CATALOGUE, 0, 0, FINDING_CATALOGUE},
		{FORMAT_OWNER_CATALOGUE, 1, 0, FINDING_CATALOGUE},
		{FORMAT_OWNER_BITMAPS, 0, 0, FINDING_BITMAP},
		{FORMAT_OWNER_BITMAPS, 1, 0, FINDING_BITMAP},
	};

	put_down(rig);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct offline *offline = &rig->damage.offline;
		uint64_t block =
			damage_block(&rig->damage, cases[i].owner, cases[i].level, cases[i].index);

		assert_int_not_equal(block, 0);
		damage_break(&rig->damage, block);
		check(rig);
		damage_start(&rig->damage, offline->disk, &rig->fixture.queue);
		if (rig->total != 1)
			print_message("case %u\n", i);
		expect_only(rig, cases[i].kind, 1);
		assert_int_equal(rig->byte, block * FORMAT_BLOCK_BYTES);
		damage_stop(&rig->damage);
		damage_break(&rig->damage, block); /* the same bit again */
		damage_start(&rig->damage, offline->disk, &rig->fixture.queue);
	}
	damage_stop(&rig->damage);
}

static void a_broken_superblock_is_found(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_break(&rig->damage, FORMAT_SUPER_B_BLOCK);
	check(rig);
	expect_only(rig, FINDING_SUPER, 1);
	assert_int_equal(rig->byte, MIB);
}

static void set_word(void *page, uint64_t word)
{
	put_le64(&((struct format_words *)page)->words[50], word);
}

static uint64_t word_of(struct rig *rig, uint32_t layer, unsigned index)
{
	_Alignas(4096) struct format_words page;

	assert_int_equal(
		offline_read(&rig->damage.offline, damage_block(&rig->damage, layer, 0, 0), &page),
		0);
	return get_le64(&page.words[index]);
}

static void an_impossible_word_is_found(void **state)
{
	struct rig *rig = *state;
	uint64_t block;

	put_down(rig);
	block = damage_block(&rig->damage, rig->layer_a, 0, 0);
	damage_change(&rig->damage, rig->layer_a, 0, set_word, word_make(3, 1, 0));
	check(rig);
	expect_only(rig, FINDING_WORD, 1);
	assert_int_equal(rig->byte, block * FORMAT_BLOCK_BYTES);
}

static void an_extent_with_two_owners_is_found_with_both(void **state)
{
	struct rig *rig = *state;
	uint64_t word;

	put_down(rig);
	word = word_of(rig, rig->layer_b, 105);
	damage_change(&rig->damage, rig->layer_a, 0, set_word, word_make(word_place(word), 1, 0));
	check(rig);
	assert_int_equal(rig->found[FINDING_EXTENT_DOUBLED], 2);
	assert_int_equal(rig->found[FINDING_COUNT_MAPPED], 1);
	assert_int_equal(rig->total, 3);
}

static void flip_extent(void *page, uint64_t extent)
{
	((struct format_bitmap *)page)->extents[extent / 64] ^= htole64(UINT64_C(1) << extent % 64);
}

static void flip_slot(void *page, uint64_t slot)
{
	((struct format_bitmap *)page)->slots[slot / 64] ^= htole64(UINT64_C(1) << slot % 64);
}

static void leaks_and_forgotten_bits_are_found(void **state)
{
	struct rig *rig = *state;
	uint64_t extent;
	uint64_t slot;

	put_down(rig);
	extent = word_place(word_of(rig, rig->layer_a, 3));
	slot = damage_block(&rig->damage, rig->layer_a, 0, 0);
	damage_change(&rig->damage, FORMAT_OWNER_BITMAPS, 0, flip_extent, extent);
	damage_change(&rig->damage, FORMAT_OWNER_BITMAPS, 0, flip_extent, 4000);
	damage_change(&rig->damage, FORMAT_OWNER_BITMAPS, 0, flip_slot, slot);
	damage_change(&rig->damage, FORMAT_OWNER_BITMAPS, 0, flip_slot, 1000);
	check(rig);
	assert_int_equal(rig->found[FINDING_EXTENT_UNCLAIMED], 1);
	assert_int_equal(rig->found[FINDING_EXTENT_LEAKED], 1);
	assert_int_equal(rig->found[FINDING_SLOT_UNCLAIMED], 1);
	assert_int_equal(rig->found[FINDING_SLOT_LEAKED], 1);
	assert_int_equal(rig->total, 4);
}

static void add_mapped(union format_record *record, uint64_t more)
{
	put_le64(&record->layer.mapped_extents, get_le64(&record->layer.mapped_extents) + more);
}

static void set_parent(union format_record *record, uint64_t parent)
{
	put_le32(&record->layer.parent, (uint32_t)parent);
}

static void set_head(union format_record *record, uint64_t head)
{
	put_le32(&record->volume.head, (uint32_t)head);
}

static void set_kind(union format_record *record, uint64_t kind)
{
	put_le16(&record->kind, (uint16_t)kind);
}

static void set_name(union format_record *record, uint64_t letter)
{
	memset(record->volume.name, 0, sizeof(record->volume.name));
	record->volume.name[0] = (char)letter;
}

static void check_record(struct rig *rig, uint32_t id,
			 void (*change)(union format_record *record, uint64_t argument),
			 uint64_t argument)
{
	put_down(rig);
	damage_change_record(&rig->damage, id, change, argument);
	check(rig);
}

static void a_wrong_counter_is_found(void **state)
{
	struct rig *rig = *state;

	check_record(rig, rig->layer_a, add_mapped, 1);
	expect_only(rig, FINDING_COUNT_MAPPED, 1);
}

static void a_parent_that_is_not_there_is_found(void **state)
{
	struct rig *rig = *state;

	check_record(rig, rig->layer_a, set_parent, 14);
	expect_only(rig, FINDING_PARENT, 1);
}

static void layers_in_a_ring_are_found(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_change_record(&rig->damage, rig->layer_a, set_parent, rig->layer_b);
	damage_change_record(&rig->damage, rig->layer_b, set_parent, rig->layer_a);
	check(rig);
	assert_int_equal(rig->found[FINDING_PARENT], 1);
	assert_int_equal(rig->found[FINDING_HEAD], 2); /* both are written to under another */
}

static void a_head_that_is_not_there_is_found(void **state)
{
	struct rig *rig = *state;

	check_record(rig, rig->volume_a, set_head, 13);
	assert_int_equal(rig->report.hidden_layers, 1);
	expect_only(rig, FINDING_HEAD, 1);
}

static void a_head_that_two_have_is_found(void **state)
{
	struct rig *rig = *state;

	check_record(rig, rig->volume_b, set_head, rig->layer_a);
	expect_only(rig, FINDING_HEAD, 1);
}

static void a_record_of_no_kind_is_found(void **state)
{
	struct rig *rig = *state;

	check_record(rig, 9, set_kind, 77);
	expect_only(rig, FINDING_RECORD, 1);
}

static void a_name_that_two_have_is_found(void **state)
{
	struct rig *rig = *state;

	check_record(rig, rig->volume_b, set_name, 'a');
	expect_only(rig, FINDING_NAME, 1);
}

/* One commit more, durable. */
static void commit(struct rig *rig, uint64_t extent)
{
	write_extents(rig, "b", extent, 1);
	assert_int_equal(fixture_io(&rig->fixture, fixture_volume(&rig->fixture, "b"), BLOCK_FLUSH,
				    0, NULL, 0),
			 0);
}

static void a_damaged_record_amid_the_journal_is_proven(void **state)
{
	struct rig *rig = *state;
	uint64_t block;

	block = journal_block_of(&rig->fixture.pool->journal, rig->fixture.pool->journal.next);
	for (unsigned i = 0; i < 5; i++)
		commit(rig, 200 + i);
	put_down(rig);
	damage_break(&rig->damage, block);
	check(rig);
	expect_only(rig, FINDING_JOURNAL, 1);
	assert_int_equal(rig->byte, block * FORMAT_BLOCK_BYTES);
}

static void the_torn_end_of_a_journal_is_no_damage(void **state)
{
	struct rig *rig = *state;
	uint64_t block;

	for (unsigned i = 0; i < 3; i++)
		commit(rig, 200 + i);
	block = journal_block_of(&rig->fixture.pool->journal, rig->fixture.pool->journal.next - 1);
	put_down(rig);
	damage_break(&rig->damage, block);
	check(rig);
	assert_int_equal(rig->total, 0);
}

/* The last three records become one commit, which a loss of power tore: its first is not there. */
static void a_torn_commit_of_several_records_is_no_damage(void **state)
{
	struct rig *rig = *state;
	const struct journal *journal = &rig->fixture.pool->journal;
	uint64_t blocks[3];

	for (unsigned i = 0; i < 3; i++)
		commit(rig, 200 + i);
	for (unsigned i = 0; i < 3; i++)
		blocks[i] = journal_block_of(journal, journal->next - 3 + i);
	put_down(rig);
	for (unsigned i = 0; i < 3; i++) {
		_Alignas(4096) struct format_words page;
		struct format_identity identity = {.kind = FORMAT_JOURNAL, .block = blocks[i]};

		assert_int_equal(offline_read(&rig->damage.offline, blocks[i], &page), 0);
		identity.level = FORMAT_JOURNAL_SEALED | (i < 2 ? FORMAT_JOURNAL_MORE : 0);
		identity.owner = get_le64(&page.header.owner);
		format_seal(&page, &identity, &rig->damage.image.uuid,
			    get_le64(&page.header.generation), get_le32(&page.header.used));
		assert_int_equal(offline_write(&rig->damage.offline, blocks[i], &page), 0);
	}
	damage_break(&rig->damage, blocks[0]);
	check(rig);
	assert_int_equal(rig->total, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sound_pool_is_clean_and_counted),
		TEST(journal_is_counted_as_a_replay_would),
		TEST(every_broken_page_is_found_at_its_byte),
		TEST(a_broken_superblock_is_found),
		TEST(an_impossible_word_is_found),
		TEST(an_extent_with_two_owners_is_found_with_both),
		TEST(leaks_and_forgotten_bits_are_found),
		TEST(a_wrong_counter_is_found),
		TEST(a_parent_that_is_not_there_is_found),
		TEST(layers_in_a_ring_are_found),
		TEST(a_head_that_is_not_there_is_found),
		TEST(a_head_that_two_have_is_found),
		TEST(a_record_of_no_kind_is_found),
		TEST(a_name_that_two_have_is_found),
		TEST(a_damaged_record_amid_the_journal_is_proven),
		TEST(the_torn_end_of_a_journal_is_no_damage),
		TEST(a_torn_commit_of_several_records_is_no_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
