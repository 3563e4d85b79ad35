/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the node must remember beside its pools: which pools it has and who may reach which volume
 * with which secrets. One JSON file, replaced as a whole, readable by root only. A file that
 * is damaged or from a newer version stops the node: guessing could let the wrong host in.
 */
#include "node/state.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "node/publications.h"

#define STATE_VERSION	1
#define STATE_MAX_BYTES (64u << 20)

static void state_path(const struct node *node, char *buf)
{
	(void)snprintf(buf, PATH_MAX, "%s/node.json", node->settings.state_folder);
}

/* Copy a string member; false if it is missing, too long, or no string. */
static bool text_get(const json_t *object, const char *key, char *buf, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text || strlen(text) >= size)
		return false;
	strcpy(buf, text);
	return true;
}

/* States of an older berth have none. */
static bool pool_uuid_read(const json_t *text, struct uuid *out_uuid)
{
	return !text ||
	       (json_is_string(text) && uuid_parse(json_string_value(text), out_uuid) == 0);
}

static int pool_load(struct node *node, const json_t *object)
{
	struct node_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	if (!text_get(object, "name", pool->name, sizeof(pool->name)) ||
	    !text_get(object, "path", pool->path, sizeof(pool->path)) ||
	    name_check("pool", pool->name, NULL) < 0 ||
	    !pool_uuid_read(json_object_get(object, "uuid"), &pool->uuid)) {
		free(pool);
		return -EINVAL;
	}
	pool->node = node;
	pool->is_file_ours = json_is_true(json_object_get(object, "file_is_ours"));
	list_append(&node->pools, &pool->link);
	return 0;
}

static bool publication_read(const json_t *object, struct publication *publication)
{
	struct target_access *access = &publication->access;
	char uuid[UUID_TEXT_SIZE];

	publication->is_shared = json_is_true(json_object_get(object, "shared"));
	publication->published_at_s = json_integer_value(json_object_get(object, "published_at"));
	return text_get(object, "volume", publication->volume, sizeof(publication->volume)) &&
	       text_get(object, "volume_uuid", uuid, sizeof(uuid)) &&
	       uuid_parse(uuid, &publication->volume_uuid) == 0 &&
	       text_get(object, "initiator", access->initiator, sizeof(access->initiator)) &&
	       text_get(object, "chap_user", access->chap_user, CHAP_TEXT_SIZE) &&
	       text_get(object, "chap_secret", access->chap_secret, CHAP_TEXT_SIZE) &&
	       text_get(object, "chap_target_user", access->chap_target_user, CHAP_TEXT_SIZE) &&
	       text_get(object, "chap_target_secret", access->chap_target_secret, CHAP_TEXT_SIZE);
}

static int publication_load(struct node *node, const json_t *object)
{
	struct publication *publication = calloc(1, sizeof(*publication));

	if (!publication)
		return -ENOMEM;
	if (!publication_read(object, publication)) {
		free(publication);
		return -EINVAL;
	}
	list_append(&node->publications, &publication->link);
	return 0;
}

static int state_read(struct node *node, const json_t *root)
{
	const json_t *pools = json_object_get(root, "pools");
	const json_t *publications = json_object_get(root, "publications");
	const json_t *entry;
	size_t index;
	int ret;

	if (json_integer_value(json_object_get(root, "version")) != STATE_VERSION ||
	    !json_is_array(pools) || !json_is_array(publications))
		return -EINVAL;
	json_array_foreach (pools, index, entry) {
		ret = pool_load(node, entry);
		if (ret < 0)
			return ret;
	}
	json_array_foreach (publications, index, entry) {
		ret = publication_load(node, entry);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int node_state_load(struct node *node, struct error *err)
{
	CLEANUP_FREE char *data = NULL;
	char path[PATH_MAX];
	size_t len = 0;
	json_t *root;
	int ret;

	state_path(node, path);
	ret = file_read(path, STATE_MAX_BYTES, &data, &len, err);
	if (ret == -ENOENT)
		return 0;
	if (ret < 0)
		return ret;
	root = json_loadb(data, len, JSON_REJECT_DUPLICATES, NULL);
	ret = root ? state_read(node, root) : -EINVAL;
	json_decref(root);
	explicit_bzero(data, len);
	if (ret < 0)
		return error_set(err, ret,
				 "'%s' is damaged or of another version of berth; put back a good "
				 "copy, or move it away and import the pools again",
				 path);
	return 0;
}

static json_t *pool_to_json(const struct node_pool *pool)
{
	char uuid[UUID_TEXT_SIZE];

	return json_pack("{s:s, s:s, s:s, s:b}", "name", pool->name, "uuid",
			 uuid_format(&pool->uuid, uuid), "path", pool->path, "file_is_ours",
			 pool->is_file_ours);
}

static json_t *publication_to_json(const struct publication *publication)
{
	const struct target_access *access = &publication->access;
	char uuid[UUID_TEXT_SIZE];

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I}", "volume", publication->volume,
		"volume_uuid", uuid_format(&publication->volume_uuid, uuid), "initiator",
		access->initiator, "chap_user", access->chap_user, "chap_secret",
		access->chap_secret, "chap_target_user", access->chap_target_user,
		"chap_target_secret", access->chap_target_secret, "shared", publication->is_shared,
		"published_at", (json_int_t)publication->published_at_s);
}

static json_t *state_to_json(const struct node *node)
{
	json_t *pools = json_array();
	json_t *publications = json_array();
	int ret = 0;

	/* jansson takes a NULL from a failed pack as an error of its own. */
	list_for_each (&node->pools, pool, struct node_pool, link)
		ret |= json_array_append_new(pools, pool_to_json(pool));
	list_for_each (&node->publications, publication, struct publication, link)
		ret |= json_array_append_new(publications, publication_to_json(publication));
	if (ret != 0) {
		json_decref(pools);
		json_decref(publications);
		return NULL;
	}
	return json_pack("{s:i, s:o, s:o}", "version", STATE_VERSION, "pools", pools,
			 "publications", publications);
}

int node_state_save(const struct node *node, struct error *err)
{
	json_t *root = state_to_json(node);
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	char path[PATH_MAX];
	int ret;

	json_decref(root);
	if (!text)
		return error_set(err, -ENOMEM, "out of memory writing the node's state");
	state_path(node, path);
	ret = file_replace(path, text, strlen(text), 0600, err);
	explicit_bzero(text, strlen(text));
	free(text);
	return ret;
}
