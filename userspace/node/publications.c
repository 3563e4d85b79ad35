/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may reach which volume. Order is safety here:
 * - publishing: into the state file first, then into the target. A crash between lets in after
 *   the restart somebody who was to be let in.
 * - withdrawing: out of the target first (sessions end, no late write reaches the volume), then out
 *   of the state file. The caller hears "withdrawn" when both are done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "node/control.h"
#include "node/publications.h"
#include "node/state.h"

#define SECRET_LEN 24 /* characters of 5 bits: 120 bits, more than the 96 RFC 7143, 9.2.1 wants */

/* Every initiator that somebody was let in for stays one of this many. */
#define PUBLICATIONS_PER_VOLUME 64

/* A published volume as the target has it, in node.exports. */
struct node_export {
	struct list_node link;
	char volume[NAME_SIZE];
	struct block *block;
};

static void secret_make(char *out_secret)
{
	static const char letters[] = "abcdefghijkmnopqrstuvwxyz2345678";
	uint8_t random[SECRET_LEN];

	random_bytes(random, sizeof(random));
	for (unsigned i = 0; i < SECRET_LEN; i++)
		out_secret[i] = letters[random[i] % 32];
	out_secret[SECRET_LEN] = '\0';
	explicit_bzero(random, sizeof(random));
}

/* RFC 7143, 4.2.7: iqn., eui. or naa., at most 223 bytes, of the characters that remain after
 * normalisation. */
static int initiator_check(const char *name, struct error *err)
{
	size_t len = strlen(name);

	if (len > ISCSI_NAME_LEN_MAX || len < 5 ||
	    (strncmp(name, "iqn.", 4) != 0 && strncmp(name, "eui.", 4) != 0 &&
	     strncmp(name, "naa.", 4) != 0))
		return error_set(
			err, -EINVAL,
			"'%.100s' is not an iSCSI name such as iqn.2026-11.dev.example:host", name);
	for (size_t i = 0; i < len; i++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.:-_", name[i]))
			return error_set(err, -EINVAL,
					 "initiator name '%.100s' has a character that iSCSI names "
					 "do not (lower case, digits, '.', ':', '-')",
					 name);
	}
	return 0;
}

static struct node_export *export_find(struct node *node, const char *volume)
{
	list_for_each (&node->exports, export, struct node_export, link) {
		if (strcmp(export->volume, volume) == 0)
			return export;
	}
	return NULL;
}

static struct publication *publication_find(struct node *node, const char *volume,
					    const char *initiator)
{
	list_for_each (&node->publications, publication, struct publication, link) {
		if (strcmp(publication->volume, volume) == 0 &&
		    strcmp(publication->access.initiator, initiator) == 0)
			return publication;
	}
	return NULL;
}

static unsigned publication_count(struct node *node, const char *volume)
{
	unsigned count = 0;

	list_for_each (&node->publications, publication, struct publication, link)
		count += strcmp(publication->volume, volume) == 0;
	return count;
}

bool node_volume_is_published(struct node *node, const char *volume)
{
	return publication_count(node, volume) > 0;
}

static int export_open(struct node *node, const struct node_pool *pool,
		       const struct volume_facts *facts, struct error *err)
{
	struct target_export settings = {
		.uuid = facts->uuid,
		.label = facts->name,
		.loop = node->reactor.loop,
	};
	struct node_export *export = calloc(1, sizeof(*export));
	int ret;

	if (!export)
		return error_set(err, -ENOMEM, "out of memory");
	strcpy(export->volume, facts->name);
	ret = control_volume_block(node->reactor.loop, pool->pool, facts->name, &export->block);
	if (ret < 0) {
		ret = error_set(err, ret, "volume '%s' is gone", facts->name);
		goto free_export;
	}
	settings.block = export->block;
	node_target_name(node, facts->name, settings.name);
	ret = target_add(node->target, &settings, err);
	if (ret < 0)
		goto close_block;
	list_append(&node->exports, &export->link);
	return 0;

close_block:
	control_block_close(node->reactor.loop, export->block);
free_export:
	free(export);
	return ret;
}

static void export_close(struct node *node, struct node_export *export)
{
	char name[ISCSI_NAME_SIZE];

	target_remove(node->target, node_target_name(node, export->volume, name));
	control_block_close(node->reactor.loop, export->block);
	list_remove(&export->link);
	free(export);
}

/* Tell the target who may log in now, as the list of publications has it. */
static int export_set_access(struct node *node, const char *volume, struct error *err)
{
	unsigned count = publication_count(node, volume);
	struct target_access *list = calloc(count + 1, sizeof(*list));
	char name[ISCSI_NAME_SIZE];
	unsigned used = 0;
	int ret;

	if (!list)
		return error_set(err, -ENOMEM, "out of memory");
	list_for_each (&node->publications, publication, struct publication, link) {
		if (strcmp(publication->volume, volume) == 0)
			list[used++] = publication->access;
	}
	ret = target_set_access(node->target, node_target_name(node, volume, name), list, used,
				err);
	explicit_bzero(list, count * sizeof(*list));
	free(list);
	return ret;
}

/* Bring the target to what the list of publications says about a volume. */
static int export_refresh(struct node *node, const struct node_pool *pool,
			  const struct volume_facts *facts, struct error *err)
{
	struct node_export *export = export_find(node, facts->name);
	int ret;

	if (!node_volume_is_published(node, facts->name)) {
		if (export)
			export_close(node, export);
		return 0;
	}
	if (!export) {
		ret = export_open(node, pool, facts, err);
		if (ret < 0)
			return ret;
	}
	return export_set_access(node, facts->name, err);
}

/* May this initiator be let in beside those that are? */
static int publication_allowed(struct node *node, const struct publication_request *request,
			       struct error *err)
{
	if (publication_count(node, request->volume) >= PUBLICATIONS_PER_VOLUME)
		return error_set(err, -ENOSPC,
				 "volume '%s' is published to %d initiators, the most",
				 request->volume, PUBLICATIONS_PER_VOLUME);
	list_for_each (&node->publications, other, struct publication, link) {
		if (strcmp(other->volume, request->volume) != 0 ||
		    (other->is_shared && request->is_shared))
			continue;
		return error_set(err, -EBUSY,
				 "volume '%s' is published to %s%s; withdraw that first ('berth "
				 "volume unpublish %s'), or give --shared to all of them",
				 request->volume, other->access.initiator,
				 other->is_shared ? " (shared)" : "", request->volume);
	}
	return 0;
}

static int publish_again(const struct publication *there, const struct publication_request *request,
			 const struct volume_facts *facts, struct error *err)
{
	if (!uuid_is_equal(&there->volume_uuid, &facts->uuid))
		return error_set(err, -EBUSY,
				 "a volume '%s' that is gone is still published to %s; withdraw "
				 "that first ('berth volume unpublish %s')",
				 request->volume, request->initiator, request->volume);
	if (there->is_shared == request->is_shared &&
	    (there->access.chap_user[0] == '\0') == request->has_no_chap)
		return 0;
	return error_set(err, -EEXIST,
			 "volume '%s' is published to %s already, with other options (%s, %s)",
			 request->volume, request->initiator,
			 there->access.chap_user[0] ? "CHAP" : "no CHAP",
			 there->is_shared ? "shared" : "not shared");
}

static struct publication *publication_new(const struct node *node,
					   const struct publication_request *request,
					   const struct volume_facts *facts)
{
	struct publication *publication = calloc(1, sizeof(*publication));
	struct target_access *access;

	if (!publication)
		return NULL;
	access = &publication->access;
	strcpy(publication->volume, facts->name);
	publication->volume_uuid = facts->uuid;
	publication->is_shared = request->is_shared;
	publication->published_at_s = time(NULL);
	strcpy(access->initiator, request->initiator);
	if (request->has_no_chap)
		return publication;
	(void)snprintf(access->chap_user, sizeof(access->chap_user), "%s", facts->name);
	(void)snprintf(access->chap_target_user, sizeof(access->chap_target_user), "%s",
		       node->settings.name);
	secret_make(access->chap_secret);
	secret_make(access->chap_target_secret);
	return publication;
}

static void publication_free(struct publication *publication)
{
	list_remove(&publication->link);
	explicit_bzero(publication, sizeof(*publication));
	free(publication);
}

int node_publish(struct node *node, const struct publication_request *request,
		 const struct publication **out_publication, struct error *err)
{
	struct publication *publication;
	struct volume_facts facts;
	struct node_pool *pool = NULL;
	int ret = initiator_check(request->initiator, err);

	if (ret == 0)
		ret = node_volume_find(node, request->volume, &pool, &facts, err);
	if (ret < 0)
		return ret;
	publication = publication_find(node, request->volume, request->initiator);
	if (publication) {
		*out_publication = publication;
		ret = publish_again(publication, request, &facts, err);
		/* It may be on record only, where serving it failed before. */
		return ret < 0 ? ret : export_refresh(node, pool, &facts, err);
	}
	ret = publication_allowed(node, request, err);
	if (ret < 0)
		return ret;
	publication = publication_new(node, request, &facts);
	if (!publication)
		return error_set(err, -ENOMEM, "out of memory");
	list_append(&node->publications, &publication->link);
	ret = node_state_save(node, err);
	if (ret == 0)
		ret = export_refresh(node, pool, &facts, err);
	if (ret < 0) {
		publication_free(publication);
		(void)export_refresh(node, pool, &facts, NULL); /* back to what it was */
		(void)node_state_save(node, NULL);		/* the error is told already */
		return ret;
	}
	events_add(&node->events, "volume-published",
		   &(struct event_subject){pool->name, facts.name, request->initiator}, "to %s",
		   request->initiator);
	log_info("volume published name=%s initiator=%s chap=%s shared=%s", facts.name,
		 request->initiator, request->has_no_chap ? "no" : "yes",
		 request->is_shared ? "yes" : "no");
	*out_publication = publication;
	return 0;
}

static bool is_withdrawn(const struct publication *publication, const char *volume,
			 const char *initiator)
{
	return strcmp(publication->volume, volume) == 0 &&
	       (*initiator == '\0' || strcmp(publication->access.initiator, initiator) == 0);
}

int node_unpublish(struct node *node, const struct volume_choice *choice, const char *initiator,
		   struct error *err)
{
	const char *volume = choice->name;
	struct list withdrawn;
	struct volume_facts facts;
	struct node_pool *pool;
	int ret;

	list_for_each (&node->publications, publication, struct publication, link) {
		if (!is_withdrawn(publication, volume, initiator))
			continue;
		ret = volume_choice_check(choice, &publication->volume_uuid, err);
		if (ret < 0)
			return ret;
	}
	list_init(&withdrawn);
	list_for_each_safe (&node->publications, publication, struct publication, link) {
		if (!is_withdrawn(publication, volume, initiator))
			continue;
		list_remove(&publication->link);
		list_append(&withdrawn, &publication->link);
	}
	if (list_is_empty(&withdrawn))
		return 0;
	/* A volume whose pool is missing is not served: only the record goes. */
	ret = 0;
	if (node_volume_find(node, volume, &pool, &facts, NULL) == 0)
		ret = export_refresh(node, pool, &facts, err);
	if (ret == 0)
		ret = node_state_save(node, err);
	if (ret < 0) {
		list_append_all(&node->publications, &withdrawn);
		return ret;
	}
	list_for_each_safe (&withdrawn, publication, struct publication, link) {
		events_add(&node->events, "volume-unpublished",
			   &(struct event_subject){NULL, volume, publication->access.initiator},
			   "from %s", publication->access.initiator);
		log_info("volume unpublished name=%s initiator=%s", volume,
			 publication->access.initiator);
		publication_free(publication);
	}
	return 0;
}

void node_exports_open(struct node *node, struct node_pool *pool)
{
	struct volume_facts facts;
	struct error err = {0};

	list_for_each (&node->publications, publication, struct publication, link) {
		if (export_find(node, publication->volume) ||
		    control_volume_describe(node->reactor.loop, pool->pool, publication->volume,
					    &facts) < 0)
			continue;
		if (!uuid_is_equal(&facts.uuid, &publication->volume_uuid)) {
			log_error("publication is of another volume of this name, not served "
				  "volume=%s initiator=%s",
				  publication->volume, publication->access.initiator);
			continue;
		}
		if (export_refresh(node, pool, &facts, &err) < 0)
			log_error("volume not served name=%s error=%s", facts.name, err.text);
	}
}

void node_exports_close(struct node *node)
{
	list_for_each_safe (&node->exports, export, struct node_export, link)
		export_close(node, export);
	list_for_each_safe (&node->publications, publication, struct publication, link)
		publication_free(publication);
}
