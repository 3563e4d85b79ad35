/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking a snapshot: the volume's head layer gets the snapshot's name and is never written again;
 * an empty layer over it is the volume's head from then on. Three records, whatever it has.
 *
 * Requests that change something are held back until all that began before have ended, then
 * everything changes in one turn, and they go on, on the new layer, before that is durable:
 * what they write comes behind it in the journal.
 *
 * Reverting: a new layer over the snapshot's is the volume's head; the old one loses its name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/state.h"
#include "store/volume_operation.h"

static void snapshot_committed(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);

	operation->volume->is_visible = result == 0;
	operation_committed(waiter, result);
}

/* The snapshot in memory, with all it has but the layer. */
static int snapshot_new(struct operation *operation, const struct volume *volume,
			struct volume **out_snapshot)
{
	const struct snapshot_spec *spec = &operation->snapshot;
	struct volume *snapshot;
	int ret = operation_new_volume(operation, spec->name, &spec->uuid, &snapshot);

	if (ret != 0)
		return ret;
	snapshot->is_snapshot = true;
	snapshot->origin = volume->uuid;
	snapshot->size_bytes = volume->size_bytes;
	snapshot->created_at_s = spec->created_at_s;
	snapshot->logical_block_bytes = volume->logical_block_bytes;
	snapshot->is_formatted = volume->is_formatted;
	*out_snapshot = snapshot;
	return 0;
}

/* The one turn in which everything changes: the names move, and the charge stays the volume's. */
static int snapshot_take(struct operation *operation, struct volume *volume)
{
	struct pool *pool = operation->pool;
	struct layer *frozen = volume->head;
	struct volume *snapshot;
	struct layer *layer;
	int ret = operation_check_writable(operation);

	if (ret == 0)
		ret = operation_add_layer(operation, volume->size_bytes, frozen, &layer);
	if (ret != 0)
		return ret;
	ret = snapshot_new(operation, volume, &snapshot);
	if (ret != 0) {
		operation_remove_layer(operation, layer);
		return ret;
	}
	operation_name_layer(snapshot, frozen);
	operation_name_layer(volume, layer);
	operation_charge(layer, volume);
	catalogue_add_volume(&pool->catalogue, snapshot);
	commit_add_record(pool, layer->id);
	commit_add_record(pool, snapshot->id);
	commit_add_record(pool, volume->id);
	operation->volume = snapshot;
	return 0;
}

static void snapshot_frozen(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);
	struct volume *volume = operation->volume;
	int ret = snapshot_take(operation, volume);

	volume_thaw(volume);
	if (ret != 0)
		operation_end(operation, ret);
	else
		operation_commit(operation, snapshot_committed);
}

static void snapshot_start(struct operation *operation)
{
	const struct snapshot_spec *spec = &operation->snapshot;
	struct error *err = &operation->request->error;
	struct volume *volume = NULL;
	int ret = operation_check_new(operation, "snapshot", spec->name, &spec->uuid);

	if (ret == 0) {
		volume = operation_find_volume(operation, spec->volume);
		ret = volume ? 0 : err->code;
	}
	if (ret == 0 && volume && volume->head->is_lost)
		ret = error_set(err, -ENODATA, "volume '%s' is damaged: repair the pool first",
				volume->name);
	if (ret != 0) {
		operation_end(operation, ret);
		return;
	}
	operation->volume = volume;
	operation->waiter.run = snapshot_frozen;
	volume_freeze(volume, &operation->waiter);
	runner_run(&operation->pool->runner);
}

void volume_snapshot(struct pool *pool, const struct snapshot_spec *spec,
		     struct store_request *request)
{
	struct operation *operation = operation_new(pool, request, snapshot_start);

	if (!operation)
		return;
	operation->snapshot = *spec;
	if (uuid_is_nil(&spec->uuid))
		uuid_generate(&operation->snapshot.uuid);
}

/* `layer` is the one that is left; on failure the volume has it again. */
static void reverted(struct waiter *waiter, int result)
{
	struct operation *operation = container_of(waiter, struct operation, waiter);
	struct volume *volume = operation->volume;
	struct layer *tried = volume->head;

	if (result == 0) {
		operation->layer->named = NULL;
		background_kick(operation->pool);
	} else {
		tried->named = NULL;
		operation_charge(tried, NULL);
		operation_charge(operation->layer, volume);
		operation_name_layer(volume, operation->layer);
		volume->size_bytes = operation->spec.size_bytes;
		volume->is_formatted = operation->was_formatted;
	}
	operation_committed(waiter, result);
}

static int revert_check(struct operation *operation, const struct volume *volume,
			const struct volume *snapshot)
{
	struct error *err = &operation->request->error;

	if (!snapshot->is_snapshot || !uuid_is_equal(&snapshot->origin, &volume->uuid))
		return error_set(err, -EINVAL,
				 "'%s' is no snapshot of volume '%s': make a clone of it instead",
				 snapshot->name, volume->name);
	if (snapshot->head->is_lost)
		return error_set(err, -ENODATA, "snapshot '%s' is damaged: repair the pool first",
				 snapshot->name);
	return operation_check_idle(operation, volume);
}

static void revert_start(struct operation *operation)
{
	const struct snapshot_spec *spec = &operation->snapshot;
	struct pool *pool = operation->pool;
	struct volume *volume = operation_find_volume(operation, spec->volume);
	struct volume *snapshot = volume ? operation_find(operation, spec->name) : NULL;
	struct layer *layer = NULL;
	int ret = snapshot ? revert_check(operation, volume, snapshot)
			   : operation->request->error.code;

	if (ret == 0 && snapshot)
		ret = operation_add_layer(operation, snapshot->size_bytes, snapshot->head, &layer);
	if (ret != 0 || !snapshot) {
		operation_end(operation, ret);
		return;
	}
	operation->volume = volume;
	operation->layer = volume->head;
	operation->spec.size_bytes = volume->size_bytes;
	operation->was_formatted = volume->is_formatted;
	operation_charge(volume->head, NULL);
	operation_name_layer(volume, layer);
	operation_charge(layer, volume);
	volume->size_bytes = snapshot->size_bytes;
	volume->is_formatted = snapshot->is_formatted;
	commit_add_record(pool, layer->id);
	commit_add_record(pool, volume->id);
	operation_commit(operation, reverted);
}

void volume_revert(struct pool *pool, const char *volume, const char *snapshot,
		   struct store_request *request)
{
	struct operation *operation = operation_new(pool, request, revert_start);

	if (!operation)
		return;
	(void)strncpy(operation->snapshot.volume, volume, NAME_LEN_MAX); /* longer: not found */
	(void)strncpy(operation->snapshot.name, snapshot, NAME_LEN_MAX);
}
