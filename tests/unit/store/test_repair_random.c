/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pools with snapshots and clones, with one to four metadata pages broken at random: whatever it
 * was, the repaired pool is sound, and every name that is still there reads as before or answers
 * an error, block by block. BERTH_SEED=n in the environment replays one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/random.h"
#include "store/check.h"
#include "store/repair.h"
#include "tests/unit/store/pool_damage.h"
#include "tests/unit/store/store_fixture.h"

#define EXTENT STORE_EXTENT_BYTES
#define NAMES  9
#define SPOTS  60 /* extents that are used, of every volume the same */
#define ROUNDS 40

struct rig {
	struct fixture fixture;
	struct damage damage;
	struct random random;
	unsigned names; /* made: "n0", "n1", ... */
	bool is_snapshot[NAMES];
	uint8_t model[NAMES][SPOTS][16]; /* of each block: 0 nothing */
	unsigned total;			 /* findings */
	bool lost_names;		 /* a page of the catalogue was broken */
};

static uint8_t data[EXTENT] __attribute__((aligned(4096)));

/* Spread over three leaves, the last far behind the others. */
static uint64_t extent_of(unsigned spot)
{
	return spot < 20 ? spot : spot < 40 ? 504 + spot : 40000 + spot;
}

static const char *name_of(unsigned number)
{
	static char name[8];

	(void)snprintf(name, sizeof(name), "n%u", number);
	return name;
}

static void write_some(struct rig *rig, unsigned number)
{
	for (unsigned i = 0; i < 25; i++) {
		unsigned spot = (unsigned)random_below(&rig->random, SPOTS);
		unsigned block = (unsigned)random_below(&rig->random, 16);
		unsigned count = 1 + (unsigned)random_below(&rig->random, 16 - block);
		uint8_t value = (uint8_t)(1 + random_below(&rig->random, 255));
		bool is_unmap = random_below(&rig->random, 5) == 0;

		memset(data, value, sizeof(data));
		memset(&rig->model[number][spot][block], is_unmap ? 0 : value, count);
		assert_int_equal(fixture_io(&rig->fixture,
					    fixture_volume(&rig->fixture, name_of(number)),
					    is_unmap ? BLOCK_UNMAP : BLOCK_WRITE,
					    extent_of(spot) * EXTENT + (uint64_t)block * 4096,
					    is_unmap ? NULL : data, (uint64_t)count * 4096),
				 0);
	}
}

/* One more name: a volume, a snapshot of one, or a clone of such. */
static void add_name(struct rig *rig)
{
	unsigned number = rig->names;
	unsigned from = number ? (unsigned)random_below(&rig->random, number) : 0;
	char name[8];

	(void)snprintf(name, sizeof(name), "%s", name_of(number));
	if (number < 2 || random_below(&rig->random, 4) == 0) {
		assert_int_equal(fixture_create(&rig->fixture, name, 4 * GIB), 0);
	} else {
		rig->is_snapshot[number] = !rig->is_snapshot[from];
		assert_int_equal(rig->is_snapshot[from]
					 ? fixture_clone(&rig->fixture, name_of(from), name)
					 : fixture_snapshot(&rig->fixture, name_of(from), name),
				 0);
		memcpy(rig->model[number], rig->model[from], sizeof(rig->model[0]));
	}
	rig->names++;
}

static void build(struct rig *rig)
{
	fixture_start(&rig->fixture, 128 * MIB, 512);
	while (rig->names < NAMES) {
		add_name(rig);
		for (unsigned i = 0; i < rig->names; i++) {
			if (!rig->is_snapshot[i] && random_below(&rig->random, 2))
				write_some(rig, i);
		}
		if (random_below(&rig->random, 3) == 0)
			assert_int_equal(fixture_checkpoint(&rig->fixture), 0);
	}
	assert_int_equal(fixture_io(&rig->fixture, fixture_volume(&rig->fixture, "n0"), BLOCK_FLUSH,
				    0, NULL, 0),
			 0);
}

static void on_found(void *owner, const struct finding *finding)
{
	struct rig *rig = owner;

	rig->total++;
	if (getenv("BERTH_SEED"))
		print_message("found %s: %s\n", finding_text(finding->kind)->name, finding->text);
}

static void on_did(void *owner, const char *sentence)
{
	if (getenv("BERTH_SEED"))
		print_message("did %s\n", sentence);
}

static unsigned check(struct rig *rig)
{
	const struct image_settings settings = {.found = on_found, .owner = rig};
	struct image_report report;
	struct image image;
	struct error error;

	rig->total = 0;
	assert_int_equal(image_open(&image, &rig->damage.offline, &settings, &error), 0);
	assert_int_equal(check_image(&image, &report, NULL), 0);
	image_close(&image);
	return rig->total;
}

static uint64_t pick(struct rig *rig, const struct image_tree *tree)
{
	uint64_t leaves = tree->leaves.count;
	uint64_t count = leaves + tree->index.count;
	uint64_t choice;

	if (count == 0)
		return 0;
	choice = random_below(&rig->random, count);
	if (tree->leaf_kind == FORMAT_CATALOGUE) /* its index is found again only by the bitmaps */
		rig->lost_names = true;
	return format_place_block(choice < leaves ? tree->leaves.items[choice].place
						  : tree->index.items[choice - leaves].place);
}

static void break_some(struct rig *rig)
{
	const struct image *image = &rig->damage.image;
	unsigned count = 1 + (unsigned)random_below(&rig->random, 4);

	for (unsigned i = 0; i < count; i++) {
		uint64_t which = random_below(&rig->random, 2 + 2 * (uint64_t)image->layer_count);
		uint64_t block = 0;

		if (which == 0)
			block = pick(rig, &image->bitmaps);
		else if (which == 1)
			block = pick(rig, &image->catalogue);
		else if (image->layers[image->layer_ids[(which - 2) / 2]]->is_base)
			block = pick(rig, &image->layers[image->layer_ids[(which - 2) / 2]]->tree);
		if (block)
			damage_break(&rig->damage, block);
	}
}

static void read_spot(struct rig *rig, unsigned number, unsigned spot)
{
	static uint8_t expected[4096];

	for (unsigned block = 0; block < 16; block++) {
		uint8_t value = rig->model[number][spot][block];
		int ret = fixture_io(&rig->fixture, fixture_volume(&rig->fixture, name_of(number)),
				     BLOCK_READ, extent_of(spot) * EXTENT + (uint64_t)block * 4096,
				     data, 4096);

		memset(expected, value, sizeof(expected));
		if (ret == 0)
			assert_memory_equal(data, expected, sizeof(expected));
		else
			assert_int_equal(ret, -ENODATA);
	}
}

static void read_all(struct rig *rig)
{
	for (unsigned i = 0; i < rig->names; i++) {
		bool is_there = volume_find(rig->fixture.pool, name_of(i)) != NULL;

		assert_true(is_there || rig->lost_names);
		for (unsigned spot = 0; is_there && spot < SPOTS; spot++)
			read_spot(rig, i, spot);
	}
}

static void request_done(struct store_request *request, int result)
{
	assert_int_equal(result, 0);
}

static void count(struct rig *rig)
{
	struct store_request request = {.done = request_done};
	struct check_report report;

	pool_check(rig->fixture.pool, &report, &request);
	fixture_run(&rig->fixture);
	assert_int_equal(report.extents_doubled + report.extents_leaked + report.slots_doubled +
				 report.slots_leaked + report.counts_wrong + report.shadows_wrong +
				 report.charges_wrong,
			 0);
}

static void round_run(struct rig *rig)
{
	const struct repair_settings settings = {.did = on_did, .owner = rig};
	const struct pool_settings pool_settings = {.cache_bytes = 4 * MIB};
	struct repair_report report;
	struct error error;

	build(rig);
	pool_free(rig->fixture.pool);
	rig->fixture.pool = NULL;
	damage_start(&rig->damage, rig->fixture.disk, &rig->fixture.queue);
	assert_int_equal(check(rig), 0);
	break_some(rig);
	if (check(rig) == 0) {
		damage_stop(&rig->damage); /* the same page twice, or one that nobody needs */
		assert_int_equal(fixture_open(&rig->fixture, &pool_settings), 0);
		fixture_stop(&rig->fixture);
		return;
	}
	assert_int_equal(repair_pool(&rig->damage.offline, &settings, &report, &error), 1);
	assert_int_equal(check(rig), 0);
	assert_int_equal(fixture_open(&rig->fixture, &pool_settings), 0);
	assert_int_equal(rig->fixture.pool->state, POOL_READ_ONLY);
	read_all(rig);
	pool_free(rig->fixture.pool);
	rig->fixture.pool = NULL;
	assert_int_equal(repair_keep(&rig->damage.offline, &error), 0);
	damage_stop(&rig->damage);
	assert_int_equal(fixture_open(&rig->fixture, &pool_settings), 0);
	fixture_run(&rig->fixture);
	read_all(rig);
	count(rig);
	fixture_stop(&rig->fixture);
}

static void a_repaired_pool_is_sound_and_never_lies(void **state)
{
	const char *seed = getenv("BERTH_SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 10) : 1;
	static struct rig rig;

	for (uint64_t i = first; i < first + (seed ? 1 : ROUNDS); i++) {
		memset(&rig, 0, sizeof(rig));
		rig.random.state = i * 7919;
		print_message("BERTH_SEED=%llu\n", (unsigned long long)i);
		round_run(&rig);
	}
}

/* Some number that may mean something, into some field. */
static void poke(void *page, uint64_t argument)
{
	struct rig *rig = (void *)(uintptr_t)argument;
	uint64_t at = FORMAT_HEADER_BYTES + 4 * random_below(&rig->random, 1008);
	const uint64_t values[] = {0,
				   1,
				   random_below(&rig->random, 40),
				   random_below(&rig->random, 2048),
				   UINT32_MAX,
				   random_next(&rig->random)};
	uint64_t value = values[random_below(&rig->random, ARRAY_SIZE(values))];

	/* Most of a page is empty: the beginning is where it hurts. */
	if (random_below(&rig->random, 2))
		at = FORMAT_HEADER_BYTES + at % 1024;
	put_le32((uint8_t *)page + at, (uint32_t)value);
}

static void poke_journal(struct rig *rig)
{
	const struct image *image = &rig->damage.image;
	uint64_t number = image->journal.first +
			  random_below(&rig->random, image->journal_end - image->journal.first);
	struct format_identity identity = {.kind = FORMAT_JOURNAL,
					   .block = journal_block_of(&image->journal, number)};
	_Alignas(4096) struct format_words page;

	assert_int_equal(offline_read(&rig->damage.offline, identity.block, &page), 0);
	poke(&page, (uint64_t)(uintptr_t)rig);
	identity.level = get_le16(&page.header.level);
	identity.owner = get_le64(&page.header.owner);
	identity.index = get_le64(&page.header.index);
	format_seal(&page, &identity, &image->uuid, number, get_le32(&page.header.used));
	assert_int_equal(offline_write(&rig->damage.offline, identity.block, &page), 0);
}

static void poke_some(struct rig *rig)
{
	unsigned count = 1 + (unsigned)random_below(&rig->random, 5);

	for (unsigned i = 0; i < count; i++) {
		const struct image *image = &rig->damage.image;
		uint64_t which = random_below(&rig->random, 4);
		const struct image_tree *tree = &image->catalogue;

		if (which == 0 && image->layer_count > 0)
			tree = &image->layers[image->layer_ids[random_below(&rig->random,
									    image->layer_count)]]
					->tree;
		else if (which == 1)
			tree = &image->bitmaps;
		else if (which == 2 && image->journal_end > image->journal.first)
			poke_journal(rig);
		if (which != 2 && tree->leaves.count > 0 && tree->lost.count == 0)
			damage_change(
				&rig->damage, tree->owner,
				tree->leaves.items[random_below(&rig->random, tree->leaves.count)]
					.index,
				poke, (uint64_t)(uintptr_t)rig);
	}
}

/* What pages say is nonsense, with all checksums right. */
static void nonsense_run(struct rig *rig)
{
	const struct repair_settings settings = {.did = on_did, .owner = rig};
	const struct pool_settings pool_settings = {.cache_bytes = 4 * MIB};
	struct repair_report report;
	struct error error;
	unsigned found;

	build(rig);
	pool_free(rig->fixture.pool);
	rig->fixture.pool = NULL;
	damage_start(&rig->damage, rig->fixture.disk, &rig->fixture.queue);
	poke_some(rig);
	found = check(rig);
	assert_int_equal(repair_pool(&rig->damage.offline, &settings, &report, &error), found > 0);
	assert_int_equal(check(rig), 0);
	if (found > 0)
		assert_int_equal(repair_keep(&rig->damage.offline, &error), 0);
	damage_stop(&rig->damage);
	assert_int_equal(fixture_open(&rig->fixture, &pool_settings), 0);
	fixture_run(&rig->fixture);
	count(rig);
	fixture_stop(&rig->fixture);
}

static void a_pool_full_of_nonsense_is_repaired_or_refused(void **state)
{
	const char *seed = getenv("BERTH_SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 10) : 1;
	static struct rig rig;

	for (uint64_t i = first; i < first + (seed ? 1 : ROUNDS); i++) {
		memset(&rig, 0, sizeof(rig));
		rig.random.state = i * 104729;
		print_message("BERTH_SEED=%llu\n", (unsigned long long)i);
		nonsense_run(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_repaired_pool_is_sound_and_never_lies),
		cmocka_unit_test(a_pool_full_of_nonsense_is_repaired_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
