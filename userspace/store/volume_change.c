/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes to a volume that is there. */
#include <errno.h>
#include <inttypes.h>

#include "base/size.h"
#include "store/state.h"
#include "store/volume_operation.h"

static int grow_check(const struct operation *operation, const struct volume *volume)
{
	struct error *err = &operation->request->error;
	uint64_t size = operation->spec.size_bytes;
	char is[SIZE_TEXT_MAX];
	int ret;

	if (size < volume->size_bytes)
		return error_set(err, -EINVAL, "volume '%s' has %s and cannot become smaller",
				 volume->name, size_format(volume->size_bytes, is));
	ret = operation_check_size(operation, volume->name, size);
	if (ret != 0)
		return ret;
	if (volume->head->is_lost)
		return error_set(err, -ENODATA, "volume '%s' is damaged: repair the pool first",
				 volume->name);
	return quota_check_promise(operation->pool, volume->name, size - volume->size_bytes, err);
}

static void grow_start(struct operation *operation)
{
	struct volume *volume = operation_find_volume(operation, operation->spec.name);
	uint64_t size = operation->spec.size_bytes;
	int ret = volume ? grow_check(operation, volume) : operation->request->error.code;

	if (ret == 0 && volume && size > volume->size_bytes)
		ret = tree_grow(&volume->head->tree, geometry_leaf_count(size));
	if (ret != 0 || !volume || size == volume->size_bytes) {
		operation_end(operation, ret);
		return;
	}
	volume->size_bytes = size;
	commit_add_record(operation->pool, volume->head->id);
	commit_add_record(operation->pool, volume->id);
	operation_commit(operation, operation_committed);
}

void volume_grow(struct pool *pool, const char *name, uint64_t size_bytes,
		 struct store_request *request)
{
	struct operation *operation = operation_new_named(pool, name, request, grow_start);

	if (operation)
		operation->spec.size_bytes = size_bytes;
}

static void mark_start(struct operation *operation)
{
	struct volume *volume = operation_find_volume(operation, operation->spec.name);

	if (!volume || volume->is_formatted) {
		operation_end(operation, operation->request->error.code);
		return;
	}
	volume->is_formatted = true;
	commit_add_record(operation->pool, volume->id);
	operation_commit(operation, operation_committed);
}

void volume_mark_formatted(struct pool *pool, const char *name, struct store_request *request)
{
	(void)operation_new_named(pool, name, request, mark_start); /* the request hears of it */
}
