/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has how much, from the counters of the layers: mapped_extents (places its words have) and
 * shadowed_extents (what merging the parent into it frees). No leaf is looked at.
 */
#ifndef STORE_ACCOUNTING_H
#define STORE_ACCOUNTING_H

#include <stdbool.h>
#include <stdint.h>

struct layer;
struct pool;

struct accounting {
	uint64_t exclusive_extents; /* that taking away this layer's name frees, in the end */
	uint64_t shared_extents;    /* of it and of all layers below, the others */
	uint32_t depth;		    /* layers from it down, itself too */
	bool is_exact;		    /* all counters used are counted, no merge is under way there */
};

/* Of a layer that has a name. */
void accounting_describe(const struct layer *layer, struct accounting *out_accounting);

/* What the layers without a name will still give back, as far as it is counted. */
uint64_t accounting_reclaiming_extents(const struct pool *pool);

#endif
