/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/volumes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/size.h"
#include "node/control.h"
#include "node/publications.h"
#include "node/snapshots.h"

int node_name_find(struct node *node, const char *what, const char *name,
		   struct node_pool **out_pool, struct volume_facts *out_facts, struct error *err)
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
				 "%s '%.64s' is in no pool that is here, but pool '%s' is missing: "
				 "%.200s",
				 what, name, missing->name, missing->why_missing);
	return error_set(err, -ENOENT, "there is no %s '%.64s'; 'berth %s list' shows them", what,
			 name, what);
}

int node_volume_find(struct node *node, const char *name, struct node_pool **out_pool,
		     struct volume_facts *out_facts, struct error *err)
{
	int ret = node_name_find(node, "volume", name, out_pool, out_facts, err);

	if (ret < 0 || !out_facts->is_snapshot)
		return ret;
	return error_set(err, -ENOENT,
			 "'%s' is a snapshot, not a volume; 'berth volume create NAME --snapshot "
			 "%s' makes a volume of it",
			 name, name);
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

/* Not asked for is fine with anything: it may have been set since. */
static bool is_as_asked(uint64_t asked, uint64_t there)
{
	return asked == 0 || asked == there;
}

/* A repeat of volume create: success if it asks for what is there. */
static int volume_create_again(const struct volume_creation *creation, const struct node_pool *pool,
			       const struct volume_facts *facts, struct error *err)
{
	bool is_clone = !uuid_is_nil(&facts->origin);
	bool is_same_origin = *creation->snapshot
				      ? strcmp(facts->origin_name, creation->snapshot) == 0
				      : !is_clone;
	uint64_t size_bytes = creation->size_bytes;
	uint32_t block_bytes = creation->logical_block_bytes;
	char size[SIZE_TEXT_MAX];

	if (*creation->snapshot) {
		size_bytes = size_bytes ? size_bytes : facts->size_bytes;
		block_bytes = block_bytes ? block_bytes : facts->logical_block_bytes;
	} else if (block_bytes == 0) {
		block_bytes = 512;
	}
	if (!facts->is_snapshot && is_same_origin && facts->size_bytes == size_bytes &&
	    facts->logical_block_bytes == block_bytes &&
	    is_as_asked(creation->reservation_bytes, facts->reservation_bytes) &&
	    is_as_asked(creation->limit_bytes, facts->limit_bytes) &&
	    (*creation->pool == '\0' || strcmp(pool->name, creation->pool) == 0))
		return 0;
	if (facts->is_snapshot)
		return error_set(err, -EEXIST,
				 "'%s' is the name of a snapshot in pool '%s' already",
				 creation->name, pool->name);
	return error_set(err, -EEXIST,
			 "volume '%s' exists already: %s in pool '%s' with blocks of %u bytes%s%s",
			 creation->name, size_format(facts->size_bytes, size), pool->name,
			 facts->logical_block_bytes,
			 !is_clone	       ? ""
			 : *facts->origin_name ? ", a clone of "
					       : ", a clone of a snapshot that is deleted",
			 facts->origin_name);
}

/* A clone lies where its snapshot does. */
static int clone_choose_pool(struct node *node, const struct volume_creation *creation,
			     struct node_pool **out_pool, struct error *err)
{
	struct volume_facts facts;
	int ret = node_snapshot_find(node, creation->snapshot, out_pool, &facts, err);

	if (ret < 0 || *creation->pool == '\0' || strcmp(creation->pool, (*out_pool)->name) == 0)
		return ret;
	return error_set(err, -EINVAL,
			 "snapshot '%s' is in pool '%s', and a clone of it can only be there too, "
			 "not in '%.64s'",
			 creation->snapshot, (*out_pool)->name, creation->pool);
}

static void volume_created_tell(struct node *node, const struct node_pool *pool,
				const struct volume_creation *creation)
{
	const struct event_subject subject = {.pool = pool->name, .volume = creation->name};
	char size[SIZE_TEXT_MAX];

	if (*creation->snapshot)
		events_add(&node->events, "volume-cloned", &subject, "from snapshot %s",
			   creation->snapshot);
	else
		events_add(&node->events, "volume-created", &subject, "%s in pool %s",
			   size_format(creation->size_bytes, size), pool->name);
	log_info("volume created name=%s pool=%s bytes=%llu snapshot=%s", creation->name,
		 pool->name, (unsigned long long)creation->size_bytes, creation->snapshot);
}

int node_volume_create(struct node *node, const struct volume_creation *creation, struct error *err)
{
	struct volume_spec spec = {
		.size_bytes = creation->size_bytes,
		.logical_block_bytes = creation->logical_block_bytes,
		.reservation_bytes = creation->reservation_bytes,
		.limit_bytes = creation->limit_bytes,
		.created_at_s = (uint64_t)time(NULL),
	};
	bool is_clone = *creation->snapshot != '\0';
	struct volume_facts facts;
	struct node_pool *pool;
	int ret = name_check("volume", creation->name, err);

	if (ret < 0)
		return ret;
	ret = node_name_find(node, "volume", creation->name, &pool, &facts, err);
	if (ret == 0)
		return volume_create_again(creation, pool, &facts, err);
	if (ret != -ENOENT)
		return ret;
	ret = is_clone ? clone_choose_pool(node, creation, &pool, err)
		       : pool_choose(node, creation->pool, &pool, err);
	if (ret < 0)
		return ret;
	strcpy(spec.name, creation->name);
	strcpy(spec.snapshot, creation->snapshot); /* it was found, so it fits */
	uuid_generate(&spec.uuid);
	ret = control_volume_create(node->reactor.loop, pool->pool, &spec, err);
	if (ret < 0)
		return ret;
	volume_created_tell(node, pool, creation);
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

/* "reservation 1 GiB, limit none, ..." of what was changed. */
static void limits_format(const struct limits_change *change, char *buf, size_t size)
{
	const struct {
		const char *what;
		const uint64_t *bytes;
	} members[] = {
		{"reservation", change->reservation_bytes},
		{"limit", change->limit_bytes},
		{"threshold of used", change->threshold_used_bytes},
		{"threshold of available", change->threshold_available_bytes},
	};
	char text[SIZE_TEXT_MAX];
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(members) && len < size; i++) {
		const uint64_t *bytes = members[i].bytes;

		if (bytes)
			len += (size_t)snprintf(buf + len, size - len, "%s%s %s", len ? ", " : "",
						members[i].what,
						*bytes ? size_format(*bytes, text) : "none");
	}
}

int node_volume_set_limits(struct node *node, const struct volume_choice *choice,
			   const struct limits_change *change, struct error *err)
{
	struct volume_facts facts;
	struct node_pool *pool;
	char text[200];
	int ret = node_volume_choose(node, choice, &pool, &facts, err);

	if (ret == 0)
		ret = control_volume_set_limits(node->reactor.loop, pool->pool, choice->name,
						change, err);
	if (ret < 0)
		return ret;
	limits_format(change, text, sizeof(text));
	if (text[0] != '\0')
		events_add(&node->events, "volume-changed",
			   &(struct event_subject){.pool = pool->name, .volume = choice->name},
			   "%s", text);
	log_info("volume changed name=%s pool=%s %s", choice->name, pool->name, text);
	return 0;
}

static int volume_check_unpublished(struct node *node, const char *name, struct error *err)
{
	if (!node_volume_is_published(node, name))
		return 0;
	return error_set(err, -EBUSY,
			 "volume '%s' is published; detach it, or withdraw it with 'berth volume "
			 "unpublish %s'",
			 name, name);
}

int node_volume_revert(struct node *node, const struct volume_choice *choice, const char *snapshot,
		       struct error *err)
{
	struct volume_facts facts, snapshot_facts;
	struct node_pool *pool, *snapshot_pool;
	int ret = node_volume_choose(node, choice, &pool, &facts, err);

	if (ret == 0)
		ret = node_snapshot_find(node, snapshot, &snapshot_pool, &snapshot_facts, err);
	if (ret == 0 && !uuid_is_equal(&snapshot_facts.origin, &facts.uuid))
		ret = error_set(err, -EINVAL,
				"'%s' is a snapshot of %s%s, not of '%s', which cannot become it; "
				"'berth volume create NAME --snapshot %s' makes a volume of it",
				snapshot, *snapshot_facts.origin_name ? "" : "a deleted volume",
				snapshot_facts.origin_name, choice->name, snapshot);
	if (ret == 0)
		ret = volume_check_unpublished(node, choice->name, err);
	if (ret == 0)
		ret = control_volume_revert(node->reactor.loop, pool->pool, choice->name, snapshot,
					    err);
	if (ret < 0)
		return ret;
	events_add(&node->events, "volume-reverted",
		   &(struct event_subject){.pool = pool->name, .volume = choice->name},
		   "to snapshot %s", snapshot);
	log_info("volume reverted name=%s pool=%s snapshot=%s", choice->name, pool->name, snapshot);
	return 0;
}

void deletion_expect(const struct volume_facts *facts, struct deletion *out_deletion)
{
	uint64_t back = facts->exclusive_bytes;

	*out_deletion = (struct deletion){
		.reclaiming_bytes = back,
		.kept_bytes = facts->written_bytes > back ? facts->written_bytes - back : 0,
		.is_exact = facts->is_counted,
	};
}

int node_volume_delete(struct node *node, const struct volume_choice *choice,
		       struct deletion *out_deletion, struct error *err)
{
	const char *name = choice->name;
	struct volume_facts facts;
	struct node_pool *pool;
	int ret = node_name_find(node, "volume", name, &pool, &facts, err);

	*out_deletion = (struct deletion){.is_exact = true};
	if (ret == -ENOENT)
		return 0; /* a repeat */
	if (ret == 0 && facts.is_snapshot)
		ret = error_set(err, -EBUSY,
				"'%s' is a snapshot, not a volume; 'berth snapshot delete %s' "
				"deletes it",
				name, name);
	if (ret == 0)
		ret = volume_choice_check(choice, &facts.uuid, err);
	if (ret == 0)
		ret = volume_check_unpublished(node, name, err);
	if (ret == 0)
		ret = control_volume_delete(node->reactor.loop, pool->pool, name, err);
	if (ret < 0)
		return ret;
	deletion_expect(&facts, out_deletion);
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
