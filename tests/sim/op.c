/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens next in a world: which operation, on which volume or snapshot. */
#include "base/compiler.h"
#include "tests/sim/world.h"

/* In the way: the same sectors, or anything at all of what is going. */
static bool op_is_in_way(const struct op *other, const struct op *op)
{
	if (!other->is_busy || other->node != op->node)
		return false;
	if (other->kind == OP_DELETE || other->kind == OP_REVERT || op->kind == OP_DELETE ||
	    op->kind == OP_REVERT)
		return true;
	if (op->kind >= OP_FLUSH && op->kind != OP_READ)
		return false;
	if (other->kind >= OP_FLUSH && other->kind != OP_READ)
		return false;
	return op->first < other->first + other->count && other->first < op->first + op->count;
}

bool op_has_way(const struct op *op)
{
	for (unsigned i = 0; i < WORLD_OPS; i++) {
		if (op_is_in_way(&op->world->ops[i], op))
			return false;
	}
	return true;
}

/* Whether an operation can be about this node; `source`: of another, that its node has been chosen
 * for. */
static bool node_suits(const struct world *world, const struct op *op, uint32_t node)
{
	const struct model *model = &world->models[node];
	uint32_t volumes = 0;

	for (uint32_t i = 0; i < WORLD_NODES; i++)
		volumes += world->models[i].exists && !world->models[i].is_snapshot;
	switch (op->kind) {
	case OP_CREATE:
	case OP_SNAPSHOT:
	case OP_CLONE:
		return !model->exists;
	case OP_DELETE:
		return model->exists && (model->is_snapshot || volumes > 1);
	case OP_READ:
	case OP_RACE:
		return model->exists;
	case OP_CHECKPOINT:
	case OP_POOL_GROW:
		return true;
	default:
		return model->exists && !model->is_snapshot;
	}
}

static bool source_suits(const struct world *world, const struct op *op, uint32_t source)
{
	const struct model *model = &world->models[source];

	if (op->kind == OP_SNAPSHOT)
		return model->exists && !model->is_snapshot;
	if (op->kind == OP_CLONE)
		return model->exists && model->is_snapshot;
	if (op->kind == OP_REVERT)
		return model->exists && model->is_snapshot &&
		       model->origin == world->models[op->node].identity;
	return true;
}

/* One of those that suit, by chance; false if none does. */
static bool op_choose(struct op *op, uint32_t *out_node,
		      bool (*suits)(const struct world *, const struct op *, uint32_t))
{
	struct world *world = op->world;
	uint32_t found[WORLD_NODES];
	uint32_t count = 0;

	for (uint32_t i = 0; i < WORLD_NODES; i++) {
		if (suits(world, op, i))
			found[count++] = i;
	}
	if (count > 0)
		*out_node = found[random_below(&world->random, count)];
	return count > 0;
}

bool world_start(struct world *world, enum op_kind kind)
{
	struct op *op = NULL;

	for (unsigned i = 0; i < WORLD_OPS && !op; i++)
		op = world->ops[i].is_busy ? NULL : &world->ops[i];
	if (!op || !world->pool)
		return false;
	world->events++;
	op->world = world;
	op->kind = kind;
	op->first = op->count = 0;
	if (!op_choose(op, &op->node, node_suits) || !op_choose(op, &op->source, source_suits))
		return false;
	return op_is_admin(kind) ? op_start_admin(op) : op_start_io(op);
}

void world_act(struct world *world)
{
	static const enum op_kind kinds[] = {
		OP_WRITE, OP_WRITE,	OP_WRITE,     OP_WRITE,	   OP_WRITE,	OP_WRITE,
		OP_WRITE, OP_WRITE,	OP_WRITE_FUA, OP_UNMAP,	   OP_UNMAP,	OP_UNMAP_FUA,
		OP_FLUSH, OP_FLUSH,	OP_FLUSH,     OP_READ,	   OP_READ,	OP_RACE,
		OP_RACE,  OP_CREATE,	OP_MARK,      OP_DELETE,   OP_DELETE,	OP_CHECKPOINT,
		OP_GROW,  OP_UNMAP_ALL, OP_POOL_GROW, OP_SNAPSHOT, OP_SNAPSHOT, OP_SNAPSHOT,
		OP_CLONE, OP_CLONE,	OP_REVERT,    OP_DELETE,
	};

	if (random_below(&world->random, 5) < 2 &&
	    world_start(world, kinds[random_below(&world->random, ARRAY_SIZE(kinds))]))
		return;
	(void)world_step(world); /* where nothing is to do, the next act starts something */
}
