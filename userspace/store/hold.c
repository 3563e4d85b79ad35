/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small hash table; the holds come from a fixed number of slots. */
#include "store/hold.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int hold_table_init(struct hold_table *table, uint32_t count)
{
	uint32_t buckets = 64;
	int ret;

	*table = (struct hold_table){0};
	while (buckets < count)
		buckets *= 2;
	ret = slots_init(&table->holds, count, sizeof(struct hold));
	if (ret != 0)
		return ret;
	table->buckets = calloc(buckets, sizeof(*table->buckets));
	if (!table->buckets) {
		slots_fini(&table->holds);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < buckets; i++)
		list_init(&table->buckets[i]);
	table->bucket_mask = buckets - 1;
	return 0;
}

void hold_table_fini(struct hold_table *table)
{
	slots_fini(&table->holds);
	free(table->buckets);
	*table = (struct hold_table){0};
}

static struct list *hold_bucket(const struct hold_table *table, const struct layer *layer,
				uint64_t extent)
{
	uint64_t key = (extent + (uint64_t)(uintptr_t)layer) * UINT64_C(0x9e3779b97f4a7c15);

	return &table->buckets[(key >> 32) & table->bucket_mask];
}

struct hold *hold_take(struct hold_table *table, const struct layer *layer, uint64_t extent,
		       uint16_t mask, struct waiter *waiter)
{
	struct list *bucket = hold_bucket(table, layer, extent);
	struct hold *hold = NULL;

	list_for_each (bucket, entry, struct hold, link) {
		if (entry->layer == layer && entry->extent == extent) {
			hold = entry;
			break;
		}
	}
	if (hold && (hold->busy & mask)) {
		list_append(&hold->waiters, &waiter->link);
		return NULL;
	}
	if (!hold) {
		hold = slots_get(&table->holds);
		assert(hold);
		*hold = (struct hold){.layer = layer, .extent = extent};
		list_init(&hold->waiters);
		list_append(bucket, &hold->link);
	}
	hold->busy |= mask;
	hold->users++;
	return hold;
}

bool hold_put(struct hold_table *table, struct hold *hold, uint16_t mask, struct runner *runner,
	      uint32_t *out_place, bool *out_is_unmapped)
{
	assert((hold->busy & mask) == mask && hold->users > 0);
	hold->busy &= (uint16_t)~mask;
	waiter_wake_all(runner, &hold->waiters, 0);
	if (--hold->users > 0)
		return false;
	*out_place = hold->place;
	*out_is_unmapped = hold->is_unmapped;
	list_remove(&hold->link);
	slots_put(&table->holds, hold);
	return true;
}
