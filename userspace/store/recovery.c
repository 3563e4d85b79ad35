/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of opening, in order; each ends in the next one's start or in recovery_end. */
#include "store/recovery.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "store/record.h"
#include "store/state.h"

static void load_layers(struct recovery *recovery);

static void recovery_ended(struct block_io *io, int result)
{
	struct recovery *recovery = container_of(io, struct recovery, deferred);
	struct store_request *request = recovery->request;

	if (result != 0 && request->error.code == 0)
		(void)error_set(&request->error, result, "opening the pool failed: %s",
				strerror(-result)); /* returns the code */
	if (result == 0) {
		*recovery->out_pool = recovery->pool;
		if (!recovery->settings.is_read_only)
			background_kick(recovery->pool);
		punch_kick(recovery->pool);
		runner_run(&recovery->pool->runner);
	} else if (recovery->pool) {
		pool_free(recovery->pool);
	}
	page_list_fini(&recovery->list);
	free(recovery);
	request->done(request, result);
}

void recovery_end(struct recovery *recovery, int result)
{
	recovery->deferred.done = recovery_ended;
	block_queue_complete(recovery->disk->queue, &recovery->deferred, result);
}

static void recovery_checkpointed(struct waiter *waiter, int result)
{
	struct recovery *recovery = container_of(waiter, struct recovery, waiter);

	if (result != 0)
		recovery->request->error = recovery->pool->reason;
	recovery_end(recovery, result);
}

static void recovery_say_why(struct recovery *recovery)
{
	struct pool *pool = recovery->pool;

	if (recovery->is_repaired)
		(void)error_set(&pool->reason, -EROFS,
				"pool '%s' was repaired and is read-only: look at its volumes, "
				"then `berth-node repair --keep PATH` or --undo while it is closed",
				pool->name); /* returns the code */
	else
		(void)error_set(&pool->reason, -EROFS, "pool '%s' was opened read-only",
				pool->name); /* returns the code */
}

void recovery_replayed(struct recovery *recovery)
{
	struct pool *pool = recovery->pool;
	int ret = record_link(pool, &recovery->request->error);

	if (ret == 0 && recovery->settings.is_read_only) {
		pool->state = POOL_READ_ONLY;
		recovery_say_why(recovery);
		recovery_end(recovery, 0);
		return;
	}
	pool->journal.epoch++;
	recovery->waiter.run = recovery_checkpointed;
	list_append(&pool->checkpoint.next, &recovery->waiter.link);
	if (ret == 0)
		ret = checkpoint_capture(pool);
	if (ret == 0)
		checkpoint_write(pool);
	else
		recovery_end(recovery, ret);
}

/* A layer that cannot be read is left as it is on the disk, and its volume answers -ENODATA. */
static void layer_loaded(struct tree_loader *loader, int result)
{
	struct recovery *recovery = container_of(loader, struct recovery, loader);
	struct layer *layer = catalogue_layer(&recovery->pool->catalogue, recovery->layer_id);

	if (result == -ENOMEM) {
		recovery_end(recovery, result);
		return;
	}
	if (result != 0) {
		layer->is_lost = true;
		layer->is_damaged = true;
	}
	load_layers(recovery);
}

static void load_layers(struct recovery *recovery)
{
	struct pool *pool = recovery->pool;

	while (++recovery->layer_id <= pool->catalogue.count) {
		struct layer *layer = catalogue_layer(&pool->catalogue, recovery->layer_id);

		if (!layer || !layer->root)
			continue;
		recovery->loader.tree = &layer->tree;
		recovery->loader.root = layer->root;
		recovery->loader.leaf_kind = FORMAT_LEAF;
		recovery->loader.done = layer_loaded;
		tree_loader_start(&recovery->loader);
		return;
	}
	replay_start(recovery);
}

static int take_catalogue_page(struct tree_loader *loader, uint64_t index, const void *data)
{
	struct recovery *recovery = container_of(loader, struct recovery, loader);
	struct pool *pool = recovery->pool;
	const struct format_catalogue *page = data;

	for (uint32_t i = 0; i < FORMAT_RECORDS; i++) {
		uint32_t id = (uint32_t)index * FORMAT_RECORDS + i + 1;
		int ret;

		if (get_le16(&page->records[i].kind) == FORMAT_RECORD_FREE)
			continue;
		ret = record_apply(pool, id, &page->records[i], false, &loader->error);
		if (ret != 0)
			return ret;
	}
	*pool->catalogue.pages[index] = *page;
	return 0;
}

static void catalogue_loaded(struct tree_loader *loader, int result)
{
	struct recovery *recovery = container_of(loader, struct recovery, loader);

	if (result != 0) {
		recovery->request->error = loader->error;
		recovery_end(recovery, result);
		return;
	}
	recovery->layer_id = 0;
	load_layers(recovery);
}

static int take_bitmap_page(struct tree_loader *loader, uint64_t index, const void *data)
{
	struct recovery *recovery = container_of(loader, struct recovery, loader);
	struct pool *pool = recovery->pool;
	const struct format_bitmap *page = data;

	if (get_le32(&page->flags) & FORMAT_REGION_UNPUNCHED)
		space_suspect(&pool->space, index);
	for (unsigned i = 0; i < FORMAT_REGION_EXTENTS; i++) {
		uint64_t word = get_le64(&page->extents[i / 64]);

		if ((word >> (i % 64) & 1) &&
		    !space_load(&pool->space, index * FORMAT_REGION_EXTENTS + i))
			return error_set(&loader->error, -ENODATA,
					 "bitmap page %u has data where none can be",
					 (unsigned)index);
	}
	for (unsigned i = 0; i < FORMAT_REGION_SLOTS; i++) {
		uint64_t word = get_le64(&page->slots[i / 64]);

		if (word >> (i % 64) & 1)
			slot_map_load(&pool->slots, index * FORMAT_REGION_SLOTS + i);
	}
	return 0;
}

static void bitmaps_loaded(struct tree_loader *loader, int result)
{
	struct recovery *recovery = container_of(loader, struct recovery, loader);
	struct pool *pool = recovery->pool;
	const struct format_super *super;

	if (result != 0) {
		recovery->request->error = loader->error;
		recovery_end(recovery, result);
		return;
	}
	(void)super_choose(recovery->list.pages[0].data, recovery->list.pages[1].data, &super,
			   NULL); /* it was chosen before */
	loader->tree = &pool->catalogue.tree;
	loader->root = get_le64(&super->catalogue_root);
	loader->leaf_kind = FORMAT_CATALOGUE;
	loader->on_leaf = take_catalogue_page;
	loader->done = catalogue_loaded;
	tree_loader_start(loader);
}

static void super_flushed(struct block_io *io, int result)
{
	struct recovery *recovery = container_of(io, struct recovery, flush);

	if (result != 0)
		recovery_end(recovery,
			     error_set(&recovery->request->error, result,
				       "flushing the disk failed: %s", strerror(-result)));
	else
		tree_loader_start(&recovery->loader);
}

/*
 * The process before may have died between writing a superblock and flushing it. From here on
 * what only the older one points to may be overwritten, so the newer one must be durable first.
 */
static void super_flush(struct recovery *recovery)
{
	recovery->flush = (struct block_io){.kind = BLOCK_FLUSH, .done = super_flushed};
	if (recovery->settings.is_read_only)
		tree_loader_start(&recovery->loader);
	else
		block_submit(recovery->disk, &recovery->flush);
}

static void supers_read(struct page_transfer *transfer, int result)
{
	struct recovery *recovery = container_of(transfer, struct recovery, transfer);
	struct error *err = &recovery->request->error;
	const struct format_super *super;
	struct block_limits limits;
	int ret = super_choose(recovery->list.pages[0].data, recovery->list.pages[1].data, &super,
			       err);

	/* One copy is enough; only if neither is good does a read error matter. */
	if (ret != 0 && result != 0)
		ret = error_set(err, result, "reading the superblocks failed: %s",
				strerror(-result));
	block_describe(recovery->disk, &limits);
	if (ret == 0)
		ret = super_check(super, limits.size_bytes, err);
	recovery->is_repaired = ret == 0 && (get_le64(&super->features) & FORMAT_FEATURE_REPAIRED);
	if (recovery->is_repaired)
		recovery->settings.is_read_only = true;
	if (ret == 0)
		ret = pool_new(recovery->disk, &recovery->settings, super, &recovery->pool);
	if (ret != 0) {
		recovery_end(recovery, ret);
		return;
	}
	recovery->loader = (struct tree_loader){
		.disk = recovery->disk,
		.pool = &recovery->pool->uuid,
		.slots = &recovery->pool->slots,
		.tree = &recovery->pool->bitmaps,
		.root = get_le64(&super->bitmap_root),
		.leaf_kind = FORMAT_BITMAP,
		.on_leaf = take_bitmap_page,
		.done = bitmaps_loaded,
	};
	super_flush(recovery);
}

void pool_open(struct block *disk, const struct pool_settings *settings, struct pool **out_pool,
	       struct store_request *request)
{
	struct recovery *recovery = calloc(1, sizeof(*recovery));

	assert(recovery); /* the size of a page: without it nothing else would work */
	request->error = (struct error){0};
	recovery->disk = disk;
	recovery->settings = *settings;
	recovery->out_pool = out_pool;
	recovery->request = request;
	if (!page_list_add(&recovery->list, FORMAT_SUPER_A_BLOCK, NULL) ||
	    !page_list_add(&recovery->list, FORMAT_SUPER_B_BLOCK, NULL)) {
		recovery_end(recovery, -ENOMEM);
		return;
	}
	page_transfer_start(&recovery->transfer, disk, BLOCK_READ, &recovery->list, supers_read);
}
