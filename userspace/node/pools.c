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
#include "node/pool_opening.h"
#include "node/publications.h"
#include "node/state.h"
#include "node/volumes.h"
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

/* Note a pool that was just opened; on failure it is closed and freed. */
static int pool_register(struct node *node, struct node_pool *pool, struct error *err)
{
	int ret;

	list_append(&node->pools, &pool->link);
	ret = node_state_save(node, err);
	if (ret < 0) {
		list_remove(&pool->link);
		(void)pool_opening_close(node, pool, NULL); /* the error is told already */
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
	pool->node = node;
	strcpy(pool->name, creation->name);
	strcpy(pool->path, creation->path);
	pool->is_file_ours = is_ours;
	ret = pool_opening_format(node, pool, err);
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

/* The entry of a pool that was missing and has come back, perhaps elsewhere; NULL if none is. */
static struct node_pool *pool_find_missing(struct node *node, const struct node_pool *pool)
{
	list_for_each (&node->pools, other, struct node_pool, link) {
		if (!other->pool && (uuid_is_equal(&other->uuid, &pool->uuid) ||
				     strcmp(other->name, pool->name) == 0))
			return other;
	}
	return NULL;
}

int node_pool_import(struct node *node, const char *path, struct node_pool **out_pool,
		     struct error *err)
{
	struct node_pool *missing;
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
	pool->node = node;
	strcpy(pool->path, path);
	ret = pool_opening_open(node, pool, err);
	if (ret < 0) {
		free(pool);
		return ret;
	}
	missing = pool_find_missing(node, pool);
	if (missing) {
		pool->is_file_ours = missing->is_file_ours && strcmp(missing->path, path) == 0;
		list_remove(&missing->link);
	}
	ret = pool_register(node, pool, err);
	if (ret < 0) {
		if (missing)
			list_append(&node->pools, &missing->link);
		return ret;
	}
	free(missing);
	node_exports_open(node, pool);
	*out_pool = pool;
	events_add(&node->events, "pool-imported", &(struct event_subject){.pool = pool->name},
		   "from %.200s", path);
	log_info("pool imported name=%s path=%s", pool->name, path);
	return 0;
}

/* Is what was published in this pool or, if that is missing, may it be? */
static bool pool_may_have(struct node *node, const struct node_pool *pool,
			  const struct publication *publication)
{
	struct volume_facts facts;
	struct node_pool *where;

	if (node_volume_find(node, publication->volume, &where, &facts, NULL) == 0)
		return where == pool;
	return !pool->pool;
}

static int pool_check_unpublished(struct node *node, const struct node_pool *pool,
				  struct error *err)
{
	const char *last = "";
	char names[160] = "";
	unsigned count = 0;
	size_t len = 0;

	list_for_each (&node->publications, publication, struct publication, link) {
		if (strcmp(last, publication->volume) == 0 ||
		    !pool_may_have(node, pool, publication))
			continue;
		last = publication->volume;
		count++;
		if (len + strlen(last) + 8 < sizeof(names))
			len += (size_t)sprintf(names + len, "%s'%s'", len > 0 ? ", " : "", last);
	}
	if (count == 0)
		return 0;
	return error_set(err, -EBUSY,
			 "pool '%s' %s published volumes (%u: %s%s); detach them, or withdraw them "
			 "with 'berth volume unpublish'",
			 pool->name, pool->pool ? "has" : "is missing and may have", count, names,
			 count > 1 && len + NAME_SIZE + 8 > sizeof(names) ? ", ..." : "");
}

/* Out of the state, and so out of reach, but nothing of what it holds is touched. */
static int pool_forget(struct node *node, struct node_pool *pool, struct error *err)
{
	int ret;

	list_remove(&pool->link);
	ret = node_state_save(node, err);
	if (ret < 0)
		list_append(&node->pools, &pool->link);
	return ret;
}

int node_pool_export(struct node *node, const char *name, struct error *err)
{
	struct node_pool *pool = NULL;
	int ret = node_pool_find(node, name, &pool, NULL);

	if (ret < 0)
		return 0; /* a repeat */
	ret = pool_check_unpublished(node, pool, err);
	if (ret == 0)
		ret = pool_forget(node, pool, err);
	if (ret < 0)
		return ret;
	if (pool->pool)
		ret = pool_opening_close(node, pool, err);
	events_add(&node->events, "pool-exported", &(struct event_subject){.pool = name},
		   "'berth pool import %.180s' takes it in again", pool->path);
	log_info("pool exported name=%s path=%s", name, pool->path);
	free(pool);
	return ret;
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

int node_pool_rename(struct node *node, const char *name, const char *new_name,
		     struct node_pool **out_pool, struct error *err)
{
	struct node_pool *other = NULL;
	bool is_taken = node_pool_find(node, new_name, &other, NULL) == 0;
	int ret = name_check("pool", new_name, err);

	if (ret < 0)
		return ret;
	if (is_taken && node_pool_find(node, name, out_pool, NULL) == -ENOENT) {
		*out_pool = other; /* a repeat */
		return 0;
	}
	ret = pool_find_present(node, name, out_pool, err);
	if (ret < 0 || *out_pool == other)
		return ret;
	if (is_taken)
		return error_set(err, -EEXIST, "there is a pool '%s' already, on '%.200s'",
				 new_name, other->path);
	ret = control_pool_rename(node->reactor.loop, (*out_pool)->pool, new_name, err);
	if (ret < 0)
		return ret;
	strcpy((*out_pool)->name, new_name);
	/* The pool knows its name, and the state knows the pool by its UUID: it can be late. */
	if (node_state_save(node, err) < 0)
		log_warn("the state has a pool's old name name=%s old=%s", new_name, name);
	events_add(&node->events, "pool-renamed", &(struct event_subject){.pool = new_name},
		   "from %s", name);
	log_info("pool renamed name=%s old=%s", new_name, name);
	return 0;
}

int node_pool_set_policy(struct node *node, const char *name, const struct policy_change *change,
			 struct node_pool **out_pool, struct error *err)
{
	struct pool_policy policy;
	struct pool_facts facts;
	int ret = pool_find_present(node, name, out_pool, err);

	if (ret < 0)
		return ret;
	control_pool_describe(node->reactor.loop, (*out_pool)->pool, &facts);
	policy = (struct pool_policy){
		.threshold_used_percent = change->threshold_used_percent
						  ? *change->threshold_used_percent
						  : facts.threshold_used_percent,
		.overcommit_percent = change->overcommit_percent ? *change->overcommit_percent
								 : facts.overcommit_percent,
	};
	ret = control_pool_set_policy(node->reactor.loop, (*out_pool)->pool, &policy, err);
	if (ret < 0)
		return ret;
	events_add(&node->events, "pool-changed", &(struct event_subject){.pool = name},
		   "threshold %u%%, overcommit %u%% (0: none)", policy.threshold_used_percent,
		   policy.overcommit_percent);
	log_info("pool changed name=%s threshold_percent=%u overcommit_percent=%u", name,
		 policy.threshold_used_percent, policy.overcommit_percent);
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
	if (facts.volume_count + facts.snapshot_count > 0)
		return error_set(err, -EBUSY,
				 "pool '%s' has %u volumes and %u snapshots; delete them first "
				 "('berth volume list --pool %s', 'berth snapshot list --pool %s')",
				 name, facts.volume_count, facts.snapshot_count, name, name);
	/* A crash then leaves a file, never a state that misses one. */
	ret = pool_forget(node, pool, err);
	if (ret < 0)
		return ret;
	ret = pool_opening_close(node, pool, NULL);
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
	int ret = pool_opening_open(node, pool, err);

	for (int i = 0; ret == -EBUSY && i < LOCK_WAITS; i++) {
		(void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
		ret = pool_opening_open(node, pool, err);
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
	/* A pool's name or UUID may be news. */
	if (!list_is_empty(&node->pools) && node_state_save(node, &err) < 0)
		log_warn("cannot save the state: %s", err.text);
}

void node_pools_close(struct node *node)
{
	struct error err = {0};

	list_for_each_safe (&node->pools, pool, struct node_pool, link) {
		list_remove(&pool->link);
		if (pool->pool && pool_opening_close(node, pool, &err) < 0)
			log_error("pool did not close cleanly name=%s error=%s", pool->name,
				  err.text);
		free(pool);
	}
}
