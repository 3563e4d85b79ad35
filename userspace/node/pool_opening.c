/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/pool_opening.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/control.h"
#include "node/store_events.h"

int pool_opening_close(struct node *node, struct node_pool *pool, struct error *err)
{
	int ret = control_pool_close(node->reactor.loop, pool->pool, err);

	pool->pool = NULL;
	return ret;
}

/* Is what was opened the pool that was meant? */
static int identity_check(const struct node_pool *pool, const struct pool_facts *facts,
			  struct error *err)
{
	bool is_known = !uuid_is_nil(&pool->uuid);

	if (is_known ? uuid_is_equal(&pool->uuid, &facts->uuid)
		     : pool->name[0] == '\0' || strcmp(pool->name, facts->name) == 0)
		return 0;
	return error_set(err, -EEXIST,
			 "'%.200s' holds another pool '%s', not the '%s' that was there",
			 pool->path, facts->name, pool->name);
}

/* Two lists in order of name, and a name that is in both; NULL: none. */
static const char *common_name(const struct volume_facts *a, uint32_t a_count,
			       const struct volume_facts *b, uint32_t b_count)
{
	uint32_t i = 0, j = 0;

	while (i < a_count && j < b_count) {
		int order = strcmp(a[i].name, b[j].name);

		if (order == 0)
			return a[i].name;
		if (order < 0)
			i++;
		else
			j++;
	}
	return NULL;
}

static int volumes_compare(struct node *node, const struct node_pool *pool,
			   const struct node_pool *other, struct error *err)
{
	struct volume_facts *ours = NULL, *theirs = NULL;
	uint32_t our_count = 0, their_count = 0;
	struct loop *loop = node->reactor.loop;
	const char *name;
	int ret = control_volume_list(loop, pool->pool, &ours, &our_count);

	if (ret == 0)
		ret = control_volume_list(loop, other->pool, &theirs, &their_count);
	if (ret < 0) {
		(void)error_set(err, ret, "out of memory");
	} else {
		name = common_name(ours, our_count, theirs, their_count);
		if (name)
			ret = error_set(err, -EEXIST,
					"pool '%s' has a volume or snapshot '%s', and so has pool "
					"'%s' of this node; take it to another node, or delete "
					"one of them",
					pool->name, name, other->name);
	}
	free(ours);
	free(theirs);
	return ret;
}

/* Names of pools are unique on a node, and so are those of volumes over all pools. */
static int names_check(struct node *node, const struct node_pool *pool, struct error *err)
{
	list_for_each (&node->pools, other, struct node_pool, link) {
		int ret = 0;

		if (other == pool || (!other->pool && uuid_is_equal(&other->uuid, &pool->uuid)))
			continue;
		if (other->pool)
			ret = volumes_compare(node, pool, other, err);
		if (ret < 0)
			return ret;
		if (strcmp(other->name, pool->name) == 0 &&
		    (other->pool || !uuid_is_nil(&other->uuid)))
			return error_set(err, -EEXIST, "there is another pool '%s', on '%.200s'%s",
					 other->name, other->path,
					 other->pool ? ""
						     : "; it is missing, and 'berth pool export' "
						       "makes the node forget it");
	}
	return 0;
}

/* The disk is taken over, or closed. */
static int disk_open(struct node *node, struct node_pool *pool, struct block *disk,
		     struct error *err)
{
	const struct pool_settings settings = {
		.cache_bytes = node->settings.cache_bytes,
		.boot_id = node->boot_id,
		.notify = store_events_on,
		.notify_owner = pool,
	};
	struct loop *loop = node->reactor.loop;
	const struct node_pool meant = *pool;
	struct pool_facts facts;
	int ret = control_pool_open(loop, disk, &settings, &pool->pool, err);

	if (ret < 0) {
		control_block_close(loop, disk);
		return ret;
	}
	control_pool_describe(loop, pool->pool, &facts);
	ret = identity_check(pool, &facts, err);
	if (ret == 0) {
		strcpy(pool->name, facts.name);
		pool->uuid = facts.uuid;
		ret = names_check(node, pool, err);
	}
	if (ret == 0)
		return 0;
	(void)pool_opening_close(node, pool, NULL); /* nothing was changed in it */
	strcpy(pool->name, meant.name);
	pool->uuid = meant.uuid;
	return ret;
}

int pool_opening_open(struct node *node, struct node_pool *pool, struct error *err)
{
	struct block *disk;
	int ret = control_disk_open(&node->reactor, pool->path, &disk, err);

	return ret < 0 ? ret : disk_open(node, pool, disk, err);
}

/* The disk stays open, and so locked, from before the format until the pool is closed. */
int pool_opening_format(struct node *node, struct node_pool *pool, struct error *err)
{
	struct pool_format format = {0};
	struct block *disk;
	int ret = control_disk_open(&node->reactor, pool->path, &disk, err);

	if (ret < 0)
		return ret;
	strcpy(format.name, pool->name);
	ret = control_pool_format(node->reactor.loop, disk, &format, err);
	if (ret < 0) {
		control_block_close(node->reactor.loop, disk);
		return ret;
	}
	return disk_open(node, pool, disk, err);
}
