/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes are made, changed and deleted by operations: the catalogue is changed in memory, its
 * records go with the next commit, and the request is done when that is durable.
 */
#include "store/volume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "store/state.h"
#include "store/volume_state.h"

static int check_writable(const struct pool *pool, struct error *err)
{
	if (pool_is_writable(pool))
		return 0;
	*err = pool->reason;
	return err->code = -EROFS;
}

/* Start a commit; `done` then ends the operation. */
static void operation_commit(struct operation *operation,
			     void (*done)(struct waiter *waiter, int result))
{
	operation->waiter.run = done;
	commit_join(operation->pool, &operation->waiter);
	runner_run(&operation->pool->runner);
}

static void changed(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);

	if (result != 0)
		operation->request->error = operation->pool->reason;
	operation_end(operation, result);
}

/* True if the metadata area has room for the worst that this may come to. */
static int check_slots(const struct pool *pool, uint64_t leaves, const char *name,
		       struct error *err)
{
	uint64_t more = 2 * (leaves + geometry_index_pages(leaves) + 2);
	uint64_t has = geometry_slot_count(&pool->geometry);
	char size[SIZE_TEXT_MAX];

	if (pool_slots_needed(pool) + more <= has)
		return 0;
	return error_set(err, -ENOSPC,
			 "pool '%s' has metadata for %s of volumes in all, '%s' would go beyond "
			 "that: make it smaller, or grow the pool",
			 pool->name, size_format(has / 2 * FORMAT_WORDS * STORE_EXTENT_BYTES, size),
			 name);
}

static int create_check(const struct operation *operation, struct error *err)
{
	const struct volume_spec *spec = &operation->spec;
	const struct catalogue *catalogue = &operation->pool->catalogue;
	int ret = name_check("volume", spec->name, err);

	if (ret == 0)
		ret = check_writable(operation->pool, err);
	if (ret != 0)
		return ret;
	if (spec->size_bytes == 0 || spec->size_bytes % STORE_BLOCK_BYTES != 0 ||
	    spec->size_bytes > VOLUME_SIZE_MAX_BYTES)
		return error_set(err, -EINVAL,
				 "volume '%s' cannot have %" PRIu64 " bytes: a multiple of 4096 is "
				 "needed, at most 1 PiB",
				 spec->name, spec->size_bytes);
	if (spec->logical_block_bytes != 512 && spec->logical_block_bytes != 4096)
		return error_set(err, -EINVAL,
				 "volume '%s': blocks are of 512 or 4096 bytes, not %u", spec->name,
				 spec->logical_block_bytes);
	if (catalogue_find_name(catalogue, spec->name))
		return error_set(err, -EEXIST, "pool '%s' has a volume '%s' already",
				 operation->pool->name, spec->name);
	if (catalogue_find_uuid(catalogue, &spec->uuid))
		return error_set(err, -EEXIST, "pool '%s' has a volume of this UUID already",
				 operation->pool->name);
	return check_slots(operation->pool, geometry_leaf_count(spec->size_bytes), spec->name, err);
}

static void volume_fill(struct volume *volume, const struct volume_spec *spec)
{
	memcpy(volume->name, spec->name, sizeof(volume->name));
	volume->uuid = spec->uuid;
	volume->size_bytes = spec->size_bytes;
	volume->created_at_s = spec->created_at_s;
	volume->logical_block_bytes = spec->logical_block_bytes;
}

static void created(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);

	operation->volume->is_visible = result == 0;
	changed(waiter, result);
}

static void create_start(struct operation *operation)
{
	struct pool *pool = operation->pool;
	struct catalogue *catalogue = &pool->catalogue;
	struct volume *volume;
	struct layer *layer;
	uint32_t layer_id;
	uint32_t volume_id;
	int ret = create_check(operation, &operation->request->error);

	if (ret == 0)
		ret = catalogue_find_free(catalogue, 0, &layer_id);
	if (ret == 0)
		ret = layer_new(layer_id, geometry_leaf_count(operation->spec.size_bytes), &layer);
	if (ret != 0) {
		operation_end(operation, ret);
		return;
	}
	catalogue_add_layer(catalogue, layer);
	ret = catalogue_find_free(catalogue, layer_id, &volume_id);
	volume = ret == 0 ? volume_new(pool, volume_id) : NULL;
	if (!volume) {
		catalogue_remove(catalogue, layer_id);
		layer_free(layer);
		operation_end(operation, -ENOMEM);
		return;
	}
	volume_fill(volume, &operation->spec);
	volume->head = layer;
	volume->head_id = layer_id;
	layer->named = volume;
	layer->owner = volume;
	catalogue_add_volume(catalogue, volume);
	commit_add_record(pool, layer_id);
	commit_add_record(pool, volume->id);
	operation->volume = volume;
	operation_commit(operation, created);
}

void volume_create(struct pool *pool, const struct volume_spec *spec, struct store_request *request)
{
	struct operation *operation = operation_new(pool, request, create_start);

	if (!operation)
		return;
	operation->spec = *spec;
	if (uuid_is_nil(&spec->uuid))
		uuid_generate(&operation->spec.uuid);
	if (spec->logical_block_bytes == 0)
		operation->spec.logical_block_bytes = 512;
}

/* The volume the operation is about; NULL with the sentence set. */
static struct volume *operation_volume(struct operation *operation)
{
	struct error *err = &operation->request->error;
	struct volume *volume = volume_find(operation->pool, operation->spec.name);

	if (!volume) {
		(void)error_set(err, -ENOENT, "pool '%s' has no volume '%.64s'",
				operation->pool->name, operation->spec.name); /* returns the code */
		return NULL;
	}
	return check_writable(operation->pool, err) == 0 ? volume : NULL;
}

static struct operation *named_operation(struct pool *pool, const char *name,
					 struct store_request *request,
					 void (*start)(struct operation *operation))
{
	struct operation *operation = operation_new(pool, request, start);

	if (operation)
		(void)strncpy(operation->spec.name, name, NAME_LEN_MAX); /* a longer one is not
									    found */
	return operation;
}

static void deleted(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);
	struct pool *pool = operation->pool;

	if (result == 0) {
		operation->volume->head->named = NULL;
		operation->volume->head->owner = NULL;
		catalogue_remove(&pool->catalogue, operation->volume->id);
		free(operation->volume);
		doom_kick(pool);
	} else {
		/* The pool is read-only now: what can be read shall be. */
		operation->volume->is_deleted = false;
	}
	changed(waiter, result);
}

static void delete_start(struct operation *operation)
{
	struct volume *volume = operation_volume(operation);

	if (!volume) {
		operation_end(operation, operation->request->error.code);
		return;
	}
	if (volume->opens > 0) {
		operation_end(operation,
			      error_set(&operation->request->error, -EBUSY,
					"volume '%s' is in use: detach it first", volume->name));
		return;
	}
	volume->is_deleted = true;
	operation->volume = volume;
	commit_add_record(operation->pool, volume->id);
	operation_commit(operation, deleted);
}

void volume_delete(struct pool *pool, const char *name, struct store_request *request)
{
	(void)named_operation(pool, name, request, delete_start); /* the request hears of it */
}

static int grow_check(const struct operation *operation, const struct volume *volume,
		      struct error *err)
{
	uint64_t size = operation->spec.size_bytes;
	uint64_t leaves = geometry_leaf_count(size);
	char is[SIZE_TEXT_MAX];

	if (size < volume->size_bytes)
		return error_set(err, -EINVAL, "volume '%s' has %s and cannot become smaller",
				 volume->name, size_format(volume->size_bytes, is));
	if (size % STORE_BLOCK_BYTES != 0 || size > VOLUME_SIZE_MAX_BYTES)
		return error_set(err, -EINVAL,
				 "volume '%s' cannot have %" PRIu64 " bytes: a multiple of 4096 is "
				 "needed, at most 1 PiB",
				 volume->name, size);
	if (volume->head->is_lost)
		return error_set(err, -ENODATA, "volume '%s' is damaged", volume->name);
	return check_slots(operation->pool, leaves - volume->head->tree.leaf_count, volume->name,
			   err);
}

static void grow_start(struct operation *operation)
{
	struct volume *volume = operation_volume(operation);
	struct error *err = &operation->request->error;
	uint64_t size = operation->spec.size_bytes;
	int ret = volume ? grow_check(operation, volume, err) : err->code;

	if (ret == 0 && size > volume->size_bytes)
		ret = tree_grow(&volume->head->tree, geometry_leaf_count(size));
	if (ret != 0 || size == volume->size_bytes) {
		operation_end(operation, ret);
		return;
	}
	volume->size_bytes = size;
	commit_add_record(operation->pool, volume->head->id);
	commit_add_record(operation->pool, volume->id);
	operation_commit(operation, changed);
}

void volume_grow(struct pool *pool, const char *name, uint64_t size_bytes,
		 struct store_request *request)
{
	struct operation *operation = named_operation(pool, name, request, grow_start);

	if (operation)
		operation->spec.size_bytes = size_bytes;
}

static void mark_start(struct operation *operation)
{
	struct volume *volume = operation_volume(operation);

	if (!volume || volume->is_formatted) {
		operation_end(operation, operation->request->error.code);
		return;
	}
	volume->is_formatted = true;
	commit_add_record(operation->pool, volume->id);
	operation_commit(operation, changed);
}

void volume_mark_formatted(struct pool *pool, const char *name, struct store_request *request)
{
	(void)named_operation(pool, name, request, mark_start); /* the request hears of it */
}

static bool volume_is_there(const struct volume *volume)
{
	return volume->is_visible && !volume->is_deleted;
}

struct volume *volume_find(struct pool *pool, const char *name)
{
	struct volume *volume = catalogue_find_name(&pool->catalogue, name);

	return volume && volume_is_there(volume) ? volume : NULL;
}

struct volume *volume_next(struct pool *pool, struct volume *previous)
{
	struct list *volumes = &pool->catalogue.volumes;
	struct list_node *node = previous ? previous->link.next : volumes->head.next;

	for (; node != &volumes->head; node = node->next) {
		struct volume *volume = list_entry(node, struct volume, link);

		if (volume_is_there(volume))
			return volume;
	}
	return NULL;
}

void volume_describe(const struct volume *volume, struct volume_facts *out_facts)
{
	*out_facts = (struct volume_facts){
		.uuid = volume->uuid,
		.size_bytes = volume->size_bytes,
		.mapped_bytes = volume->head->mapped_extents * STORE_EXTENT_BYTES,
		.created_at_s = volume->created_at_s,
		.logical_block_bytes = volume->logical_block_bytes,
		.is_formatted = volume->is_formatted,
		.is_damaged = volume->head->is_damaged,
	};
	memcpy(out_facts->name, volume->name, sizeof(out_facts->name));
}
