/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/snapshots.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "node/control.h"

int node_snapshot_find(struct node *node, const char *name, struct node_pool **out_pool,
		       struct volume_facts *out_facts, struct error *err)
{
	int ret = node_name_find(node, "snapshot", name, out_pool, out_facts, err);

	if (ret < 0 || out_facts->is_snapshot)
		return ret;
	return error_set(err, -ENOENT,
			 "'%s' is a volume, not a snapshot; 'berth snapshot create %s NAME' takes "
			 "a snapshot of it",
			 name, name);
}

/* Something has the name already. */
static int snapshot_create_again(const struct volume_facts *volume,
				 const struct volume_facts *there, struct error *err)
{
	if (!there->is_snapshot)
		return error_set(err, -EEXIST,
				 "'%s' is the name of a volume; give the snapshot another, such as "
				 "'%.40s-1'",
				 there->name, volume->name);
	if (uuid_is_equal(&there->origin, &volume->uuid))
		return 0;
	return error_set(err, -EEXIST,
			 "there is a snapshot '%s' of %s%s%s already; choose another name",
			 there->name, *there->origin_name ? "volume '" : "a deleted volume",
			 there->origin_name, *there->origin_name ? "'" : "");
}

int node_snapshot_create(struct node *node, const struct volume_choice *volume, const char *name,
			 struct error *err)
{
	struct snapshot_spec spec = {.created_at_s = (uint64_t)time(NULL)};
	struct volume_facts facts = {0}, there;
	struct node_pool *pool = NULL, *other;
	int ret = name_check("snapshot", name, err);

	if (ret == 0)
		ret = node_volume_choose(node, volume, &pool, &facts, err);
	if (ret < 0 || !pool)
		return ret;
	ret = node_name_find(node, "snapshot", name, &other, &there, err);
	if (ret == 0)
		return snapshot_create_again(&facts, &there, err);
	if (ret != -ENOENT)
		return ret;
	strcpy(spec.volume, facts.name);
	strcpy(spec.name, name);
	uuid_generate(&spec.uuid);
	ret = control_volume_snapshot(node->reactor.loop, pool->pool, &spec, err);
	if (ret < 0)
		return ret;
	events_add(&node->events, "snapshot-created",
		   &(struct event_subject){.pool = pool->name, .volume = facts.name}, "%s", name);
	log_info("snapshot created name=%s volume=%s pool=%s", name, facts.name, pool->name);
	return 0;
}

int node_snapshot_delete(struct node *node, const struct volume_choice *choice,
			 struct deletion *out_deletion, struct error *err)
{
	const char *name = choice->name;
	struct volume_facts facts;
	struct node_pool *pool;
	int ret = node_name_find(node, "snapshot", name, &pool, &facts, err);

	*out_deletion = (struct deletion){.is_exact = true};
	if (ret == -ENOENT)
		return 0; /* a repeat */
	if (ret == 0 && !facts.is_snapshot)
		ret = error_set(err, -EBUSY,
				"'%s' is a volume, not a snapshot; 'berth volume delete %s' "
				"deletes it",
				name, name);
	if (ret == 0)
		ret = volume_choice_check(choice, &facts.uuid, err);
	if (ret == 0)
		ret = control_volume_delete(node->reactor.loop, pool->pool, name, err);
	if (ret < 0)
		return ret;
	deletion_expect(&facts, out_deletion);
	events_add(&node->events, "snapshot-deleted",
		   &(struct event_subject){.pool = pool->name, .volume = facts.origin_name}, "%s",
		   name);
	log_info("snapshot deleted name=%s pool=%s", name, pool->name);
	return 0;
}
