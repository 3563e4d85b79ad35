/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes and snapshots. */
#include <errno.h>
#include <stdlib.h>

#include "node/control_request.h"

/* Volumes described in one turn: I/O on the same thread waits for no more than these. */
#define LIST_STEP 64

static void volume_create_start(struct control *control)
{
	volume_create(control->pool, control->spec, &control->request);
}

int control_volume_create(struct loop *loop, struct pool *pool, const struct volume_spec *spec,
			  struct error *err)
{
	struct control control = {.start = volume_create_start, .pool = pool, .spec = spec};

	return control_run(&control, loop, err);
}

static void volume_snapshot_start(struct control *control)
{
	volume_snapshot(control->pool, control->snapshot_spec, &control->request);
}

int control_volume_snapshot(struct loop *loop, struct pool *pool, const struct snapshot_spec *spec,
			    struct error *err)
{
	struct control control = {
		.start = volume_snapshot_start,
		.pool = pool,
		.snapshot_spec = spec,
	};

	return control_run(&control, loop, err);
}

static void volume_revert_start(struct control *control)
{
	volume_revert(control->pool, control->name, control->snapshot, &control->request);
}

int control_volume_revert(struct loop *loop, struct pool *pool, const char *name,
			  const char *snapshot, struct error *err)
{
	struct control control = {
		.start = volume_revert_start,
		.pool = pool,
		.name = name,
		.snapshot = snapshot,
	};

	return control_run(&control, loop, err);
}

static void volume_delete_start(struct control *control)
{
	volume_delete(control->pool, control->name, &control->request);
}

int control_volume_delete(struct loop *loop, struct pool *pool, const char *name, struct error *err)
{
	struct control control = {.start = volume_delete_start, .pool = pool, .name = name};

	return control_run(&control, loop, err);
}

static void volume_grow_start(struct control *control)
{
	volume_grow(control->pool, control->name, control->size_bytes, &control->request);
}

int control_volume_grow(struct loop *loop, struct pool *pool, const char *name, uint64_t size_bytes,
			struct error *err)
{
	struct control control = {
		.start = volume_grow_start,
		.pool = pool,
		.name = name,
		.size_bytes = size_bytes,
	};

	return control_run(&control, loop, err);
}

static void volume_mark_formatted_start(struct control *control)
{
	volume_mark_formatted(control->pool, control->name, &control->request);
}

int control_volume_mark_formatted(struct loop *loop, struct pool *pool, const char *name,
				  struct error *err)
{
	struct control control = {
		.start = volume_mark_formatted_start,
		.pool = pool,
		.name = name,
	};

	return control_run(&control, loop, err);
}

/* Read, changed and asked for in one turn: initiators may set thresholds too. */
static void volume_limits_start(struct control *control)
{
	const struct limits_change *change = control->limits;
	struct volume *volume = volume_find(control->pool, control->name);
	struct volume_limits limits;
	struct volume_facts facts;

	if (!volume) {
		control_finish(control, error_set(&control->request.error, -ENOENT,
						  "volume '%s' is gone", control->name));
		return;
	}
	volume_describe(volume, &facts);
	limits = (struct volume_limits){
		.reservation_bytes = facts.reservation_bytes,
		.limit_bytes = facts.limit_bytes,
		.threshold_used_bytes = facts.threshold_used_bytes,
		.threshold_available_bytes = facts.threshold_available_bytes,
	};
	if (change->reservation_bytes)
		limits.reservation_bytes = *change->reservation_bytes;
	if (change->limit_bytes)
		limits.limit_bytes = *change->limit_bytes;
	if (change->threshold_used_bytes)
		limits.threshold_used_bytes = *change->threshold_used_bytes;
	if (change->threshold_available_bytes)
		limits.threshold_available_bytes = *change->threshold_available_bytes;
	volume_set_limits(control->pool, control->name, &limits, &control->request);
}

int control_volume_set_limits(struct loop *loop, struct pool *pool, const char *name,
			      const struct limits_change *change, struct error *err)
{
	struct control control = {
		.start = volume_limits_start,
		.pool = pool,
		.name = name,
		.limits = change,
	};

	return control_run(&control, loop, err);
}

static void volume_describe_start(struct control *control)
{
	struct volume *volume = volume_find(control->pool, control->name);

	if (volume)
		volume_describe(volume, control->out_volume_facts);
	control_finish(control, volume ? 0 : -ENOENT);
}

int control_volume_describe(struct loop *loop, struct pool *pool, const char *name,
			    struct volume_facts *out_facts)
{
	struct control control = {
		.start = volume_describe_start,
		.pool = pool,
		.name = name,
		.out_volume_facts = out_facts,
	};

	return control_run(&control, loop, NULL);
}

/* As many as the array has room for, on from control->volume, in one turn of the reactor. */
static void volume_list_start(struct control *control)
{
	uint32_t count = 0;

	while (count < LIST_STEP) {
		struct volume *volume = volume_next(control->pool, control->volume);

		if (!volume)
			break;
		volume_describe(volume, &control->out_volume_facts[count++]);
		control->volume = volume;
	}
	control->count = count;
	control_finish(control, 0);
}

int control_volume_list(struct loop *loop, struct pool *pool, struct volume_facts **out_list,
			uint32_t *out_count)
{
	struct control control = {.start = volume_list_start, .pool = pool};
	struct volume_facts *list = NULL;
	uint32_t capacity = 0, count = 0;

	do {
		if (count + LIST_STEP > capacity) {
			struct volume_facts *grown;

			capacity = MAX(2 * capacity, (uint32_t)LIST_STEP);
			grown = reallocarray(list, capacity, sizeof(*list));
			if (!grown) {
				free(list);
				return -ENOMEM;
			}
			list = grown;
		}
		control.out_volume_facts = list + count;
		(void)control_run(&control, loop, NULL); /* cannot fail */
		count += control.count;
	} while (control.count == LIST_STEP);
	*out_list = list;
	*out_count = count;
	return 0;
}

static void volume_block_start(struct control *control)
{
	struct volume *volume = volume_find(control->pool, control->name);

	if (volume)
		*control->out_block = volume_block(volume);
	control_finish(control, volume ? 0 : -ENOENT);
}

int control_volume_block(struct loop *loop, struct pool *pool, const char *name,
			 struct block **out_block)
{
	struct control control = {
		.start = volume_block_start,
		.pool = pool,
		.name = name,
		.out_block = out_block,
	};

	return control_run(&control, loop, NULL);
}
