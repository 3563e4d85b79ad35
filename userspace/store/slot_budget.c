/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/slot_budget.h"

#include <errno.h>

#include "store/state.h"

#define RESERVE_WRITE	64  /* for changes that no rule can put off: 16 leaves */
#define RESERVE_RECLAIM 128 /* for what gives space back */
#define SLACK		64  /* kept beyond need, so that extents do not come and go */
#define EXTENTS_SCARCE	64  /* free extents that are left to data rather than lent */

/* Catalogue and bitmaps in full. */
static uint64_t shared_pages(const struct pool *pool)
{
	uint64_t regions = geometry_region_count(&pool->geometry);
	uint64_t pages = pool->catalogue.tree.leaf_count;

	return regions + geometry_index_pages(regions) + pages + geometry_index_pages(pages);
}

/* Leaves and index pages that are dirty, or may be made so by those who were admitted. */
static uint64_t dirty_pages(const struct pool *pool)
{
	return pool->cache.dirty_count + pool->catalogue.dirt.pages +
	       (uint64_t)pool->admission.leaves * SLOT_PAGES_PER_LEAF;
}

static uint64_t need_now(const struct pool *pool)
{
	return dirty_pages(pool) + shared_pages(pool);
}

/* Slots that must be left over when `pages` more have come into being. */
static uint64_t need_then(const struct pool *pool, uint32_t pages, enum slot_use use)
{
	uint64_t reserve = RESERVE_WRITE + (use == SLOT_USE_GROWTH ? RESERVE_RECLAIM : 0);

	return dirty_pages(pool) + pages + 2 * shared_pages(pool) + reserve;
}

bool slot_budget_may_dirty(struct pool *pool, uint32_t leaves)
{
	uint64_t need = need_now(pool) + (uint64_t)leaves * SLOT_PAGES_PER_LEAF;

	while (slot_map_room(&pool->slots) < need) {
		if (pool->space.free_count < EXTENTS_SCARCE || slot_map_extend(&pool->slots) != 0)
			return false;
	}
	return true;
}

int slot_budget_create(struct pool *pool, uint32_t pages, enum slot_use use)
{
	while (slot_map_spare(&pool->slots) < need_then(pool, pages, use)) {
		int ret = slot_map_extend(&pool->slots);

		if (ret != 0)
			return ret;
	}
	return 0;
}

int slot_budget_prepare(struct pool *pool)
{
	while (slot_map_room(&pool->slots) < need_now(pool)) {
		int ret = slot_map_extend(&pool->slots);

		if (ret != 0)
			return ret;
	}
	return 0;
}

uint64_t slot_budget_keep(const struct pool *pool)
{
	return need_then(pool, 0, SLOT_USE_GROWTH) + SLACK;
}
