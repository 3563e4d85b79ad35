/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For each kind of damage: a repair mends it, the check is clean then, what was not damaged reads
 * as before, what was lost answers an error, and undoing gives the old pool back byte by byte.
 */
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "store/check.h"
#include "store/repair.h"
#include "store/word.h"
#include "tests/unit/store/pool_damage.h"
#include "tests/unit/store/store_fixture.h"

#define EXTENT STORE_EXTENT_BYTES
#define HIGH   (16 * GIB / EXTENT) /* an extent of "a" under the second index page */

struct rig {
	struct fixture fixture;
	struct damage damage;
	uint32_t layer_a, layer_b;
	uint32_t volume_a, volume_b;
	unsigned found[FINDING_KINDS];
	unsigned total;
	struct repair_report report;
	struct error error;
};

static uint8_t data[EXTENT] __attribute__((aligned(4096)));

static int io(struct rig *rig, const char *name, enum block_kind kind, uint64_t extent)
{
	bool moves = kind == BLOCK_READ || kind == BLOCK_WRITE;

	return fixture_io(&rig->fixture, fixture_volume(&rig->fixture, name), kind, extent * EXTENT,
			  moves ? data : NULL, kind == BLOCK_FLUSH ? 0 : EXTENT);
}

static void write_extents(struct rig *rig, const char *name, uint64_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		memset(data, (int)(name[0] + first + i), sizeof(data));
		assert_int_equal(io(rig, name, BLOCK_WRITE, first + i), 0);
	}
}

static void expect_extents(struct rig *rig, const char *name, uint64_t first, unsigned count,
			   char letter)
{
	for (unsigned i = 0; i < count; i++) {
		memset(data, 0, sizeof(data));
		assert_int_equal(io(rig, name, BLOCK_READ, first + i), 0);
		assert_int_equal(data[0], (uint8_t)(letter + first + i));
		assert_memory_equal(data, data + 1, sizeof(data) - 1);
	}
}

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
	write_extents(&rig, "a", HIGH, 3);
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

static void put_down(struct rig *rig)
{
	pool_free(rig->fixture.pool);
	rig->fixture.pool = NULL;
	damage_start(&rig->damage, rig->fixture.disk, &rig->fixture.queue);
}

static void on_found(void *owner, const struct finding *finding)
{
	struct rig *rig = owner;

	rig->found[finding->kind]++;
	rig->total++;
}

static void on_did(void *owner, const char *sentence)
{
	assert_true(strlen(sentence) > 10);
}

static unsigned check(struct rig *rig)
{
	const struct image_settings settings = {.found = on_found, .owner = rig};
	struct image_report report;
	struct image image;

	memset(rig->found, 0, sizeof(rig->found));
	rig->total = 0;
	assert_int_equal(image_open(&image, &rig->damage.offline, &settings, &rig->error), 0);
	assert_int_equal(check_image(&image, &report, NULL), 0);
	image_close(&image);
	return rig->total;
}

static int repair(struct rig *rig, bool is_dry_run)
{
	const struct repair_settings settings = {.did = on_did, .is_dry_run = is_dry_run};

	return repair_pool(&rig->damage.offline, &settings, &rig->report, &rig->error);
}

static int reopen(struct rig *rig)
{
	const struct pool_settings settings = {.cache_bytes = 4 * MIB};

	return fixture_open(&rig->fixture, &settings);
}

static void forget(struct rig *rig)
{
	pool_free(rig->fixture.pool);
	rig->fixture.pool = NULL;
}

struct snapshot_of_supers {
	_Alignas(4096) uint8_t bytes[2][FORMAT_BLOCK_BYTES];
};

static void read_supers(struct rig *rig, struct snapshot_of_supers *supers)
{
	assert_int_equal(offline_read(&rig->damage.offline, 0, supers->bytes[0]), 0);
	assert_int_equal(offline_read(&rig->damage.offline, 256, supers->bytes[1]), 0);
}

static void request_done(struct store_request *request, int result)
{
	assert_int_equal(result, 0);
}

/* The open pool counts itself and is right. */
static void count(struct rig *rig)
{
	struct store_request request = {.done = request_done};
	struct check_report report;

	pool_check(rig->fixture.pool, &report, &request);
	fixture_run(&rig->fixture);
	assert_int_equal(report.extents_doubled, 0);
	assert_int_equal(report.extents_leaked, 0);
	assert_int_equal(report.slots_leaked, 0);
	assert_int_equal(report.counts_wrong, 0);
}

/*
 * The whole life: there is damage, a dry run changes nothing, a repair does, the pool is clean
 * and read-only, an undo brings everything back, a second repair is kept, and the pool is
 * written to. `look` checks what the volumes have to say while it is open.
 */
static void mend(struct rig *rig, void (*look)(struct rig *rig))
{
	struct snapshot_of_supers before;
	struct snapshot_of_supers after;
	unsigned damage = check(rig);

	assert_true(damage > 0);
	read_supers(rig, &before);
	assert_int_equal(repair(rig, true), 1);
	assert_int_equal(check(rig), damage);
	assert_int_equal(repair(rig, false), 1);
	assert_int_equal(check(rig), 0);
	assert_int_equal(repair(rig, false), -EALREADY);
	assert_int_equal(reopen(rig), 0);
	assert_int_equal(rig->fixture.pool->state, POOL_READ_ONLY);
	look(rig);
	forget(rig);
	assert_int_equal(repair_undo(&rig->damage.offline, &rig->error), 0);
	read_supers(rig, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(check(rig), damage);
	assert_int_equal(repair_undo(&rig->damage.offline, &rig->error), -ENOENT);
	assert_int_equal(repair(rig, false), 1);
	assert_int_equal(repair_keep(&rig->damage.offline, &rig->error), 0);
	assert_int_equal(check(rig), 0);
	damage_stop(&rig->damage);
	assert_int_equal(reopen(rig), 0);
	assert_int_equal(rig->fixture.pool->state, POOL_READ_WRITE);
	look(rig);
	count(rig);
}

static void all_is_there(struct rig *rig)
{
	expect_extents(rig, "a", 0, 20, 'a');
	expect_extents(rig, "a", HIGH, 3, 'a');
	expect_extents(rig, "b", 100, 10, 'b');
}

static void a_sound_pool_is_left_alone(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	assert_int_equal(repair(rig, false), 0);
	assert_int_equal(rig->report.pages_written, 0);
	assert_int_equal(repair_keep(&rig->damage.offline, &rig->error), -ENOENT);
	damage_stop(&rig->damage);
}

static void bitmaps_are_counted_anew(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_break(&rig->damage, damage_block(&rig->damage, FORMAT_OWNER_BITMAPS, 0, 0));
	mend(rig, all_is_there);
	write_extents(rig, "b", 0, 3);
	all_is_there(rig);
}

static void the_index_above_the_bitmaps_is_made_anew(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_break(&rig->damage, damage_block(&rig->damage, FORMAT_OWNER_BITMAPS, 1, 0));
	mend(rig, all_is_there);
}

static void a_superblock_is_made_anew(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_break(&rig->damage, 0);
	mend(rig, all_is_there);
}

static void the_other_superblock_is_made_anew(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_break(&rig->damage, FORMAT_SUPER_B_BLOCK);
	mend(rig, all_is_there);
}

static void low_part_is_lost(struct rig *rig)
{
	assert_int_equal(io(rig, "a", BLOCK_READ, 0), -ENODATA);
	assert_int_equal(io(rig, "a", BLOCK_READ, 400),
			 -ENODATA); /* never zeros, though unwritten */
	expect_extents(rig, "a", HIGH, 3, 'a');
	expect_extents(rig, "b", 100, 10, 'b');
}

static void a_damaged_leaf_is_lost_and_nothing_else(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_break(&rig->damage, damage_block(&rig->damage, rig->layer_a, 0, 0));
	mend(rig, low_part_is_lost);
	assert_int_equal(rig->report.lost_leaves, 1);
}

static void break_page(struct rig *rig, uint64_t owner, unsigned level, uint64_t index)
{
	uint64_t block = damage_block(&rig->damage, owner, level, index);

	assert_int_not_equal(block, 0);
	damage_break(&rig->damage, block);
}

static void leaves_below_a_damaged_index_page_are_found_again(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	break_page(rig, rig->layer_a, 1, 1);
	mend(rig, all_is_there);
	assert_int_equal(rig->report.found_again, 1);
	assert_int_equal(rig->report.lost_leaves, 0);
	assert_int_equal(io(rig, "a", BLOCK_READ, HIGH + FORMAT_WORDS), 0); /* a proven hole */
}

static void a_whole_tree_is_found_again_below_its_damaged_root(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	break_page(rig, rig->layer_a, 2, 0);
	mend(rig, all_is_there);
	assert_int_equal(rig->report.lost_leaves, 0);
	assert_int_equal(io(rig, "a", BLOCK_READ, 8 * GIB / EXTENT), 0);
}

static void high_part_is_lost(struct rig *rig)
{
	expect_extents(rig, "a", 0, 20, 'a');
	assert_int_equal(io(rig, "a", BLOCK_READ, HIGH), -ENODATA);
	assert_int_equal(io(rig, "a", BLOCK_READ, HIGH + FORMAT_WORDS), -ENODATA);
	expect_extents(rig, "b", 100, 10, 'b');
}

/* Which of the leaves the unreadable one was is not known. */
static void with_a_damaged_leaf_below_nothing_missing_is_proven(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	break_page(rig, rig->layer_a, 1, 1);
	break_page(rig, rig->layer_a, 0, HIGH / FORMAT_WORDS);
	mend(rig, high_part_is_lost);
}

static void without_bitmaps_no_old_page_passes_for_a_live_one(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	break_page(rig, rig->layer_a, 1, 1);
	break_page(rig, FORMAT_OWNER_BITMAPS, 0, 0);
	mend(rig, high_part_is_lost);
}

static void the_catalogue_is_found_again_below_its_damaged_index(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	break_page(rig, FORMAT_OWNER_CATALOGUE, 1, 0);
	mend(rig, all_is_there);
	assert_null(volume_find(rig->fixture.pool, "recovered-layer-2"));
}

static void layers_are_there_under_other_names(struct rig *rig)
{
	char a[NAME_SIZE];
	char b[NAME_SIZE];

	(void)snprintf(a, sizeof(a), "recovered-layer-%u", rig->layer_a);
	(void)snprintf(b, sizeof(b), "recovered-layer-%u", rig->layer_b);
	assert_null(volume_find(rig->fixture.pool, "a"));
	expect_extents(rig, a, 0, 20, 'a');
	expect_extents(rig, a, HIGH, 3, 'a');
	expect_extents(rig, b, 100, 10, 'b');
	assert_int_equal(io(rig, a, BLOCK_READ, 40), -ENODATA); /* who knows what lay below */
}

static void layers_of_a_damaged_catalogue_page_are_kept(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	break_page(rig, FORMAT_OWNER_CATALOGUE, 0, 0);
	mend(rig, layers_are_there_under_other_names);
}

static void take_all(void *page, uint64_t argument)
{
	memset(((struct format_bitmap *)page)->slots, 0xff, FORMAT_REGION_SLOTS / 8);
	memset(((struct format_bitmap *)page)->extents, 0xff, FORMAT_REGION_EXTENTS / 8);
}

static void without_free_space_nothing_is_changed(void **state)
{
	struct rig *rig = *state;
	struct snapshot_of_supers before;
	struct snapshot_of_supers after;
	unsigned damage;

	put_down(rig);
	damage_change(&rig->damage, FORMAT_OWNER_BITMAPS, 0, take_all, 0);
	damage = check(rig);
	assert_true(damage > 1000);
	read_supers(rig, &before);
	assert_int_equal(repair(rig, false), -ENOSPC);
	assert_non_null(strstr(rig->error.text, "no free metadata slot"));
	read_supers(rig, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(check(rig), damage);
	damage_stop(&rig->damage);
}

static void set_word(void *page, uint64_t word)
{
	put_le64(&((struct format_words *)page)->words[50], word);
}

static void a_leaf_with_an_impossible_word_is_lost(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_change(&rig->damage, rig->layer_a, 0, set_word, word_make(3, 1, 0));
	mend(rig, low_part_is_lost);
}

static uint32_t place_of(struct rig *rig, uint32_t layer, unsigned index)
{
	_Alignas(4096) struct format_words page;

	assert_int_equal(
		offline_read(&rig->damage.offline, damage_block(&rig->damage, layer, 0, 0), &page),
		0);
	return word_place(get_le64(&page.words[index]));
}

static void low_parts_of_both_are_lost(struct rig *rig)
{
	assert_int_equal(io(rig, "a", BLOCK_READ, 0), -ENODATA);
	assert_int_equal(io(rig, "b", BLOCK_READ, 105), -ENODATA);
	expect_extents(rig, "a", HIGH, 3, 'a');
}

static void an_extent_with_two_owners_is_given_up_by_both(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_change(&rig->damage, rig->layer_a, 0, set_word,
		      word_make(place_of(rig, rig->layer_b, 105), 1, 0));
	mend(rig, low_parts_of_both_are_lost);
}

static void flip_extent(void *page, uint64_t extent)
{
	((struct format_bitmap *)page)->extents[extent / 64] ^= htole64(UINT64_C(1) << extent % 64);
}

static void low_part_of_a_is_lost_but_b_has_its_own(struct rig *rig)
{
	assert_int_equal(io(rig, "a", BLOCK_READ, 0), -ENODATA);
	expect_extents(rig, "b", 100, 10, 'b');
	expect_extents(rig, "b", 300, 1, 'b');
}

/* An extent was free in the bitmaps though a word had it, and was handed out once more. */
static void the_later_owner_of_an_extent_is_proven_by_the_journal(void **state)
{
	struct rig *rig = *state;
	uint32_t place;

	damage_start(&rig->damage, rig->fixture.disk, &rig->fixture.queue);
	place = place_of(rig, rig->layer_a, 7);
	damage_change(&rig->damage, FORMAT_OWNER_BITMAPS, 0, flip_extent, place);
	damage_stop(&rig->damage);
	forget(rig);
	assert_int_equal(reopen(rig), 0);
	rig->fixture.pool->space.cursor = place; /* where the next write looks first */
	write_extents(rig, "b", 300, 1);
	assert_int_equal(io(rig, "b", BLOCK_FLUSH, 0), 0);
	put_down(rig);
	(void)check(rig);
	assert_int_equal(rig->found[FINDING_EXTENT_DOUBLED], 2);
	mend(rig, low_part_of_a_is_lost_but_b_has_its_own);
}

static void leaks_are_given_back(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_change(&rig->damage, FORMAT_OWNER_BITMAPS, 0, flip_extent, 4000);
	mend(rig, all_is_there);
}

static void add_mapped(union format_record *record, uint64_t more)
{
	put_le64(&record->layer.mapped_extents, get_le64(&record->layer.mapped_extents) + more);
}

static void counters_are_counted_anew(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_change_record(&rig->damage, rig->layer_a, add_mapped, 5);
	mend(rig, all_is_there);
}

static void set_parent(union format_record *record, uint64_t parent)
{
	put_le32(&record->layer.parent, (uint32_t)parent);
}

static void what_a_inherits_is_lost(struct rig *rig)
{
	expect_extents(rig, "a", 0, 20, 'a');
	assert_int_equal(io(rig, "a", BLOCK_READ, 21), -ENODATA);
	expect_extents(rig, "b", 100, 10, 'b');
}

static void a_parent_that_is_not_there_is_a_lost_one(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_change_record(&rig->damage, rig->layer_a, set_parent, 14);
	mend(rig, what_a_inherits_is_lost);
}

static void written_blocks_are_there(struct rig *rig)
{
	expect_extents(rig, "a", 0, 20, 'a');
	expect_extents(rig, "b", 100, 10, 'b');
}

static void a_ring_of_layers_is_broken(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_change_record(&rig->damage, rig->layer_a, set_parent, rig->layer_b);
	damage_change_record(&rig->damage, rig->layer_b, set_parent, rig->layer_a);
	mend(rig, written_blocks_are_there);
}

static void set_head(union format_record *record, uint64_t head)
{
	put_le32(&record->volume.head, (uint32_t)head);
}

static void both_read_what_a_has(struct rig *rig)
{
	expect_extents(rig, "a", 0, 20, 'a');
	expect_extents(rig, "b", 0, 20, 'a');
}

static void two_names_on_one_layer_get_one_each(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_change_record(&rig->damage, rig->volume_b, set_head, rig->layer_a);
	mend(rig, both_read_what_a_has);
}

static void a_answers_errors(struct rig *rig)
{
	assert_int_equal(io(rig, "a", BLOCK_READ, 0), -ENODATA);
	expect_extents(rig, "b", 100, 10, 'b');
}

static void a_volume_without_a_layer_answers_errors(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_change_record(&rig->damage, rig->volume_a, set_head, 13);
	mend(rig, a_answers_errors);
}

static void set_name(union format_record *record, uint64_t letter)
{
	memset(record->volume.name, 0, sizeof(record->volume.name));
	record->volume.name[0] = (char)letter;
}

static void the_second_has_another_name(struct rig *rig)
{
	char name[NAME_SIZE];

	(void)snprintf(name, sizeof(name), "recovered-%u", MAX(rig->volume_a, rig->volume_b));
	expect_extents(rig, "a", 0, 20, 'a');
	expect_extents(rig, name, 100, 10, 'b');
}

static void the_second_of_two_names_is_changed(void **state)
{
	struct rig *rig = *state;

	put_down(rig);
	damage_change_record(&rig->damage, rig->volume_b, set_name, 'a');
	mend(rig, the_second_has_another_name);
}

static void commit(struct rig *rig, uint64_t extent)
{
	write_extents(rig, "b", extent, 1);
	assert_int_equal(io(rig, "b", BLOCK_FLUSH, 0), 0);
}

static void later_commits_are_there(struct rig *rig)
{
	all_is_there(rig);
	expect_extents(rig, "b", 201, 4, 'b');
}

static void what_was_committed_behind_a_damaged_record_is_kept(void **state)
{
	struct rig *rig = *state;
	uint64_t block;

	block = journal_block_of(&rig->fixture.pool->journal, rig->fixture.pool->journal.next);
	for (unsigned i = 0; i < 5; i++)
		commit(rig, 200 + i);
	put_down(rig);
	damage_break(&rig->damage, block);
	mend(rig, later_commits_are_there);
}

/* In a pool that has been in use for long, every slot holds a page, most of them old versions. */
static void without_bitmaps_an_aged_pool_has_room_for_a_repair(void **state)
{
	struct rig *rig = *state;
	const struct image *image = &rig->damage.image;

	put_down(rig);
	for (uint64_t slot = 0; slot < geometry_slot_end(&image->geometry); slot++) {
		_Alignas(4096) struct format_words page = {0};
		const struct format_identity old = {
			.kind = FORMAT_LEAF, .block = geometry_slot_block(slot), .owner = 99};

		if (bitmap_has(image->slots, slot) || !geometry_is_slot(&image->geometry, slot))
			continue;
		format_seal(&page, &old, &image->uuid, 1, 0);
		assert_int_equal(offline_write(&rig->damage.offline, old.block, &page), 0);
	}
	break_page(rig, FORMAT_OWNER_BITMAPS, 0, 0);
	mend(rig, all_is_there);
}

#define FAR_LEAVES 1400 /* more than the 992 slots of a pool of 128 MiB */

static void write_far(struct rig *rig, const char *name, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++)
		write_extents(rig, name, (uint64_t)i * FORMAT_WORDS, 1);
}

static void far_leaves_are_there(struct rig *rig)
{
	for (unsigned i = 0; i < FAR_LEAVES; i += 7) {
		if (i != 1295)
			expect_extents(rig, "far", (uint64_t)i * FORMAT_WORDS, 1, 'f');
	}
	assert_int_equal(io(rig, "far", BLOCK_READ, UINT64_C(1295) * FORMAT_WORDS), -ENODATA);
}

static void metadata_in_data_extents_is_kept_too(void **state)
{
	struct rig *rig = *state;
	uint64_t block;

	fixture_stop(&rig->fixture);
	fixture_start(&rig->fixture, 128 * MIB, 512);
	assert_int_equal(fixture_create(&rig->fixture, "far", 50 * GIB), 0);
	rig->layer_a = volume_find(rig->fixture.pool, "far")->head_id;
	write_far(rig, "far", 0, FAR_LEAVES);
	assert_int_equal(fixture_checkpoint(&rig->fixture), 0);
	put_down(rig);
	assert_int_equal(check(rig), 0);
	block = damage_block(&rig->damage, rig->layer_a, 0, 1295);
	assert_false(geometry_is_slot_block(&rig->damage.image.geometry, block));
	damage_break(&rig->damage, block);
	mend(rig, far_leaves_are_there);
	assert_int_equal(rig->report.lost_leaves, 1);
	write_far(rig, "far", 0, 50); /* new leaves, new checkpoints: nothing is in their way */
	assert_int_equal(fixture_checkpoint(&rig->fixture), 0);
	far_leaves_are_there(rig);
	count(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sound_pool_is_left_alone),
		TEST(bitmaps_are_counted_anew),
		TEST(the_index_above_the_bitmaps_is_made_anew),
		TEST(a_superblock_is_made_anew),
		TEST(the_other_superblock_is_made_anew),
		TEST(a_damaged_leaf_is_lost_and_nothing_else),
		TEST(leaves_below_a_damaged_index_page_are_found_again),
		TEST(a_whole_tree_is_found_again_below_its_damaged_root),
		TEST(with_a_damaged_leaf_below_nothing_missing_is_proven),
		TEST(without_bitmaps_no_old_page_passes_for_a_live_one),
		TEST(the_catalogue_is_found_again_below_its_damaged_index),
		TEST(layers_of_a_damaged_catalogue_page_are_kept),
		TEST(without_free_space_nothing_is_changed),
		TEST(a_leaf_with_an_impossible_word_is_lost),
		TEST(an_extent_with_two_owners_is_given_up_by_both),
		TEST(the_later_owner_of_an_extent_is_proven_by_the_journal),
		TEST(leaks_are_given_back),
		TEST(counters_are_counted_anew),
		TEST(a_parent_that_is_not_there_is_a_lost_one),
		TEST(a_ring_of_layers_is_broken),
		TEST(two_names_on_one_layer_get_one_each),
		TEST(a_volume_without_a_layer_answers_errors),
		TEST(the_second_of_two_names_is_changed),
		TEST(what_was_committed_behind_a_damaged_record_is_kept),
		TEST(without_bitmaps_an_aged_pool_has_room_for_a_repair),
		TEST(metadata_in_data_extents_is_kept_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
