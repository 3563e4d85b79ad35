/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/store/pool_damage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "block/queue.h"

static void turn(struct offline *offline)
{
	struct damage *damage = container_of(offline, struct damage, offline);

	(void)block_queue_run(damage->queue); /* the caller looks whether it was enough */
}

static void look(struct damage *damage)
{
	const struct image_settings settings = {0};
	struct error error;

	assert_int_equal(image_open(&damage->image, &damage->offline, &settings, &error), 0);
}

void damage_start(struct damage *damage, struct block *disk, struct block_queue *queue)
{
	*damage = (struct damage){.offline = {.disk = disk, .turn = turn}, .queue = queue};
	look(damage);
}

void damage_stop(struct damage *damage)
{
	image_close(&damage->image);
}

static const struct image_tree *find_tree(const struct damage *damage, uint64_t owner)
{
	if (owner == FORMAT_OWNER_CATALOGUE)
		return &damage->image.catalogue;
	if (owner == FORMAT_OWNER_BITMAPS)
		return &damage->image.bitmaps;
	return &image_find_layer(&damage->image, (uint32_t)owner)->tree;
}

uint64_t damage_block(const struct damage *damage, uint64_t owner, unsigned level, uint64_t index)
{
	const struct image_tree *tree = find_tree(damage, owner);
	const struct image_pages *pages = level == 0 ? &tree->leaves : &tree->index;

	for (uint64_t i = 0; i < pages->count; i++) {
		if (pages->items[i].level == level && pages->items[i].index == index)
			return format_place_block(pages->items[i].place);
	}
	return 0;
}

static void read_block(struct damage *damage, uint64_t block, void *page)
{
	assert_int_equal(offline_read(&damage->offline, block, page), 0);
}

static void write_block(struct damage *damage, uint64_t block, const void *page)
{
	assert_int_equal(offline_write(&damage->offline, block, page), 0);
}

void damage_break(struct damage *damage, uint64_t block)
{
	_Alignas(4096) uint8_t page[FORMAT_BLOCK_BYTES];

	read_block(damage, block, page);
	page[FORMAT_BLOCK_BYTES / 2] ^= 1;
	write_block(damage, block, page);
}

/* Checksum anew; the place that the page has from now on. */
static uint64_t reseal(struct damage *damage, void *page, uint64_t block)
{
	const struct format_header *header = page;
	const struct format_identity identity = {
		.kind = get_le16(&header->kind),
		.level = get_le16(&header->level),
		.block = block,
		.owner = get_le64(&header->owner),
		.index = get_le64(&header->index),
	};

	format_seal(page, &identity, &damage->image.uuid, get_le64(&header->generation), 0);
	write_block(damage, block, page);
	return format_place_of(page);
}

static void set_super_root(struct damage *damage, uint64_t owner, uint64_t root)
{
	static const uint64_t blocks[] = {FORMAT_SUPER_A_BLOCK, FORMAT_SUPER_B_BLOCK};

	for (unsigned i = 0; i < 2; i++) {
		_Alignas(4096) struct format_super super;

		read_block(damage, blocks[i], &super);
		put_le64(owner == FORMAT_OWNER_CATALOGUE ? &super.catalogue_root
							 : &super.bitmap_root,
			 root);
		(void)reseal(damage, &super, blocks[i]); /* nothing points to it */
	}
}

static void set_layer_root(union format_record *record, uint64_t root)
{
	put_le64(&record->layer.root, root);
}

void damage_change(struct damage *damage, uint64_t owner, uint64_t index,
		   void (*change)(void *page, uint64_t argument), uint64_t argument)
{
	unsigned height = image_height(find_tree(damage, owner)->leaf_count);
	uint64_t block = damage_block(damage, owner, 0, index);
	_Alignas(4096) struct format_words page;
	uint64_t place;

	assert_int_not_equal(block, 0);
	read_block(damage, block, &page);
	change(&page, argument);
	place = reseal(damage, &page, block);
	for (unsigned level = 1; level <= height; level++) {
		uint64_t position = index % FORMAT_WORDS;

		index /= FORMAT_WORDS;
		block = damage_block(damage, owner, level, index);
		read_block(damage, block, &page);
		put_le64(&page.words[position], place);
		place = reseal(damage, &page, block);
	}
	if (owner == FORMAT_OWNER_CATALOGUE || owner == FORMAT_OWNER_BITMAPS)
		set_super_root(damage, owner, place);
	else
		damage_change_record(damage, (uint32_t)owner, set_layer_root, place);
	image_close(&damage->image);
	look(damage);
}

struct record_change {
	uint32_t id;
	void (*change)(union format_record *record, uint64_t argument);
	uint64_t argument;
};

static void change_record(void *page, uint64_t argument)
{
	const struct record_change *change = (const void *)(uintptr_t)argument;
	struct format_catalogue *catalogue = page;

	change->change(&catalogue->records[(change->id - 1) % FORMAT_RECORDS], change->argument);
}

void damage_change_record(struct damage *damage, uint32_t id,
			  void (*change)(union format_record *record, uint64_t argument),
			  uint64_t argument)
{
	const struct record_change call = {id, change, argument};

	damage_change(damage, FORMAT_OWNER_CATALOGUE, (id - 1) / FORMAT_RECORDS, change_record,
		      (uint64_t)(uintptr_t)&call);
}
