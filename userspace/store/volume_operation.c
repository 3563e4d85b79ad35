/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/volume_operation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/state.h"

/* A catalogue page more, with the index pages above it, old and new. */
#define PAGES_PER_LAYER 8

struct operation *operation_new_named(struct pool *pool, const char *name,
				      struct store_request *request,
				      void (*start)(struct operation *operation))
{
	struct operation *operation = operation_new(pool, request, start);

	if (operation)
		(void)strncpy(operation->spec.name, name, NAME_LEN_MAX); /* a longer one is not
									    found */
	return operation;
}

int operation_check_writable(const struct operation *operation)
{
	const struct pool *pool = operation->pool;

	if (pool_is_writable(pool))
		return 0;
	operation->request->error = pool->reason;
	return operation->request->error.code = -EROFS;
}

struct volume *operation_find(struct operation *operation, const char *name)
{
	struct error *err = &operation->request->error;
	struct volume *volume = volume_find(operation->pool, name);

	if (!volume) {
		(void)error_set(err, -ENOENT, "pool '%s' has no volume or snapshot '%.64s'",
				operation->pool->name, name); /* returns the code */
		return NULL;
	}
	return operation_check_writable(operation) == 0 ? volume : NULL;
}

struct volume *operation_find_volume(struct operation *operation, const char *name)
{
	struct volume *volume = operation_find(operation, name);

	if (!volume || !volume->is_snapshot)
		return volume;
	(void)error_set(&operation->request->error, -EINVAL,
			"'%s' is a snapshot and stays as it is: make a clone of it and use that",
			name); /* returns the code */
	return NULL;
}

int operation_check_idle(const struct operation *operation, const struct volume *volume)
{
	if (volume->opens == 0 && volume->in_flight == 0)
		return 0;
	return error_set(&operation->request->error, -EBUSY, "%s '%s' is in use: detach it first",
			 volume->is_snapshot ? "snapshot" : "volume", volume->name);
}

int operation_check_size(const struct operation *operation, const char *name, uint64_t size_bytes)
{
	if (size_bytes > 0 && size_bytes % STORE_BLOCK_BYTES == 0 &&
	    size_bytes <= VOLUME_SIZE_MAX_BYTES)
		return 0;
	return error_set(&operation->request->error, -EINVAL,
			 "volume '%s' cannot have %" PRIu64 " bytes: a multiple of 4096 is needed, "
			 "at most 1 PiB",
			 name, size_bytes);
}

int operation_check_new(const struct operation *operation, const char *what, const char *name,
			const struct uuid *uuid)
{
	const struct pool *pool = operation->pool;
	struct error *err = &operation->request->error;
	const struct volume *other;
	int ret = name_check(what, name, err);

	if (ret == 0)
		ret = operation_check_writable(operation);
	if (ret != 0)
		return ret;
	other = catalogue_find_name(&pool->catalogue, name);
	if (other)
		return error_set(err, -EEXIST, "pool '%s' has a %s '%s' already", pool->name,
				 other->is_snapshot ? "snapshot" : "volume", name);
	other = catalogue_find_uuid(&pool->catalogue, uuid);
	if (other)
		return error_set(err, -EEXIST, "pool '%s' has '%s' with this UUID already",
				 pool->name, other->name);
	return 0;
}

int operation_add_layer(struct operation *operation, uint64_t size_bytes, struct layer *parent,
			struct layer **out_layer)
{
	struct catalogue *catalogue = &operation->pool->catalogue;
	uint32_t id;
	int ret = slot_budget_create(operation->pool, PAGES_PER_LAYER, SLOT_USE_GROWTH);

	if (ret == -ENOSPC)
		return error_set(&operation->request->error, ret,
				 "pool '%s' is full: delete something, or grow the pool",
				 operation->pool->name);
	if (ret == 0)
		ret = catalogue_find_free(catalogue, 0, &id);
	if (ret == 0)
		ret = layer_new(id, geometry_leaf_count(size_bytes), out_layer);
	if (ret != 0)
		return ret;
	layer_set_parent(*out_layer, parent);
	if (parent && parent->parent && parent->parent->is_merging)
		layer_uncount(*out_layer); /* the words of its parent are changing */
	catalogue_add_layer(catalogue, *out_layer);
	return 0;
}

void operation_remove_layer(struct operation *operation, struct layer *layer)
{
	catalogue_remove(&operation->pool->catalogue, layer->id);
	layer_free(layer);
}

int operation_new_volume(struct operation *operation, const char *name, const struct uuid *uuid,
			 struct volume **out_volume)
{
	struct volume *volume;
	uint32_t id;
	int ret = catalogue_find_free(&operation->pool->catalogue, 0, &id);

	if (ret != 0)
		return ret;
	volume = volume_new(operation->pool, id);
	if (!volume)
		return -ENOMEM;
	memcpy(volume->name, name, strlen(name));
	volume->uuid = *uuid;
	*out_volume = volume;
	return 0;
}

void operation_name_layer(struct volume *volume, struct layer *layer)
{
	volume->head = layer;
	volume->head_id = layer->id;
	layer->named = volume;
}

void operation_charge(struct layer *layer, struct volume *owner)
{
	int64_t extents = (int64_t)layer->mapped_extents;

	if (layer->owner)
		quota_charge(layer->owner->pool, layer->owner, -extents);
	layer->owner = owner;
	if (owner)
		quota_charge(owner->pool, owner, extents);
}

void operation_commit(struct operation *operation, void (*done)(struct waiter *waiter, int result))
{
	operation->waiter.run = done;
	commit_join(operation->pool, &operation->waiter);
	runner_run(&operation->pool->runner);
}

void operation_committed(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);

	if (result != 0)
		operation->request->error = operation->pool->reason;
	operation_end(operation, result);
}
