/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/tree_loader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static void loader_next(struct tree_loader *loader);

void tree_loader_fini(struct tree_loader *loader)
{
	page_list_fini(&loader->list);
	free(loader->items);
	loader->items = NULL;
	loader->count = loader->capacity = 0;
	loader->singles = 0;
}

static void loader_end(struct tree_loader *loader, int result)
{
	tree_loader_fini(loader);
	loader->done(loader, result);
}

static int loader_push(struct tree_loader *loader, const struct tree_loader_item *item)
{
	if (loader->count == loader->capacity) {
		size_t capacity = loader->capacity ? loader->capacity * 2 : 1024;
		struct tree_loader_item *items = realloc(loader->items, capacity * sizeof(*items));

		if (!items)
			return -ENOMEM;
		loader->items = items;
		loader->capacity = capacity;
	}
	loader->items[loader->count++] = *item;
	return 0;
}

int tree_loader_add(struct tree_loader *loader, struct tree *tree, uint64_t root)
{
	const struct tree_loader_item item = {
		.tree = tree, .place = root, .level = (int)tree->height - 1};

	return root ? loader_push(loader, &item) : 0;
}

/* A page that another one points to. */
static int loader_mark(struct tree_loader *loader, uint64_t place)
{
	uint64_t block = format_place_block(place);

	if (slot_map_load(loader->slots, block))
		return 0;
	return error_set(&loader->error, -ENODATA,
			 "an index page points to byte %" PRIu64
			 " of the disk, where no metadata can be",
			 block * FORMAT_BLOCK_BYTES);
}

static int loader_take_index(struct tree_loader *loader, const struct tree_loader_item *item,
			     const struct format_words *image)
{
	bool reads_below = item->level > 0 || loader->leaf_kind != FORMAT_LEAF;
	int ret = tree_load(item->tree, (unsigned)item->level, item->index, image);

	if (ret == -ENODATA)
		(void)error_set(&loader->error, ret,
				"an index page at byte %" PRIu64
				" of the disk has no business there",
				format_place_block(item->place) *
					FORMAT_BLOCK_BYTES); /* returns the code */
	for (unsigned i = 0; ret == 0 && i < FORMAT_WORDS; i++) {
		const struct tree_loader_item below = {
			.tree = item->tree,
			.index = item->index * FORMAT_WORDS + i,
			.place = get_le64(&image->words[i]),
			.level = item->level - 1,
		};

		if (below.place == 0 || below.place == FORMAT_PLACE_LOST)
			continue;
		/* A page that is read is marked when it is read. */
		ret = reads_below ? loader_push(loader, &below) : loader_mark(loader, below.place);
	}
	return ret;
}

static int loader_take(struct tree_loader *loader, const struct tree_loader_item *item,
		       const void *data)
{
	const struct format_identity identity = {
		.kind = item->level < 0 ? loader->leaf_kind : FORMAT_INDEX,
		.level = (uint16_t)(item->level + 1),
		.block = format_place_block(item->place),
		.owner = item->tree->owner,
		.index = item->index,
	};
	int ret = loader_mark(loader, item->place);

	if (ret == 0)
		ret = format_check_place(data, item->place, &identity, loader->pool,
					 &loader->error);
	if (ret != 0)
		return ret;
	return item->level < 0 ? loader->on_leaf(loader, item->index, data)
			       : loader_take_index(loader, item, data);
}

static int loader_break(struct tree_loader *loader, struct tree *tree, int result)
{
	tree->is_broken = true;
	if (result == -ENOMEM)
		return result;
	return loader->on_broken(loader, tree, result);
}

/* Reading them together failed: which of them was it? */
static int loader_retry(struct tree_loader *loader, int result)
{
	if (loader->view.count == 1) {
		(void)error_set(&loader->error, result,
				"reading metadata at byte %" PRIu64 " of the disk failed: %s",
				loader->view.pages[0].block * FORMAT_BLOCK_BYTES,
				strerror(-result)); /* returns the code */
		return loader_break(loader, loader->batch[0].tree, result);
	}
	loader->singles = loader->view.count;
	for (uint32_t i = 0; i < loader->view.count; i++) {
		if (loader_push(loader, &loader->batch[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void loader_read(struct page_transfer *transfer, int result)
{
	struct tree_loader *loader = container_of(transfer, struct tree_loader, transfer);
	int ret = 0;

	if (result != 0)
		ret = loader_retry(loader, result);
	for (uint32_t i = 0; result == 0 && ret == 0 && i < loader->view.count; i++) {
		const struct tree_loader_item *item = &loader->batch[i];

		if (item->tree->is_broken)
			continue;
		ret = loader_take(loader, item, loader->view.pages[i].data);
		if (ret != 0)
			ret = loader_break(loader, item->tree, ret);
	}
	if (ret != 0)
		loader_end(loader, ret);
	else
		loader_next(loader);
}

static int item_compare(const void *a, const void *b)
{
	uint64_t left = ((const struct tree_loader_item *)a)->place;
	uint64_t right = ((const struct tree_loader_item *)b)->place;

	return (left > right) - (left < right);
}

/* Memory for as many pages as the next batch has. */
static int loader_fill_view(struct tree_loader *loader, uint32_t count)
{
	while (loader->list.count < count) {
		if (!page_list_add(&loader->list, 0, NULL))
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		loader->list.pages[i].block = format_place_block(loader->batch[i].place);
	loader->view = loader->list;
	loader->view.count = count;
	return 0;
}

static void loader_next(struct tree_loader *loader)
{
	uint32_t most = loader->singles > 0 ? 1 : TREE_LOADER_BATCH;
	uint32_t count = 0;

	while (loader->count > 0 && count < most) {
		const struct tree_loader_item *item = &loader->items[--loader->count];

		if (loader->singles > 0)
			loader->singles--;
		if (!item->tree->is_broken)
			loader->batch[count++] = *item;
	}
	qsort(loader->batch, count, sizeof(loader->batch[0]), item_compare);
	if (count == 0)
		loader_end(loader, 0);
	else if (loader_fill_view(loader, count) != 0)
		loader_end(loader, -ENOMEM);
	else
		page_transfer_start(&loader->transfer, loader->disk, BLOCK_READ, &loader->view,
				    loader_read);
}

void tree_loader_start(struct tree_loader *loader)
{
	loader->error = (struct error){0};
	loader_next(loader);
}
