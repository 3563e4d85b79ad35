/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations of the administration of a world, and what they make of the oracle's models. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "store/volume_state.h"
#include "tests/sim/world.h"

#define POOL_GROW_BYTES	   MIB
#define POOL_BYTES_MAX	   (WORLD_BYTES + 8 * MIB)
#define VOLUME_GROW_BYTES  (16 * MIB + 4096)
#define VOLUME_BYTES_LIMIT GIB

bool op_is_admin(enum op_kind kind)
{
	return kind >= OP_CREATE;
}

/* A volume over this snapshot's content, with nobody's writes in it but those before. */
static void apply_clone(const struct op *op, struct world *world, struct model *models)
{
	const struct model *snapshot = &models[op->source];
	struct model *model = &models[op->node];
	uint32_t identity = op->kind == OP_REVERT ? model->identity : op->incarnation;

	world->lineage.of[op->incarnation].parent = snapshot->incarnation;
	world->lineage.of[op->incarnation].fork = snapshot->fork;
	model_copy(model, snapshot);
	model->is_snapshot = false;
	model->identity = identity;
	model->origin = 0;
	model->incarnation = op->incarnation;
	model->size_bytes = op->size_bytes;
}

/*
 * What was acknowledged when it was asked for is in it, and durable from now on; what was asked
 * for later, up to now, may be. The volume goes on in a new incarnation.
 */
static void apply_snapshot(const struct op *op, struct world *world, struct model *models)
{
	struct model *volume = &models[op->source];
	struct model *snapshot = &models[op->node];

	for (uint32_t i = 0; i < oracle_sectors(); i++) {
		uint32_t acked = op->then.sectors[i].acked;

		volume->sectors[i].durable = MAX(volume->sectors[i].durable, acked);
		snapshot->sectors[i] = volume->sectors[i];
		snapshot->sectors[i].durable = snapshot->sectors[i].acked = acked;
	}
	snapshot->exists = true;
	snapshot->is_snapshot = true;
	snapshot->is_formatted = volume->is_formatted;
	snapshot->identity = op->incarnation;
	snapshot->origin = volume->identity;
	snapshot->incarnation = volume->incarnation;
	snapshot->fork = world->generation;
	snapshot->size_bytes = volume->size_bytes;
	world->lineage.of[op->incarnation].parent = volume->incarnation;
	world->lineage.of[op->incarnation].fork = world->generation;
	volume->incarnation = op->incarnation;
}

void op_apply(const struct op *op, struct world *world, struct model *models)
{
	struct model *model = &models[op->node];

	switch (op->kind) {
	case OP_CREATE:
		memset(model, 0, sizeof(*model));
		model->exists = true;
		model->identity = model->incarnation = op->incarnation;
		model->size_bytes = op->size_bytes;
		break;
	case OP_DELETE:
		model->exists = false;
		break;
	case OP_GROW:
		model->size_bytes = op->size_bytes;
		break;
	case OP_MARK:
		model->is_formatted = true;
		break;
	case OP_SNAPSHOT:
		apply_snapshot(op, world, models);
		break;
	case OP_CLONE:
	case OP_REVERT:
		apply_clone(op, world, models);
		break;
	default:
		break; /* no model knows of checkpoints or of the pool's size */
	}
}

static void op_request_done(struct store_request *request, int result)
{
	struct op *op = container_of(request, struct op, request);
	struct world *world = op->world;

	op->is_busy = false;
	world->admin--;
	if (world->is_abandoned)
		return;
	if (result == 0) {
		op_apply(op, world, world->models);
		return;
	}
	if (world->pool->state == POOL_READ_WRITE &&
	    !(result == -ENOSPC && (world->traits.is_tight || world->is_faulty)))
		world_fail(world, "request %d failed: %s", op->kind, request->error.text);
	if (world->pool->state != POOL_READ_WRITE && !world->has_maybe &&
	    (result == -EIO || result == -ENOSPC) && op->kind != OP_CHECKPOINT &&
	    op->kind != OP_POOL_GROW) {
		world->maybe = *op;
		world->has_maybe = true;
	}
}

/* Names are one letter: they fit. */
static void op_submit_create(struct op *op, const char *name)
{
	struct volume_spec spec = {.size_bytes = op->size_bytes, .created_at_s = 1};

	put_le32(spec.uuid.bytes, op->incarnation);
	(void)snprintf(spec.name, sizeof(spec.name), "%s", name);
	if (op->kind == OP_CLONE)
		(void)snprintf(spec.snapshot, sizeof(spec.snapshot), "%s", world_name(op->source));
	volume_create(op->world->pool, &spec, &op->request);
}

static void op_submit_snapshot(struct op *op, const char *name)
{
	struct snapshot_spec spec = {.created_at_s = 1};

	put_le32(spec.uuid.bytes, op->incarnation);
	(void)snprintf(spec.name, sizeof(spec.name), "%s", name);
	(void)snprintf(spec.volume, sizeof(spec.volume), "%s", world_name(op->source));
	volume_snapshot(op->world->pool, &spec, &op->request);
}

static void op_submit(struct op *op)
{
	struct world *world = op->world;
	const char *name = world_name(op->node);

	switch (op->kind) {
	case OP_CREATE:
	case OP_CLONE:
		op_submit_create(op, name);
		break;
	case OP_SNAPSHOT:
		op_submit_snapshot(op, name);
		break;
	case OP_REVERT:
		volume_revert(world->pool, name, world_name(op->source), &op->request);
		break;
	case OP_DELETE:
		volume_delete(world->pool, name, &op->request);
		break;
	case OP_GROW:
		volume_grow(world->pool, name, op->size_bytes, &op->request);
		break;
	case OP_MARK:
		volume_mark_formatted(world->pool, name, &op->request);
		break;
	case OP_POOL_GROW:
		pool_grow(world->pool, &op->request);
		break;
	default:
		pool_checkpoint(world->pool, &op->request);
		break;
	}
}

/* False if there is no room for more. */
static bool op_prepare(struct op *op)
{
	struct world *world = op->world;
	const struct model *model = &world->models[op->node];

	if (world->lineage.count + 2 > INCARNATIONS)
		return false;
	op->size_bytes = oracle_volume_bytes();
	if (op->kind == OP_GROW) {
		op->size_bytes = model->size_bytes + VOLUME_GROW_BYTES;
		return op->size_bytes <= VOLUME_BYTES_LIMIT;
	}
	if (op->kind == OP_CLONE || op->kind == OP_REVERT)
		op->size_bytes = world->models[op->source].size_bytes;
	if (op->kind == OP_SNAPSHOT)
		model_copy(&op->then, &world->models[op->source]);
	if (op->kind == OP_POOL_GROW) {
		if (world->disk_bytes + POOL_GROW_BYTES > POOL_BYTES_MAX)
			return false;
		world->disk_bytes += POOL_GROW_BYTES;
		return sim_disk_grow(world->disk, world->disk_bytes);
	}
	return true;
}

bool op_start_admin(struct op *op)
{
	struct world *world = op->world;

	if (world->admin > 0 || !op_has_way(op) || !op_prepare(op))
		return false;
	op->incarnation = ++world->lineage.count;
	world->lineage.of[op->incarnation].parent = 0;
	op->request.done = op_request_done;
	op->is_busy = true;
	world->admin++;
	op_submit(op);
	return true;
}
