/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to the volumes of a world: what is asked for, and what its end means to the oracle. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/volume_state.h"
#include "tests/sim/world.h"

#define UNMAP_ALL_BYTES (256 * MIB) /* as much as one request may */

static bool op_changes(enum op_kind kind)
{
	return kind <= OP_UNMAP_ALL;
}

static void op_look(struct op *op)
{
	struct world *world = op->world;
	struct model *model = &world->models[op->node];

	for (uint32_t i = 0; i < op->count; i++) {
		struct finding finding = {.index = op->first + i,
					  .data = op->data + (size_t)i * SECTOR_BYTES};

		if (op->kind == OP_READ)
			finding.least = model->sectors[finding.index].acked;
		if (!oracle_is_legal(&world->lineage, model, &finding))
			world_fail(world, "reading %s: %s", world_name(op->node), finding.text);
		else if (model->is_snapshot)
			oracle_settle(model, &finding);
	}
}

static void op_io_done(struct block_io *io, int result)
{
	struct op *op = container_of(io, struct op, io);
	struct world *world = op->world;
	struct model *model = &world->models[op->node];

	op->is_busy = false;
	if (world->is_abandoned)
		return;
	if (result != 0 && result != -EIO && result != -ENOSPC && result != -EROFS)
		world_fail(world, "operation %d ended with %d", op->kind, result);
	if (result == -ENOSPC && !world->traits.is_tight && !world->is_faulty &&
	    world->pool->state == POOL_READ_WRITE)
		world_fail(world, "operation %d found no room in an empty pool", op->kind);
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

static void op_choose_sectors(struct op *op)
{
	struct random *random = &op->world->random;
	uint32_t sectors = oracle_window_sectors();
	uint32_t start = (uint32_t)random_below(random, sectors);
	uint32_t most = random_below(random, 3) ? 24 : sectors;
	uint32_t window = (uint32_t)random_below(random, oracle_sectors() / sectors);

	if (random_below(random, 2))
		start -= start % 8;
	op->first = window * sectors + start;
	op->count = 1 + (uint32_t)random_below(random, MIN(most, sectors - start));
	if (op->kind == OP_UNMAP_ALL) {
		op->first = 0;
		op->count = oracle_sectors();
		while (oracle_sector_number(op->count - 1) >= UNMAP_ALL_BYTES / SECTOR_BYTES)
			op->count -= sectors;
	}
}

/*
 * The rest of the block in which a write under way ends: what the one finds there is what the
 * other has just made, and nobody has it yet.
 */
static void op_choose_beside(struct op *op)
{
	const uint32_t block = STORE_BLOCK_BYTES / SECTOR_BYTES;

	for (unsigned i = 0; i < WORLD_OPS; i++) {
		const struct op *other = &op->world->ops[i];
		uint32_t end = other->first + other->count;

		if (!other->is_busy || other->node != op->node || other->kind > OP_WRITE_FUA ||
		    end % block == 0)
			continue;
		op->first = end;
		op->count = 1 + (uint32_t)random_below(&op->world->random, block - end % block);
		return;
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
	const struct model *model = &op->world->models[op->node];
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

bool op_start_io(struct op *op)
{
	struct world *world = op->world;
	struct model *model = &world->models[op->node];
	struct volume *volume = volume_find(world->pool, world_name(op->node));

	if (!volume)
		return false;
	op_choose_sectors(op);
	if (op->kind == OP_WRITE && random_below(&world->random, 2))
		op_choose_beside(op);
	if (!op_has_way(op))
		return false;
	op->is_busy = true;
	if (op_changes(op->kind)) {
		op->generation = ++world->generation;
		oracle_ask(model, op->first, op->count, op->generation,
			   op->kind != OP_WRITE && op->kind != OP_WRITE_FUA);
	}
	if (op->kind == OP_FLUSH)
		model_copy(&op->then, model);
	op_submit(op, volume);
	return true;
}
