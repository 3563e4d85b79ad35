/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * berth-node dump: one JSON object says it all; people get the same object as text. Layers are a
 * list in the order of a walk over their trees, each with its parent and depth, because chains may
 * be longer than any nesting.
 */
#ifndef NODE_TOOL_DUMP_H
#define NODE_TOOL_DUMP_H

#include <jansson.h>

#include "store/image.h"

/* What the head layer of this name and those below it map; NULL: no such name, or no memory. */
json_t *dump_map(struct image *image, const char *name);

/* What the journal changes, in order. */
json_t *dump_journal(const struct image *image);

/* The object for people. */
void dump_print(const json_t *root);

#endif
