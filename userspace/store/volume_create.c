/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes come into being: an empty layer over nothing, or, a clone, over a snapshot's layer. Two
 * records, whatever the snapshot has.
 */
#include <errno.h>
#include <string.h>

#include "base/size.h"
#include "store/state.h"
#include "store/volume_operation.h"

/* What the clone takes over from its snapshot. */
static int clone_check(struct operation *operation)
{
	struct volume_spec *spec = &operation->spec;
	struct error *err = &operation->request->error;
	const struct volume *snapshot = operation_find(operation, spec->snapshot);
	char has[SIZE_TEXT_MAX];

	if (!snapshot)
		return err->code;
	if (!snapshot->is_snapshot)
		return error_set(err, -EINVAL,
				 "'%s' is a volume: take a snapshot of it and clone that",
				 snapshot->name);
	if (snapshot->head->is_lost)
		return error_set(err, -ENODATA, "snapshot '%s' is damaged: repair the pool first",
				 snapshot->name);
	if (spec->size_bytes == 0)
		spec->size_bytes = snapshot->size_bytes;
	if (spec->logical_block_bytes == 0)
		spec->logical_block_bytes = snapshot->logical_block_bytes;
	if (spec->size_bytes < snapshot->size_bytes)
		return error_set(
			err, -EINVAL, "snapshot '%s' has %s, its clone '%s' cannot be smaller",
			snapshot->name, size_format(snapshot->size_bytes, has), spec->name);
	if (spec->logical_block_bytes != snapshot->logical_block_bytes)
		return error_set(err, -EINVAL,
				 "snapshot '%s' has blocks of %u bytes, so must its clone '%s'",
				 snapshot->name, snapshot->logical_block_bytes, spec->name);
	return 0;
}

static int create_check(struct operation *operation)
{
	struct volume_spec *spec = &operation->spec;
	int ret = operation_check_new(operation, "volume", spec->name, &spec->uuid);

	if (ret == 0 && spec->snapshot[0])
		ret = clone_check(operation);
	if (ret == 0)
		ret = operation_check_size(operation, spec->name, spec->size_bytes);
	if (ret != 0)
		return ret;
	if (spec->logical_block_bytes == 0)
		spec->logical_block_bytes = 512;
	if (spec->logical_block_bytes != 512 && spec->logical_block_bytes != 4096)
		return error_set(&operation->request->error, -EINVAL,
				 "volume '%s': blocks are of 512 or 4096 bytes, not %u", spec->name,
				 spec->logical_block_bytes);
	ret = quota_check_promise(operation->pool, spec->name, spec->size_bytes,
				  &operation->request->error);
	if (ret != 0)
		return ret;
	return quota_check_limits(operation->pool, NULL, spec->name, spec->reservation_bytes,
				  spec->limit_bytes, &operation->request->error);
}

static void created(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);

	operation->volume->is_visible = result == 0;
	operation_committed(waiter, result);
}

/* All that can fail; nothing has changed if it does. */
static int create_prepare(struct operation *operation)
{
	const struct volume_spec *spec = &operation->spec;
	const struct volume *snapshot;
	int ret = create_check(operation);

	if (ret != 0)
		return ret;
	snapshot = spec->snapshot[0] ? volume_find(operation->pool, spec->snapshot) : NULL;
	ret = operation_add_layer(operation, spec->size_bytes, snapshot ? snapshot->head : NULL,
				  &operation->layer);
	if (ret != 0)
		return ret;
	ret = operation_new_volume(operation, spec->name, &spec->uuid, &operation->volume);
	if (ret != 0) {
		operation_remove_layer(operation, operation->layer);
		return ret;
	}
	if (snapshot) {
		operation->volume->origin = snapshot->uuid;
		operation->volume->is_formatted = snapshot->is_formatted;
	}
	return 0;
}

static void create_start(struct operation *operation)
{
	const struct volume_spec *spec = &operation->spec;
	struct volume *volume;
	int ret = create_prepare(operation);

	if (ret != 0) {
		operation_end(operation, ret);
		return;
	}
	volume = operation->volume;
	volume->size_bytes = spec->size_bytes;
	volume->created_at_s = spec->created_at_s;
	volume->logical_block_bytes = spec->logical_block_bytes;
	volume->reservation_bytes = spec->reservation_bytes;
	volume->limit_bytes = spec->limit_bytes;
	operation_name_layer(volume, operation->layer);
	operation_charge(operation->layer, volume);
	catalogue_add_volume(&operation->pool->catalogue, volume);
	quota_recount(operation->pool);
	commit_add_record(operation->pool, operation->layer->id);
	commit_add_record(operation->pool, volume->id);
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
}
