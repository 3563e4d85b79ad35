/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a layer without a name follows from how many layers lie over it: with none it
 * is freed, with one it is merged into that, with more it stays. So what taking a name away frees
 * follows from the counters around it:
 *
 *   none over it   all it has. Those below it that have no name and nothing else over them go
 *                  too. Below these one without a name may be left with one other layer over it,
 *                  and is merged into that.
 *   one over it    what that one shadows of it.
 *   more           nothing.
 */
#include "store/accounting.h"

#include "store/state.h"

static struct layer *only_child(const struct layer *layer)
{
	return list_entry(layer->children.head.next, struct layer, sibling);
}

/* The other one of two. */
static const struct layer *other_child(const struct layer *layer, const struct layer *child)
{
	const struct layer *first = only_child(layer);

	return first == child ? list_entry(first->sibling.next, struct layer, sibling) : first;
}

/* It is on its way out: freed, or merged into the one over it. */
static bool layer_is_going(const struct layer *layer)
{
	return layer_is_hidden(layer) && layer->child_count <= 1;
}

/* Its count is right, and nothing moves between it and the layer below. */
static bool layer_is_settled(const struct layer *layer)
{
	return layer->is_counted && !layer_is_going(layer) &&
	       !(layer->parent && layer->parent->is_merging);
}

/* No layer just over or just below it is on its way out. */
static bool layer_is_quiet(const struct layer *layer)
{
	if (layer->is_damaged || (layer->parent && layer_is_going(layer->parent)))
		return false;
	list_for_each (&layer->children, child, struct layer, sibling) {
		if (layer_is_going(child))
			return false;
	}
	return true;
}

/* Nothing lies over it. */
static void describe_top(const struct layer *layer, struct accounting *accounting)
{
	const struct layer *below = layer->parent;
	const struct layer *top = layer;

	accounting->exclusive_extents = layer->mapped_extents;
	for (; below && layer_is_going(below); below = below->parent) {
		/* It is being merged, and what that gives back is not this name's. */
		accounting->exclusive_extents += below->mapped_extents - top->shadowed_extents;
		top = below;
	}
	if (below && layer_is_hidden(below) && below->child_count == 2) {
		const struct layer *other = other_child(below, top);

		accounting->exclusive_extents += other->shadowed_extents;
		accounting->is_exact &= layer_is_settled(other) && layer_is_quiet(below);
	}
}

void accounting_describe(const struct layer *layer, struct accounting *out_accounting)
{
	struct accounting accounting = {.is_exact = layer_is_quiet(layer)};
	uint64_t reached = 0;

	if (layer->child_count == 0) {
		describe_top(layer, &accounting);
	} else if (layer->child_count == 1) {
		const struct layer *child = only_child(layer);

		accounting.exclusive_extents = child->shadowed_extents;
		accounting.is_exact &= layer_is_settled(child);
	}
	for (const struct layer *below = layer; below; below = below->parent) {
		reached += below->mapped_extents;
		accounting.depth++;
	}
	accounting.shared_extents = reached - accounting.exclusive_extents;
	*out_accounting = accounting;
}

/* All of a layer that is freed, and of those that go with it, but what their merging is to give. */
static uint64_t reclaiming_from(const struct layer *layer)
{
	uint64_t extents = layer->mapped_extents;

	for (const struct layer *below = layer->parent; below && layer_is_going(below);
	     below = below->parent) {
		extents += below->mapped_extents - layer->shadowed_extents;
		layer = below;
	}
	return extents;
}

uint64_t accounting_reclaiming_extents(const struct pool *pool)
{
	uint64_t extents = 0;

	for (uint32_t id = 1; id <= pool->catalogue.count; id++) {
		const struct layer *layer = catalogue_layer(&pool->catalogue, id);

		if (!layer || !layer_is_hidden(layer) || layer->is_damaged)
			continue;
		if (layer->child_count == 1)
			extents += only_child(layer)->shadowed_extents;
		if (layer->child_count == 0)
			extents += reclaiming_from(layer);
	}
	return extents;
}
