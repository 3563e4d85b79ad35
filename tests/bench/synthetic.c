/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages go to slots from the second zone on, which a pool without data does not use yet. */
#include "tests/bench/synthetic.h"

#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/random.h"
#include "store/geometry.h"
#include "store/journal.h"
#include "store/word.h"

struct synthetic {
	int fd;
	struct format_super super;
	struct uuid uuid;
	struct geometry geometry;
	uint64_t data_count;
	uint64_t stride;   /* between the places of neighbouring extents */
	uint64_t position; /* of the next one, among the data extents */
	uint64_t next_slot;
	uint32_t layer;
	uint64_t *extents;
	uint64_t *slots;
};

static void block_read(const struct synthetic *pool, uint64_t block, void *page)
{
	if (pread(pool->fd, page, FORMAT_BLOCK_BYTES, (off_t)(block * FORMAT_BLOCK_BYTES)) !=
	    FORMAT_BLOCK_BYTES)
		err(1, "reading the pool");
}

static void block_write(const struct synthetic *pool, uint64_t block, const void *page)
{
	if (pwrite(pool->fd, page, FORMAT_BLOCK_BYTES, (off_t)(block * FORMAT_BLOCK_BYTES)) !=
	    FORMAT_BLOCK_BYTES)
		err(1, "writing the pool");
}

/* Seal a page and write it to the next slot; its place. */
static uint64_t page_write(struct synthetic *pool, void *page, struct format_identity identity)
{
	identity.block = geometry_slot_block(pool->next_slot);
	bitmap_set(pool->slots, pool->next_slot++);
	format_seal(page, &identity, &pool->uuid, get_le64(&pool->super.header.generation), 0);
	block_write(pool, identity.block, page);
	return format_place_of(page);
}

/* The n-th extent that may hold data: whole zones have the same number, but for the first. */
static uint64_t data_extent(const struct synthetic *pool, uint64_t n)
{
	const uint64_t zone_data = ZONE_EXTENTS - ZONE_SLOT_EXTENTS;
	uint64_t at = n + pool->geometry.journal_extents;

	return at / zone_data * ZONE_EXTENTS + ZONE_SLOT_EXTENTS + at % zone_data;
}

static uint64_t next_word(struct synthetic *pool)
{
	uint64_t extent = data_extent(pool, pool->position);

	pool->position = (pool->position + pool->stride) % pool->data_count;
	bitmap_set(pool->extents, extent);
	return word_make((uint32_t)extent, WORD_ALL, 0);
}

/* Index pages over `count` places, up to the root, whose place it answers. */
static uint64_t tree_write(struct synthetic *pool, uint64_t owner, uint64_t *places, uint64_t count)
{
	for (uint16_t level = 1;; level++) {
		uint64_t pages = (count + FORMAT_WORDS - 1) / FORMAT_WORDS;

		for (uint64_t i = 0; i < pages; i++) {
			struct format_words page = {0};

			for (unsigned w = 0; w < FORMAT_WORDS && i * FORMAT_WORDS + w < count; w++)
				put_le64(&page.words[w], places[i * FORMAT_WORDS + w]);
			places[i] = page_write(pool, &page,
					       (struct format_identity){.kind = FORMAT_INDEX,
									.level = level,
									.owner = owner,
									.index = i});
		}
		if (pages == 1)
			return places[0];
		count = pages;
	}
}

static uint64_t leaves_write(struct synthetic *pool, uint32_t layer, uint64_t leaf_count,
			     uint64_t extents)
{
	uint64_t *places = calloc(leaf_count, sizeof(*places));
	uint64_t root;

	for (uint64_t i = 0; i * FORMAT_WORDS < extents; i++) {
		struct format_words page = {0};

		for (unsigned w = 0; w < FORMAT_WORDS && i * FORMAT_WORDS + w < extents; w++)
			put_le64(&page.words[w], next_word(pool));
		places[i] = page_write(
			pool, &page,
			(struct format_identity){.kind = FORMAT_LEAF, .owner = layer, .index = i});
	}
	root = tree_write(pool, layer, places, leaf_count);
	free(places);
	return root;
}

static uint64_t bitmaps_write(struct synthetic *pool)
{
	uint64_t regions = geometry_region_count(&pool->geometry);
	uint64_t *places = calloc(regions, sizeof(*places));
	uint64_t root;
	uint64_t slot = pool->next_slot;

	/* Their own slots have to be in them: so many pages, and the index above. */
	for (uint64_t i = 0; i < regions + geometry_index_pages(regions); i++)
		bitmap_set(pool->slots, slot + i);
	for (uint64_t i = 0; i < regions; i++) {
		struct format_bitmap page = {0};

		for (unsigned w = 0; w < FORMAT_REGION_EXTENTS / 64; w++)
			put_le64(&page.extents[w],
				 pool->extents[i * (FORMAT_REGION_EXTENTS / 64) + w]);
		for (unsigned w = 0; w < FORMAT_REGION_SLOTS / 64; w++)
			put_le64(&page.slots[w], pool->slots[i * (FORMAT_REGION_SLOTS / 64) + w]);
		places[i] = page_write(pool, &page,
				       (struct format_identity){.kind = FORMAT_BITMAP,
								.owner = FORMAT_OWNER_BITMAPS,
								.index = i});
	}
	root = tree_write(pool, FORMAT_OWNER_BITMAPS, places, regions);
	free(places);
	return root;
}

/* Of the one layer that there is. */
static uint32_t layer_id(const struct synthetic *pool)
{
	struct format_words index;
	struct format_catalogue page;

	block_read(pool, format_place_block(get_le64(&pool->super.catalogue_root)), &index);
	block_read(pool, format_place_block(get_le64(&index.words[0])), &page);
	for (uint32_t i = 0; i < FORMAT_RECORDS; i++) {
		if (get_le16(&page.records[i].kind) == FORMAT_RECORD_LAYER)
			return i + 1;
	}
	errx(1, "the pool has no layer");
}

static uint64_t catalogue_write(struct synthetic *pool, uint64_t extents)
{
	struct format_words index;
	struct format_catalogue page;
	uint64_t place;

	block_read(pool, format_place_block(get_le64(&pool->super.catalogue_root)), &index);
	block_read(pool, format_place_block(get_le64(&index.words[0])), &page);
	for (uint32_t i = 0; i < FORMAT_RECORDS; i++) {
		struct format_layer *layer = &page.records[i].layer;

		if (get_le16(&layer->kind) != FORMAT_RECORD_LAYER)
			continue;
		put_le64(&layer->root,
			 leaves_write(pool, i + 1, get_le64(&layer->leaf_count), extents));
		put_le64(&layer->mapped_extents, extents);
	}
	place = page_write(pool, &page,
			   (struct format_identity){.kind = FORMAT_CATALOGUE,
						    .owner = FORMAT_OWNER_CATALOGUE});
	return tree_write(pool, FORMAT_OWNER_CATALOGUE, &place, 1);
}

static void supers_write(struct synthetic *pool)
{
	static const uint64_t blocks[] = {FORMAT_SUPER_A_BLOCK, FORMAT_SUPER_B_BLOCK};

	for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
		const struct format_identity identity = {.kind = FORMAT_SUPER, .block = blocks[i]};

		format_seal(&pool->super, &identity, &pool->uuid,
			    get_le64(&pool->super.header.generation), 0);
		block_write(pool, blocks[i], &pool->super);
	}
}

static struct synthetic synthetic_open(const char *path)
{
	struct synthetic pool = {.fd = open(path, O_RDWR | O_CLOEXEC), .next_slot = ZONE_SLOTS};

	if (pool.fd < 0)
		err(1, "%s", path);
	block_read(&pool, FORMAT_SUPER_A_BLOCK, &pool.super);
	memcpy(pool.uuid.bytes, pool.super.header.pool, sizeof(pool.uuid.bytes));
	pool.geometry.extent_count = get_le64(&pool.super.extent_count);
	pool.geometry.journal_extents = get_le64(&pool.super.journal_extents);
	pool.data_count = geometry_data_count(&pool.geometry);
	return pool;
}

static void synthetic_close(struct synthetic *pool, const char *path)
{
	if (fsync(pool->fd) != 0)
		err(1, "%s", path);
	close(pool->fd);
}

void synthetic_stretch(const char *path, uint64_t bytes)
{
	struct synthetic pool = synthetic_open(path);

	if (ftruncate(pool.fd, (off_t)bytes) != 0)
		err(1, "%s cannot have %llu bytes", path, (unsigned long long)bytes);
	put_le64(&pool.super.extent_count, bytes / STORE_EXTENT_BYTES);
	supers_write(&pool);
	synthetic_close(&pool, path);
}

/* The place of a logical extent goes there and back between two. */
static uint64_t journal_word(struct synthetic *pool, uint64_t extents, uint64_t extent, uint64_t n)
{
	bool is_moved = bitmap_has(pool->extents, extent);
	uint64_t place = data_extent(pool, is_moved ? extent : extents + n);

	if (is_moved)
		bitmap_clear(pool->extents, extent);
	else
		bitmap_set(pool->extents, extent);
	return word_make((uint32_t)place, WORD_ALL, 0);
}

/* One commit, as many changes as it may hold; false: the ring has no room for it. */
static bool journal_fill(struct synthetic *pool, struct journal *journal, struct random *random,
			 uint64_t extents, uint64_t leaves)
{
	uint64_t stride = extents / FORMAT_WORDS / leaves;
	uint32_t words = journal_word_limit(journal);

	if (journal_room(journal) < journal_blocks_for(words))
		return false;
	journal_begin(journal);
	for (uint32_t i = 0; i < words; i++) {
		uint64_t n = random_below(random, leaves * FORMAT_WORDS);
		uint64_t extent = n / FORMAT_WORDS * stride * FORMAT_WORDS + n % FORMAT_WORDS;

		journal_put_word(journal, pool->layer, extent,
				 journal_word(pool, extents, extent, n));
	}
	(void)journal_end(journal, true); /* its count is kept there */
	for (uint32_t i = 0; i < journal->count; i++)
		block_write(pool, journal_block_of(journal, journal->next - journal->count + i),
			    journal->buffer + (size_t)i * FORMAT_BLOCK_BYTES);
	return true;
}

uint64_t synthetic_journal(const char *path, uint64_t extents, uint64_t leaves)
{
	struct synthetic pool = synthetic_open(path);
	struct random random = {.state = 1};
	struct journal journal;
	uint64_t records;

	pool.layer = layer_id(&pool);
	pool.extents = calloc(BITMAP_WORDS(extents), sizeof(uint64_t));
	if (!pool.extents ||
	    journal_init(&journal, &pool.uuid, pool.geometry.journal_extents) != 0 ||
	    extents + leaves * FORMAT_WORDS > pool.data_count)
		errx(1, "no room for changes of %llu leaves", (unsigned long long)leaves);
	journal.epoch = get_le64(&pool.super.journal_epoch);
	journal.first = journal.next = get_le64(&pool.super.journal_first);
	while (journal_fill(&pool, &journal, &random, extents, leaves))
		;
	records = journal.next - journal.first;
	journal_fini(&journal);
	free(pool.extents);
	synthetic_close(&pool, path);
	return records;
}

void synthetic_map(const char *path, uint64_t extents, bool is_aged)
{
	struct synthetic pool = synthetic_open(path);
	uint64_t regions;

	pool.stride = is_aged ? UINT64_C(1000003) : 1; /* prime, and no divisor of the count */
	regions = geometry_region_count(&pool.geometry);
	pool.extents = calloc(regions * FORMAT_REGION_EXTENTS / 64, sizeof(uint64_t));
	pool.slots = calloc(regions * FORMAT_REGION_SLOTS / 64, sizeof(uint64_t));
	if (!pool.extents || !pool.slots || extents > pool.data_count ||
	    (is_aged && pool.data_count % pool.stride == 0))
		errx(1, "no room for %llu extents", (unsigned long long)extents);
	put_le64(&pool.super.catalogue_root, catalogue_write(&pool, extents));
	put_le64(&pool.super.bitmap_root, bitmaps_write(&pool));
	supers_write(&pool);
	synthetic_close(&pool, path);
	free(pool.extents);
	free(pool.slots);
}
