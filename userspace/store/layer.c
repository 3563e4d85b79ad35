/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/layer.h"

#include <errno.h>
#include <stdlib.h>

int layer_new(uint32_t id, uint64_t leaf_count, struct layer **out_layer)
{
	struct layer *layer = calloc(1, sizeof(*layer));

	if (!layer)
		return -ENOMEM;
	layer->id = id;
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
	tree_fini(&layer->tree);
	free(layer);
}
