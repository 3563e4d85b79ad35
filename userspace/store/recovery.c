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
	tree_loader_fini(&recovery->loader);
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

static bool holds_metadata(void *owner, uint64_t extent)
{
	const struct slot_map *slots = owner;

	return slot_map_has_extent(slots, extent);
}

/* Room for the checkpoint that ends the opening, and, if there is, for what is kept in hand. */
static int prepare_checkpoint(struct pool *pool, struct error *err)
{
	int ret;

	space_end_replay(&pool->space, holds_metadata, &pool->slots);
	ret = slot_budget_prepare(pool);
	if (ret != 0)
		return error_set(err, ret, "the pool has no room for its metadata: grow the disk");
	(void)slot_budget_create(pool, 0, SLOT_USE_GROWTH); /* else the pool is full, that is all */
	return 0;
}

void recovery_replayed(struct recovery *recovery)
{
	struct pool *pool = recovery->pool;
	struct error *err = &recovery->request->error;
	int ret = record_link(pool, err);

	if (ret == 0 && recovery->settings.is_read_only) {
		space_end_replay(&pool->space, holds_metadata, &pool->slots);
		pool->state = POOL_READ_ONLY;
		recovery_say_why(recovery);
		recovery_end(recovery, 0);
		return;
	}
	pool->journal.epoch++;
	pool->journal.boot = get_le64(recovery->settings.boot_id.bytes);
	recovery->waiter.run = recovery_checkpointed;
	list_append(&pool->checkpoint.next, &recovery->waiter.link);
	if (ret == 0)
		ret = prepare_checkpoint(pool, err);
	if (ret == 0)
		ret = checkpoint_capture(pool);
	if (ret == 0)
		checkpoint_write(pool);
	else
		recovery_end(recovery, ret);
}

/* What all share is damaged: the pool does not open. */
static int shared_broken(struct tree_loader *loader, struct tree *tree, int result)
{
	return result;
}

/* A layer that cannot be read is left as it is on the disk, and its volume answers -ENODATA. */
static int layer_broken(struct tree_loader *loader, struct tree *tree, int result)
{
	struct layer *layer = container_of(tree, struct layer, tree);

	layer->is_lost = true;
	layer->is_damaged = true;
	container_of(loader, struct recovery, loader)->has_lost = true;
	return 0;
}

static void layers_loaded(struct tree_loader *loader, int result)
{
	struct recovery *recovery = container_of(loader, struct recovery, loader);

	if (result != 0) {
		recovery_end(recovery, result);
		return;
	}
	if (recovery->has_lost)
		slot_map_freeze_extents(&recovery->pool->slots);
	replay_start(recovery);
}

/* The index pages of all layers. */
static void load_layers(struct recovery *recovery)
{
	struct catalogue *catalogue = &recovery->pool->catalogue;
	struct tree_loader *loader = &recovery->loader;

	loader->leaf_kind = FORMAT_LEAF;
	loader->on_broken = layer_broken;
	loader->done = layers_loaded;
	for (uint32_t id = 1; id <= catalogue->count; id++) {
		struct layer *layer = catalogue_layer(catalogue, id);

		if (layer && layer->root == FORMAT_PLACE_LOST) {
			layer->is_lost = true;
			layer->is_damaged = true;
		} else if (layer && tree_loader_add(loader, &layer->tree, layer->root) != 0) {
			recovery_end(recovery, -ENOMEM);
			return;
		}
	}
	tree_loader_start(loader);
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
	load_layers(recovery);
}

static int take_bitmap_page(struct tree_loader *loader, uint64_t index, const void *data)
{
	struct recovery *recovery = container_of(loader, struct recovery, loader);
	struct pool *pool = recovery->pool;
	const struct format_bitmap *page = data;
	uint64_t extents[ARRAY_SIZE(page->extents)];
	uint64_t slots[ARRAY_SIZE(page->slots)];

	for (unsigned i = 0; i < ARRAY_SIZE(extents); i++)
		extents[i] = get_le64(&page->extents[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(slots); i++)
		slots[i] = get_le64(&page->slots[i]);
	if (!space_load_region(&pool->space, index, extents) ||
	    !slot_map_load_region(&pool->slots, index, slots))
		return error_set(&loader->error, -ENODATA,
				 "bitmap page %u has something where nothing can be",
				 (unsigned)index);
	if (get_le32(&page->flags) & FORMAT_REGION_UNPUNCHED)
		space_suspect(&pool->space, index);
	return 0;
}

static void bitmaps_loaded(struct tree_loader *loader, int result)
{
	struct recovery *recovery = container_of(loader, struct recovery, loader);
	struct pool *pool = recovery->pool;
	const struct format_super *super;

	if (result == 0 && !slot_map_be_strict(&pool->slots))
		result = error_set(&loader->error, -ENODATA,
				   "a page of the bitmaps lies where they say that nothing is");
	if (result != 0) {
		recovery->request->error = loader->error;
		recovery_end(recovery, result);
		return;
	}
	(void)super_choose(recovery->list.pages[0].data, recovery->list.pages[1].data, &super,
			   NULL); /* it was chosen before */
	loader->leaf_kind = FORMAT_CATALOGUE;
	loader->on_leaf = take_catalogue_page;
	loader->done = catalogue_loaded;
	if (tree_loader_add(loader, &pool->catalogue.tree, get_le64(&super->catalogue_root)) == 0)
		tree_loader_start(loader);
	else
		recovery_end(recovery, -ENOMEM);
}

static void super_flushed(struct block_io *io, int result)
{
	struct recovery *recovery = container_of(io, struct recovery, flush);

	if (result != 0) {
		loss_happened(recovery->pool, "flushing the disk failed", result);
		recovery_end(recovery,
			     error_set(&recovery->request->error, result,
				       "flushing the disk failed: %s", strerror(-result)));
	} else {
		tree_loader_start(&recovery->loader);
	}
}

static void super_written(struct block_io *io, int result)
{
	struct recovery *recovery = container_of(io, struct recovery, flush);

	if (result != 0) {
		recovery_end(recovery,
			     error_set(&recovery->request->error, result,
				       "writing a superblock failed: %s", strerror(-result)));
		return;
	}
	recovery->flush = (struct block_io){.kind = BLOCK_FLUSH, .done = super_flushed};
	block_submit(recovery->disk, &recovery->flush);
}

/*
 * The process before may have died between writing a superblock and flushing it, or its flush
 * may have failed. From here on what only the older one points to may be overwritten, so the
 * newer one must be durable first. A flush alone would not do: after one that failed, what the
 * disk shows is not what it still has to write. So it is written again, where it was.
 */
static void super_renew(struct recovery *recovery, const struct format_super *super)
{
	recovery->iov =
		(struct iovec){.iov_base = (void *)(uintptr_t)super, .iov_len = FORMAT_BLOCK_BYTES};
	recovery->flush = (struct block_io){
		.kind = BLOCK_WRITE,
		.offset = get_le64(&super->header.block) * FORMAT_BLOCK_BYTES,
		.length = FORMAT_BLOCK_BYTES,
		.iov = &recovery->iov,
		.iov_count = 1,
		.done = super_written,
	};
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
	loss_load(recovery->pool, recovery->list.pages[2].data);
	recovery->loader = (struct tree_loader){
		.disk = recovery->disk,
		.pool = &recovery->pool->uuid,
		.slots = &recovery->pool->slots,
		.leaf_kind = FORMAT_BITMAP,
		.on_leaf = take_bitmap_page,
		.on_broken = shared_broken,
		.done = bitmaps_loaded,
	};
	if (tree_loader_add(&recovery->loader, &recovery->pool->bitmaps,
			    get_le64(&super->bitmap_root)) == 0)
		super_renew(recovery, super);
	else
		recovery_end(recovery, -ENOMEM);
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
	    !page_list_add(&recovery->list, FORMAT_SUPER_B_BLOCK, NULL) ||
	    !page_list_add(&recovery->list, FORMAT_LOSS_BLOCK, NULL)) {
		recovery_end(recovery, -ENOMEM);
		return;
	}
	page_transfer_start(&recovery->transfer, disk, BLOCK_READ, &recovery->list, supers_read);
}
