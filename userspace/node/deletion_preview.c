/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dry run of deleting several volumes and snapshots, over all pools. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/control.h"
#include "node/volumes.h"

/* What was asked for, each name once, with the pool that it lies in. */
struct choice {
	const char *name;
	struct node_pool *pool;
};

static int choice_compare(const void *a, const void *b)
{
	return strcmp(((const struct choice *)a)->name, ((const struct choice *)b)->name);
}

static int choices_find(struct node *node, struct choice *choices, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct volume_facts facts;
		int ret = node_name_find(node, "snapshot", choices[i].name, &choices[i].pool,
					 &facts, err);

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* Each pool is asked once, for all that lies in it. */
static int pools_preview(struct node *node, const struct choice *choices, size_t count,
			 const char **names, uint64_t *out_bytes, struct error *err)
{
	uint64_t sum = 0;

	list_for_each (&node->pools, pool, struct node_pool, link) {
		unsigned in_pool = 0;
		uint64_t bytes = 0;
		int ret;

		for (size_t i = 0; i < count; i++) {
			if (choices[i].pool == pool)
				names[in_pool++] = choices[i].name;
		}
		if (in_pool == 0)
			continue;
		ret = control_pool_preview(node->reactor.loop, pool->pool, names, in_pool, &bytes,
					   err);
		if (ret < 0)
			return ret;
		sum += bytes;
	}
	*out_bytes = sum;
	return 0;
}

int node_deletion_preview(struct node *node, char *const *names, size_t count, uint64_t *out_bytes,
			  struct error *err)
{
	struct choice *choices = calloc(count + 1, sizeof(*choices));
	const char **sorted = calloc(count + 1, sizeof(*sorted));
	size_t used = 0;
	int ret;

	if (!choices || !sorted) {
		ret = error_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		choices[i].name = names[i];
	qsort(choices, count, sizeof(*choices), choice_compare);
	for (size_t i = 0; i < count; i++) {
		if (used == 0 || strcmp(choices[used - 1].name, choices[i].name) != 0)
			choices[used++] = choices[i];
	}
	ret = choices_find(node, choices, used, err);
	if (ret == 0)
		ret = pools_preview(node, choices, used, sorted, out_bytes, err);
out:
	free(choices);
	free(sorted);
	return ret;
}
