/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations of a world: what is asked for, and what its end means to the oracle. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/volume_state.h"
#include "tests/sim/world.h"

static const char *const names[WORLD_VOLUMES] = {"a", "b", "c"};

#define UNMAP_ALL_BYTES (256 * MIB) /* as much as one request may */

static bool op_is_admin(enum op_kind kind)
{
	return kind >= OP_CREATE;
}

static bool op_changes(enum op_kind kind)
{
	return kind <= OP_UNMAP_ALL;
}

static void op_look(struct op *op)
{
	struct world *world = op->world;
	const struct model *model = &world->models[op->volume];

	for (uint32_t i = 0; i < op->count; i++) {
		struct finding finding = {.index = op->first + i,
					  .data = op->data + (size_t)i * SECTOR_BYTES};

		if (op->kind == OP_READ)
			finding.least = model->sectors[finding.index].acked;
		if (!oracle_is_legal(model, &finding))
			world_fail(world, "reading volume %s: %s", names[op->volume], finding.text);
	}
}

static void op_io_done(struct block_io *io, int result)
{
	struct op *op = container_of(io, struct op, io);
	struct world *world = op->world;
	struct model *model = &world->models[op->volume];

	op->is_busy = false;
	if (world->is_abandoned)
		return;
	if (result != 0 && result != -EIO && result != -ENOSPC && result != -EROFS)
		world_fail(world, "operation %d ended with %d", op->kind, result);
	if (result != 0)
		return;
	if (op_changes(op->kind))
		oracle_ack(model, op->first, op->count, op->generation);
	if (op_changes(op->kind) && op->io.fua)
		oracle_harden(model, op->first, op->count, op->generation);
	if (op->kind == OP_FLUSH)
		oracle_harden_all(model, &op->then);
	if (op->kind == OP_READ || op->kind == OP_RACE)
		op_look(op);
}

static void op_request_done(struct store_request *request, int result)
{
	struct op *op = container_of(request, struct op, request);
	struct world *world = op->world;

	op->is_busy = false;
	world->admin--;
	if (world->is_abandoned)
		return;
	if (result != 0 && world->pool->state == POOL_READ_WRITE)
		world_fail(world, "request %d failed: %s", op->kind, request->error.text);
	if ((result == -EIO || result == -ENOSPC) && op->kind != OP_CHECKPOINT) {
		world->maybe[op->volume] = op->then;
		world->has_maybe[op->volume] = true;
	}
	if (result == 0 && op->kind != OP_CHECKPOINT)
		world->models[op->volume] = op->then;
}

/* In the way: the same sectors, or anything at all of a volume that comes or goes. */
static bool op_is_in_way(const struct op *other, const struct op *op)
{
	if (!other->is_busy || other->volume != op->volume)
		return false;
	if (op_is_admin(other->kind) || op_is_admin(op->kind))
		return true;
	if (op->kind == OP_FLUSH || other->kind == OP_FLUSH || op->kind == OP_RACE ||
	    other->kind == OP_RACE)
		return false;
	return op->first < other->first + other->count && other->first < op->first + op->count;
}

static bool op_has_way(const struct op *op)
{
	for (unsigned i = 0; i < WORLD_OPS; i++) {
		if (op_is_in_way(&op->world->ops[i], op))
			return false;
	}
	return true;
}

static void op_choose_sectors(struct op *op)
{
	struct random *random = &op->world->random;
	uint32_t sectors = oracle_window_sectors();
	uint32_t start = (uint32_t)random_below(random, sectors);
	uint32_t most = random_below(random, 3) ? 24 : sectors;
	uint32_t window = (uint32_t)random_below(random, MODEL_SECTORS / sectors);

	if (random_below(random, 2))
		start -= start % 8;
	op->first = window * sectors + start;
	op->count = 1 + (uint32_t)random_below(random, MIN(most, sectors - start));
	if (op->kind == OP_UNMAP_ALL) {
		op->first = 0;
		op->count = MODEL_SECTORS;
		while (oracle_sector_number(op->count - 1) >= UNMAP_ALL_BYTES / SECTOR_BYTES)
			op->count -= sectors;
	}
}

static void op_submit(struct op *op, struct volume *volume)
{
	static const enum block_kind kinds[] = {
		[OP_WRITE] = BLOCK_WRITE,     [OP_WRITE_FUA] = BLOCK_WRITE,
		[OP_UNMAP] = BLOCK_UNMAP,     [OP_UNMAP_FUA] = BLOCK_UNMAP,
		[OP_UNMAP_ALL] = BLOCK_UNMAP, [OP_FLUSH] = BLOCK_FLUSH,
		[OP_READ] = BLOCK_READ,	      [OP_RACE] = BLOCK_READ,
	};
	const struct model *model = &op->world->models[op->volume];
	uint8_t *data = op->data;

	op->iov = (struct iovec){.iov_base = data, .iov_len = (size_t)op->count * SECTOR_BYTES};
	op->io = (struct block_io){
		.kind = kinds[op->kind],
		.fua = op->kind == OP_WRITE_FUA || op->kind == OP_UNMAP_FUA,
		.iov = &op->iov,
		.iov_count = 1,
		.done = op_io_done,
	};
	if (op->kind == OP_UNMAP_ALL) {
		op->io.length = MIN(model->size_bytes, UNMAP_ALL_BYTES);
	} else if (op->kind != OP_FLUSH) {
		op->io.offset = oracle_sector_number(op->first) * SECTOR_BYTES;
		op->io.length = (uint64_t)op->count * SECTOR_BYTES;
	}
	for (uint32_t i = 0; op->io.kind == BLOCK_WRITE && i < op->count; i++)
		oracle_fill(data + (size_t)i * SECTOR_BYTES, model->incarnation,
			    oracle_sector_number(op->first + i), op->generation);
	block_submit(&volume->block, &op->io);
}

static bool op_start_io(struct op *op)
{
	struct world *world = op->world;
	struct model *model = &world->models[op->volume];
	struct volume *volume = volume_find(world->pool, names[op->volume]);

	if (!model->exists || !volume)
		return false;
	op_choose_sectors(op);
	if (!op_has_way(op))
		return false;
	op->is_busy = true;
	if (op_changes(op->kind)) {
		op->generation = ++world->generation;
		oracle_ask(model, op->first, op->count, op->generation,
			   op->kind != OP_WRITE && op->kind != OP_WRITE_FUA);
	}
	op->then = *model;
	op_submit(op, volume);
	return true;
}

static bool op_start_admin(struct op *op)
{
	struct world *world = op->world;
	const struct model *model = &world->models[op->volume];
	const char *name = names[op->volume];
	struct volume_spec spec = {.size_bytes = oracle_volume_bytes(), .created_at_s = 1};

	if (world->admin > 0 || !op_has_way(op) ||
	    (model->exists == (op->kind == OP_CREATE) && op->kind != OP_CHECKPOINT))
		return false;
	op->then = *model;
	op->request.done = op_request_done;
	op->is_busy = true;
	world->admin++;
	if (op->kind == OP_CREATE) {
		model_begin(&op->then, ++world->incarnation, spec.size_bytes);
		(void)snprintf(spec.name, sizeof(spec.name), "%s", name); /* one letter */
		volume_create(world->pool, &spec, &op->request);
	} else if (op->kind == OP_DELETE) {
		op->then.exists = false;
		volume_delete(world->pool, name, &op->request);
	} else if (op->kind == OP_GROW) {
		op->then.size_bytes += 16 * MIB + 4096;
		volume_grow(world->pool, name, op->then.size_bytes, &op->request);
	} else if (op->kind == OP_MARK) {
		op->then.is_formatted = true;
		volume_mark_formatted(world->pool, name, &op->request);
	} else {
		pool_checkpoint(world->pool, &op->request);
	}
	return true;
}

bool world_start(struct world *world, enum op_kind kind)
{
	struct op *op = NULL;

	for (unsigned i = 0; i < WORLD_OPS && !op; i++)
		op = world->ops[i].is_busy ? NULL : &world->ops[i];
	if (!op || !world->pool)
		return false;
	op->world = world;
	op->kind = kind;
	op->volume = (uint32_t)random_below(&world->random, WORLD_VOLUMES);
	if (kind == OP_CREATE && !world->models[0].exists)
		op->volume = 0;
	if (kind == OP_DELETE && op->volume == 0)
		op->volume = 1;
	if (kind == OP_GROW && world->models[op->volume].size_bytes > GIB)
		return false;
	return op_is_admin(kind) ? op_start_admin(op) : op_start_io(op);
}
