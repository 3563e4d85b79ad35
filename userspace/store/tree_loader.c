/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/tree_loader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"

static void loader_next(struct tree_loader *loader);

static void loader_end(struct tree_loader *loader, int result)
{
	page_list_fini(&loader->list);
	loader->done(loader, result);
}

static uint64_t loader_count(const struct tree_loader *loader)
{
	return loader->level < 0 ? loader->tree->leaf_count
				 : loader->tree->levels[loader->level].count;
}

static uint64_t loader_place(const struct tree_loader *loader, uint64_t index)
{
	const struct tree *tree = loader->tree;
	const struct tree_page *above;

	if (loader->level == (int)tree->height - 1)
		return loader->root;
	above = tree->levels[loader->level + 1].pages[index / FORMAT_WORDS];
	return above ? get_le64(&above->image.words[index % FORMAT_WORDS]) : 0;
}

static int loader_mark(struct tree_loader *loader, uint64_t place)
{
	uint64_t block = format_place_block(place);

	if (!geometry_is_slot_block(&loader->slots->geometry, block))
		return error_set(&loader->error, -ENODATA,
				 "an index page points to byte %" PRIu64
				 " of the disk, where no metadata can be",
				 block * FORMAT_BLOCK_BYTES);
	slot_map_load(loader->slots, geometry_block_slot(block));
	return 0;
}

static int loader_take_index(struct tree_loader *loader, uint32_t i, const void *data)
{
	struct tree_page *page = tree_load(loader->tree, (unsigned)loader->level,
					   loader->indexes[i], loader->places[i]);
	int ret = 0;

	if (!page)
		return -ENOMEM;
	memcpy(&page->image, data, sizeof(page->image));
	for (unsigned w = 0; ret == 0 && w < FORMAT_WORDS; w++) {
		uint64_t place = get_le64(&page->image.words[w]);

		if (place && (place != FORMAT_PLACE_LOST || loader->level > 0))
			ret = loader_mark(loader, place);
	}
	return ret;
}

static int loader_take(struct tree_loader *loader, uint32_t i)
{
	const void *data = loader->list.pages[i].data;
	const struct format_identity identity = {
		.kind = loader->level < 0 ? loader->leaf_kind : FORMAT_INDEX,
		.level = (uint16_t)(loader->level + 1),
		.block = loader->list.pages[i].block,
		.owner = loader->tree->owner,
		.index = loader->indexes[i],
	};
	int ret = format_check_place(data, loader->places[i], &identity, loader->pool,
				     &loader->error);

	if (ret != 0)
		return ret;
	return loader->level < 0 ? loader->on_leaf(loader, loader->indexes[i], data)
				 : loader_take_index(loader, i, data);
}

static void loader_read(struct page_transfer *transfer, int result)
{
	struct tree_loader *loader = container_of(transfer, struct tree_loader, transfer);

	if (result != 0)
		(void)error_set(&loader->error, result, "reading metadata failed: %s",
				strerror(-result)); /* returns the code */
	for (uint32_t i = 0; result == 0 && i < loader->list.count; i++)
		result = loader_take(loader, i);
	if (result != 0)
		loader_end(loader, result);
	else
		loader_next(loader);
}

/* The next pages of this level that there are; -ENOMEM. */
static int loader_gather(struct tree_loader *loader)
{
	uint64_t count = loader_count(loader);

	page_list_fini(&loader->list);
	for (; loader->cursor < count && loader->list.count < TREE_LOADER_BATCH; loader->cursor++) {
		uint64_t place = loader_place(loader, loader->cursor);
		uint32_t i = loader->list.count;

		if (!place)
			continue;
		if (!page_list_add(&loader->list, format_place_block(place), NULL))
			return -ENOMEM;
		loader->indexes[i] = loader->cursor;
		loader->places[i] = place;
	}
	return 0;
}

static void loader_next(struct tree_loader *loader)
{
	int lowest = loader->leaf_kind == FORMAT_LEAF ? 0 : -1;

	for (;;) {
		if (loader_gather(loader) != 0) {
			loader_end(loader, -ENOMEM);
			return;
		}
		if (loader->list.count > 0)
			break;
		loader->cursor = 0;
		if (--loader->level < lowest) {
			loader_end(loader, 0);
			return;
		}
	}
	page_transfer_start(&loader->transfer, loader->disk, BLOCK_READ, &loader->list,
			    loader_read);
}

void tree_loader_start(struct tree_loader *loader)
{
	loader->error = (struct error){0};
	loader->level = (int)loader->tree->height - 1;
	loader->cursor = 0;
	loader->list = (struct page_list){0};
	if (loader->root == FORMAT_PLACE_LOST) {
		loader_end(loader, error_set(&loader->error, -ENODATA,
					     "a repair found the whole of it lost"));
		return;
	}
	if (loader->root && loader_mark(loader, loader->root) != 0) {
		loader_end(loader, -ENODATA);
		return;
	}
	loader_next(loader);
}
