/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/volumes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/size.h"
#include "node/control.h"
#include "node/publications.h"

int node_volume_find(struct node *node, const char *name, struct node_pool **out_pool,
		     struct volume_facts *out_facts, struct error *err)
{
	const struct node_pool *missing = NULL;

	list_for_each (&node->pools, pool, struct node_pool, link) {
		if (!pool->pool) {
			missing = pool;
			continue;
		}
		if (control_volume_describe(node->reactor.loop, pool->pool, name, out_facts) == 0) {
			*out_pool = pool;
			return 0;
		}
	}
	/* Not "not found": whoever hears that may make a new one in its place. */
	if (missing)
		return error_set(err, -EHOSTUNREACH,
				 "volume '%.64s' is in no pool that is here, but pool '%s' is "
				 "missing: %.200s",
				 name, missing->name, missing->why_missing);
	return error_set(err, -ENOENT, "there is no volume '%.64s'; 'berth volume list' shows them",
			 name);
}

int volume_choice_check(const struct volume_choice *choice, const struct uuid *uuid,
			struct error *err)
{
	char text[UUID_TEXT_SIZE];
	struct uuid wanted;

	if (*choice->uuid == '\0')
		return 0;
	if (uuid_parse(choice->uuid, &wanted) < 0)
		return error_set(err, -EINVAL, "'%.60s' is not a UUID", choice->uuid);
	if (uuid_is_equal(&wanted, uuid))
		return 0;
	return error_set(err, -EBUSY,
			 "'%s' is not what it was: it now has the UUID %s, not %s; look at it "
			 "again before you change it",
			 choice->name, uuid_format(uuid, text), choice->uuid);
}

int node_volume_choose(struct node *node, const struct volume_choice *choice,
		       struct node_pool **out_pool, struct volume_facts *out_facts,
		       struct error *err)
{
	int ret = node_volume_find(node, choice->name, out_pool, out_facts, err);

	return ret < 0 ? ret : volume_choice_check(choice, &out_facts->uuid, err);
}

/* The pool that is named, or else the one with the most room. */
static int pool_choose(struct node *node, const char *name, struct node_pool **out_pool,
		       struct error *err)
{
	uint64_t most = 0;
	int ret;

	*out_pool = NULL;
	if (*name) {
		ret = node_pool_find(node, name, out_pool, err);
		if (ret == 0 && !(*out_pool)->pool)
			return error_set(err, -EIO, "pool '%s' is missing: %s", name,
					 (*out_pool)->why_missing);
		return ret;
	}
	list_for_each (&node->pools, pool, struct node_pool, link) {
		struct pool_facts facts;

		if (!pool->pool)
			continue;
		control_pool_describe(node->reactor.loop, pool->pool, &facts);
		if (!*out_pool || facts.free_bytes > most) {
			*out_pool = pool;
			most = facts.free_bytes;
		}
	}
	if (!*out_pool)
		return error_set(err, -ENOENT,
				 "the node has no pool; make one with 'berth pool create'");
	return 0;
}

/* A repeat of volume create: success if it asks for what is there. */
static int volume_create_again(const struct volume_creation *creation, const struct node_pool *pool,
			       const struct volume_facts *facts, struct error *err)
{
	uint32_t block_bytes = creation->logical_block_bytes ? creation->logical_block_bytes : 512;
	char size[SIZE_TEXT_MAX];

	if (facts->size_bytes == creation->size_bytes &&
	    facts->logical_block_bytes == block_bytes &&
	    (*creation->pool == '\0' || strcmp(pool->name, creation->pool) == 0))
		return 0;
	return error_set(err, -EEXIST,
			 "volume '%s' exists already: %s in pool '%s' with blocks of %u bytes",
			 creation->name, size_format(facts->size_bytes, size), pool->name,
			 facts->logical_block_bytes);
}

int node_volume_create(struct node *node, const struct volume_creation *creation, struct error *err)
{
	struct volume_spec spec = {
		.size_bytes = creation->size_bytes,
		.logical_block_bytes = creation->logical_block_bytes,
		.created_at_s = (uint64_t)time(NULL),
	};
	struct volume_facts facts;
	char size[SIZE_TEXT_MAX];
	struct node_pool *pool;
	int ret = name_check("volume", creation->name, err);

	if (ret < 0)
		return ret;
	ret = node_volume_find(node, creation->name, &pool, &facts, err);
	if (ret == 0)
		return volume_create_again(creation, pool, &facts, err);
	if (ret != -ENOENT)
		return ret;
	ret = pool_choose(node, creation->pool, &pool, err);
	if (ret < 0)
		return ret;
	strcpy(spec.name, creation->name);
	uuid_generate(&spec.uuid);
	ret = control_volume_create(node->reactor.loop, pool->pool, &spec, err);
	if (ret < 0)
		return ret;
	events_add(&node->events, "volume-created",
		   &(struct event_subject){.pool = pool->name, .volume = spec.name},
		   "%s in pool %s", size_format(spec.size_bytes, size), pool->name);
	log_info("volume created name=%s pool=%s bytes=%llu", spec.name, pool->name,
		 (unsigned long long)spec.size_bytes);
	return 0;
}

int node_volume_grow(struct node *node, const struct volume_choice *choice, uint64_t size_bytes,
		     struct error *err)
{
	const char *name = choice->name;
	struct volume_facts facts;
	struct node_pool *pool;
	char target_name[ISCSI_NAME_SIZE];
	char size[SIZE_TEXT_MAX];
	int ret = node_volume_choose(node, choice, &pool, &facts, err);

	if (ret < 0)
		return ret;
	ret = control_volume_grow(node->reactor.loop, pool->pool, name, size_bytes, err);
	if (ret < 0)
		return ret;
	target_capacity_changed(node->target, node_target_name(node, name, target_name));
	events_add(&node->events, "volume-grown",
		   &(struct event_subject){.pool = pool->name, .volume = name}, "to %s",
		   size_format(size_bytes, size));
	log_info("volume grown name=%s bytes=%llu", name, (unsigned long long)size_bytes);
	return 0;
}

int node_volume_delete(struct node *node, const struct volume_choice *choice, struct error *err)
{
	const char *name = choice->name;
	struct volume_facts facts;
	struct node_pool *pool;
	int ret = node_volume_choose(node, choice, &pool, &facts, err);

	if (ret == -ENOENT)
		return 0; /* a repeat */
	if (ret < 0)
		return ret;
	if (node_volume_is_published(node, name))
		return error_set(err, -EBUSY,
				 "volume '%s' is published; detach it, or withdraw it with 'berth "
				 "volume unpublish %s'",
				 name, name);
	ret = control_volume_delete(node->reactor.loop, pool->pool, name, err);
	if (ret < 0)
		return ret;
	events_add(&node->events, "volume-deleted",
		   &(struct event_subject){.pool = pool->name, .volume = name}, "from pool %s",
		   pool->name);
	log_info("volume deleted name=%s pool=%s", name, pool->name);
	return 0;
}

int node_volume_mark_formatted(struct node *node, const struct volume_choice *choice,
			       struct error *err)
{
	const char *name = choice->name;
	struct volume_facts facts;
	struct node_pool *pool;
	int ret = node_volume_choose(node, choice, &pool, &facts, err);

	if (ret < 0 || facts.is_formatted)
		return ret;
	return control_volume_mark_formatted(node->reactor.loop, pool->pool, name, err);
}
