/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name of a pool is in its superblock: a new one is durable with the next checkpoint. Until
 * that is so the operation keeps the old one.
 */
#include <errno.h>
#include <string.h>

#include "store/state.h"

static void swap_names(struct pool *pool, struct operation *operation)
{
	char name[NAME_SIZE];

	memcpy(name, pool->name, NAME_SIZE);
	memcpy(pool->name, operation->spec.name, NAME_SIZE);
	memcpy(operation->spec.name, name, NAME_SIZE);
}

static void rename_checkpointed(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);
	struct pool *pool = operation->pool;

	if (result != 0) {
		swap_names(pool, operation);
		operation->request->error = pool->reason;
	}
	operation_end(operation, result);
}

static void rename_start(struct operation *operation)
{
	struct pool *pool = operation->pool;
	struct error *err = &operation->request->error;
	int ret = operation->result;

	if (ret == 0 && !pool_is_writable(pool)) {
		*err = pool->reason;
		ret = err->code = -EROFS;
	}
	if (ret != 0 || strcmp(pool->name, operation->spec.name) == 0) {
		operation_end(operation, ret);
		return;
	}
	swap_names(pool, operation);
	operation->waiter.run = rename_checkpointed;
	checkpoint_join(pool, &operation->waiter);
	runner_run(&pool->runner);
}

void pool_rename(struct pool *pool, const char *name, struct store_request *request)
{
	struct operation *operation = operation_new(pool, request, rename_start);

	if (!operation)
		return;
	operation->result = name_check("pool", name, &request->error);
	if (operation->result == 0)
		memcpy(operation->spec.name, name, strlen(name));
}
