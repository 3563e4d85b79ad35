/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/layer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int layer_new(uint32_t id, uint64_t leaf_count, struct layer **out_layer)
{
	struct layer *layer = calloc(1, sizeof(*layer));

	if (!layer)
		return -ENOMEM;
	layer->id = id;
	layer->is_counted = true;
	list_init(&layer->children);
	list_node_init(&layer->sibling);
	if (tree_init(&layer->tree, id, leaf_count) != 0) {
		free(layer);
		return -ENOMEM;
	}
	*out_layer = layer;
	return 0;
}

void layer_free(struct layer *layer)
{
	if (!layer)
		return;
	layer_set_parent(layer, NULL);
	tree_fini(&layer->tree);
	free(layer);
}

void layer_set_parent(struct layer *layer, struct layer *parent)
{
	if (layer->parent) {
		list_remove(&layer->sibling);
		layer->parent->child_count--;
	}
	layer->parent = parent;
	layer->parent_id = parent ? parent->id : 0;
	if (!parent)
		return;
	list_append(&parent->children, &layer->sibling);
	parent->child_count++;
}

void layer_uncount(struct layer *layer)
{
	layer->is_counted = !layer->parent;
	layer->count_cursor = 0;
	layer->shadowed_extents = 0;
}

void layer_unuse(struct layer *layer, struct runner *runner)
{
	assert(layer->users > 0);
	if (--layer->users > 0 || !layer->waiting)
		return;
	waiter_wake(runner, layer->waiting, 0);
	layer->waiting = NULL;
}

void layer_wait_unused(struct layer *layer, struct runner *runner, struct waiter *waiter)
{
	assert(!layer->waiting);
	if (layer->users > 0)
		layer->waiting = waiter;
	else
		waiter_wake(runner, waiter, 0);
}
