/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deleting a volume or a snapshot takes its name away: one durable record. What becomes of the
 * layer that has no name then is the background's business (store/background.h).
 */
#include <errno.h>
#include <stdlib.h>

#include "store/state.h"
#include "store/volume_operation.h"

/* Its snapshots, if it is a volume, belong to nobody from now on. */
static void leave_snapshots(struct pool *pool, const struct volume *volume)
{
	list_for_each (&pool->catalogue.volumes, other, struct volume, link) {
		if (other->head->owner == volume)
			operation_charge(other->head, NULL);
	}
}

static void deleted(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);
	struct pool *pool = operation->pool;
	struct volume *volume = operation->volume;

	if (result == 0) {
		operation_charge(volume->head, NULL);
		leave_snapshots(pool, volume);
		volume->head->named = NULL;
		catalogue_remove(&pool->catalogue, volume->id);
		free(volume);
		quota_recount(pool);
		background_kick(pool);
	} else {
		/* The pool is read-only now: what can be read shall be. */
		volume->is_deleted = false;
	}
	operation_committed(waiter, result);
}

static void delete_start(struct operation *operation)
{
	struct volume *volume = operation_find(operation, operation->spec.name);
	int ret = volume ? operation_check_idle(operation, volume) : operation->request->error.code;

	if (ret != 0 || !volume) {
		operation_end(operation, ret);
		return;
	}
	volume->is_deleted = true;
	operation->volume = volume;
	commit_add_record(operation->pool, volume->id);
	operation_commit(operation, deleted);
}

void volume_delete(struct pool *pool, const char *name, struct store_request *request)
{
	(void)operation_new_named(pool, name, request, delete_start); /* the request hears of it */
}
