/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pools are opened from the state file at the start, or taken in by a call. The state is
 * the list of pools; what a pool holds it alone knows.
 */
#include "node/pools.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/size.h"
#include "node/backing.h"
#include "node/control.h"
#include "node/publications.h"
#include "node/state.h"
#include "store/file_disk.h"

#define LOCK_WAITS 200 /* of 50 ms, for a disk that another process has */

int node_pool_find(struct node *node, const char *name, struct node_pool **out_pool,
		   struct error *err)
{
	list_for_each (&node->pools, pool, struct node_pool, link) {
		if (strcmp(pool->name, name) == 0) {
			*out_pool = pool;
			return 0;
		}
	}
	return error_set(err, -ENOENT, "there is no pool '%.64s'; 'berth pool list' shows them",
			 name);
}

static struct node_pool *pool_at_path(struct node *node, const char *path)
{
	list_for_each (&node->pools, pool, struct node_pool, link) {
		if (strcmp(pool->path, path) == 0)
			return pool;
	}
	return NULL;
}

static int path_check(const char *path, struct error *err)
{
	if (*path != '/' || strlen(path) >= PATH_MAX)
		return error_set(err, -EINVAL, "pool path '%.100s' is not an absolute path", path);
	return 0;
}

/* pool->name is filled in or, where it is set, compared. The disk is taken over, or closed. */
static int pool_open_disk(struct node *node, struct node_pool *pool, struct block *disk,
			  struct error *err)
{
	const struct pool_settings settings = {
		.cache_bytes = node->settings.cache_bytes,
		.boot_id = node->boot_id,
	};
	struct loop *loop = node->reactor.loop;
	struct pool_facts facts;
	int ret = control_pool_open(loop, disk, &settings, &pool->pool, err);

	if (ret < 0) {
		control_block_close(loop, disk);
		return ret;
	}
	control_pool_describe(loop, pool->pool, &facts);
	if (pool->name[0] == '\0')
		strcpy(pool->name, facts.name);
	if (strcmp(pool->name, facts.name) == 0)
		return 0;
	ret = error_set(err, -EEXIST, "'%.200s' holds pool '%s', not '%s'", pool->path, facts.name,
			pool->name);
	(void)control_pool_close(loop, pool->pool, NULL); /* nothing was changed in it */
	pool->pool = NULL;
	return ret;
}

static int pool_open_path(struct node *node, struct node_pool *pool, struct error *err)
{
	struct block *disk;
	int ret = control_disk_open(&node->reactor, pool->path, &disk, err);

	return ret < 0 ? ret : pool_open_disk(node, pool, disk, err);
}

/* The disk stays open, and so locked, from before the format until the pool is closed. */
static int pool_format_path(struct node *node, struct node_pool *pool, struct error *err)
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
	return pool_open_disk(node, pool, disk, err);
}

/* Note a pool that was just opened; on failure it is closed and freed. */
static int pool_register(struct node *node, struct node_pool *pool, struct error *err)
{
	int ret;

	list_append(&node->pools, &pool->link);
	ret = node_state_save(node, err);
	if (ret < 0) {
		list_remove(&pool->link);
		(void)control_pool_close(node->reactor.loop, pool->pool, NULL);
		free(pool);
	}
	return ret;
}

/* A repeat of pool create: success if it asks for what is there. */
static int pool_create_again(struct node *node, const struct pool_creation *creation,
			     struct node_pool *pool, struct error *err)
{
	struct pool_facts facts;

	if (strcmp(pool->path, creation->path) != 0)
		return error_set(err, -EEXIST, "pool '%s' exists already, on '%.200s'", pool->name,
				 pool->path);
	if (!pool->pool)
		return error_set(err, -EEXIST, "pool '%s' exists already and is missing: %s",
				 pool->name, pool->why_missing);
	control_pool_describe(node->reactor.loop, pool->pool, &facts);
	if (creation->size_bytes != 0 && creation->size_bytes != facts.size_bytes)
		return error_set(err, -EEXIST,
				 "pool '%s' exists already with another size; 'berth pool grow' "
				 "makes it larger",
				 pool->name);
	return 0;
}

int node_pool_create(struct node *node, const struct pool_creation *creation,
		     struct node_pool **out_pool, struct error *err)
{
	struct node_pool *pool;
	bool is_ours = false;
	int ret = name_check("pool", creation->name, err);

	if (ret == 0)
		ret = path_check(creation->path, err);
	if (ret < 0)
		return ret;
	if (node_pool_find(node, creation->name, out_pool, NULL) == 0)
		return pool_create_again(node, creation, *out_pool, err);
	pool = pool_at_path(node, creation->path);
	if (pool)
		return error_set(err, -EEXIST, "'%.200s' is in use by pool '%s'", creation->path,
				 pool->name);
	ret = backing_prepare(creation->path, creation->size_bytes, &is_ours, err);
	if (ret < 0)
		return ret;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return error_set(err, -ENOMEM, "out of memory");
	strcpy(pool->name, creation->name);
	strcpy(pool->path, creation->path);
	pool->is_file_ours = is_ours;
	ret = pool_format_path(node, pool, err);
	if (ret < 0) {
		free(pool);
		if (is_ours)
			(void)unlink(creation->path); /* made in this call, nobody's data */
		return ret;
	}
	ret = pool_register(node, pool, err);
	if (ret < 0)
		return ret;
	*out_pool = pool;
	events_add(&node->events, "pool-created", &(struct event_subject){.pool = pool->name},
		   "on %.200s", pool->path);
	log_info("pool created name=%s path=%s", pool->name, pool->path);
	return 0;
}

int node_pool_import(struct node *node, const char *path, struct node_pool **out_pool,
		     struct error *err)
{
	struct node_pool *other = NULL;
	struct node_pool *pool;
	int ret = path_check(path, err);

	if (ret < 0)
		return ret;
	pool = pool_at_path(node, path);
	if (pool && pool->pool) {
		*out_pool = pool;
		return 0;
	}
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return error_set(err, -ENOMEM, "out of memory");
	strcpy(pool->path, path);
	ret = pool_open_path(node, pool, err);
	if (ret < 0) {
		free(pool);
		return ret;
	}
	if (node_pool_find(node, pool->name, &other, NULL) == 0) {
		if (other->pool) {
			ret = error_set(err, -EEXIST, "there is another pool '%s', on '%.200s'",
					pool->name, other->path);
			(void)control_pool_close(node->reactor.loop, pool->pool, NULL);
			free(pool);
			return ret;
		}
		/* The one that was missing has come back, perhaps elsewhere. */
		list_remove(&other->link);
		free(other);
	}
	ret = pool_register(node, pool, err);
	if (ret < 0)
		return ret;
	node_exports_open(node, pool);
	*out_pool = pool;
	events_add(&node->events, "pool-imported", &(struct event_subject){.pool = pool->name},
		   "from %.200s", path);
	log_info("pool imported name=%s path=%s", pool->name, path);
	return 0;
}

static int pool_find_present(struct node *node, const char *name, struct node_pool **out_pool,
			     struct error *err)
{
	int ret = node_pool_find(node, name, out_pool, err);

	if (ret == 0 && !(*out_pool)->pool)
		return error_set(err, -EIO, "pool '%s' is missing: %s", name,
				 (*out_pool)->why_missing);
	return ret;
}

int node_pool_grow(struct node *node, const char *name, uint64_t size_bytes,
		   struct node_pool **out_pool, struct error *err)
{
	char text[SIZE_TEXT_MAX];
	struct pool_facts facts;
	int ret = pool_find_present(node, name, out_pool, err);

	if (ret < 0)
		return ret;
	if (size_bytes != 0)
		ret = file_disk_extend((*out_pool)->path, size_bytes, err);
	if (ret == 0)
		ret = control_pool_grow(node->reactor.loop, (*out_pool)->pool, err);
	if (ret < 0)
		return ret;
	control_pool_describe(node->reactor.loop, (*out_pool)->pool, &facts);
	events_add(&node->events, "pool-grown", &(struct event_subject){.pool = name}, "to %s",
		   size_format(facts.size_bytes, text));
	return 0;
}

int node_pool_delete(struct node *node, const char *name, struct error *err)
{
	struct node_pool *pool = NULL;
	struct pool_facts facts;
	int ret = pool_find_present(node, name, &pool, err);

	if (ret < 0)
		return ret == -ENOENT ? 0 : ret;
	control_pool_describe(node->reactor.loop, pool->pool, &facts);
	if (facts.volume_count > 0)
		return error_set(err, -EBUSY,
				 "pool '%s' has %u volumes; delete them first ('berth volume list "
				 "--pool %s')",
				 name, facts.volume_count, name);
	/* Out of the state first: a crash then leaves a file, never a state that misses one. */
	list_remove(&pool->link);
	ret = node_state_save(node, err);
	if (ret < 0) {
		list_append(&node->pools, &pool->link);
		return ret;
	}
	ret = control_pool_close(node->reactor.loop, pool->pool, NULL);
	if (ret < 0)
		log_warn("pool did not close cleanly name=%s error=%s", name, strerror(-ret));
	if (pool->is_file_ours && unlink(pool->path) < 0)
		log_warn("cannot remove pool file path=%s error=%s", pool->path, strerror(errno));
	events_add(&node->events, "pool-deleted", &(struct event_subject){.pool = name}, "%.200s",
		   pool->path);
	free(pool);
	return 0;
}

/*
 * A node that was killed a moment ago may still have writes in the kernel. Its lock on the disk
 * goes with the last of them, and not before that may anybody look at the disk.
 */
static int pool_open_when_free(struct node *node, struct node_pool *pool, struct error *err)
{
	const struct timespec pause = {.tv_nsec = 50 * 1000000};
	int ret = pool_open_path(node, pool, err);

	for (int i = 0; ret == -EBUSY && i < LOCK_WAITS; i++) {
		(void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
		ret = pool_open_path(node, pool, err);
	}
	return ret;
}

void node_pools_open(struct node *node)
{
	struct error err = {0};

	list_for_each (&node->pools, pool, struct node_pool, link) {
		if (pool_open_when_free(node, pool, &err) < 0) {
			(void)snprintf(pool->why_missing, sizeof(pool->why_missing), "%.255s",
				       err.text);
			log_error("pool is missing name=%s path=%s error=%s", pool->name,
				  pool->path, err.text);
			continue;
		}
		log_info("pool opened name=%s path=%s", pool->name, pool->path);
		node_exports_open(node, pool);
	}
}

void node_pools_close(struct node *node)
{
	struct error err = {0};

	list_for_each_safe (&node->pools, pool, struct node_pool, link) {
		list_remove(&pool->link);
		if (pool->pool && control_pool_close(node->reactor.loop, pool->pool, &err) < 0)
			log_error("pool did not close cleanly name=%s error=%s", pool->name,
				  err.text);
		free(pool);
	}
}
