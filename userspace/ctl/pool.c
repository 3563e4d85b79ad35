/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth pool: the files and disks that volumes live in. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "ctl/connection.h"
#include "ctl/view.h"

static const struct field pool_fields[] = {
	{"name", "NAME", FIELD_TEXT, IN_BOTH},
	{"size", "SIZE", FIELD_BYTES, IN_BOTH},
	{"used", "USED", FIELD_BYTES, IN_BOTH},
	{"free", "FREE", FIELD_BYTES, IN_BOTH},
	{"used_percent", "USE%", FIELD_PERCENT, IN_BOTH},
	{"promised", "PROMISED", FIELD_BYTES, IN_BOTH},
	{"overcommit", "RATIO", FIELD_RATIO, IN_BOTH},
	{"volumes", "VOLS", FIELD_COUNT, IN_BOTH},
	{"snapshots", "SNAPSHOTS", FIELD_COUNT, IN_RECORD},
	{"state", "STATE", FIELD_TEXT, IN_BOTH},
	{"state_reason", "REASON", FIELD_TEXT, IN_RECORD},
	{"full", "FULL", FIELD_BOOL, IN_RECORD},
	{"threshold_percent", "WARN AT", FIELD_PERCENT_BOUND, IN_RECORD},
	{"overcommit_percent", "OVERCOMMIT TO", FIELD_PERCENT_BOUND, IN_RECORD},
	{"reserved", "RESERVED", FIELD_BYTES, IN_RECORD},
	{"reclaiming", "RECLAIMING", FIELD_BYTES, IN_RECORD},
	{"unpunched", "UNPUNCHED", FIELD_BYTES, IN_RECORD},
	{"metadata", "METADATA", FIELD_BYTES, IN_RECORD},
	{"uuid", "UUID", FIELD_TEXT, IN_RECORD},
	{"path", "PATH", FIELD_TEXT, IN_RECORD},
};
static const struct view pool_view = {pool_fields, ARRAY_SIZE(pool_fields)};

/* Promised bytes for each byte there is, to hundredths: JSON then has 0.1, not 0.1000001. */
static double overcommit(const Berth__V1__Pool *pool)
{
	if (pool->data == 0)
		return 0;
	return (double)(uint64_t)((double)pool->promised * 100 / (double)pool->data) / 100;
}

static json_t *pool_space_json(const Berth__V1__Pool *pool)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:f, s:b, s:I, s:I}",
			 "size", (json_int_t)pool->size, "data", (json_int_t)pool->data, "used",
			 (json_int_t)pool->used, "free", (json_int_t)pool->free, "reserved",
			 (json_int_t)pool->reserved, "reclaiming", (json_int_t)pool->reclaiming,
			 "unpunched", (json_int_t)pool->unpunched, "metadata",
			 (json_int_t)pool->metadata, "promised", (json_int_t)pool->promised,
			 "used_percent", (int)view_percent(pool->used, pool->data), "overcommit",
			 overcommit(pool), "full", (int)pool->full, "threshold_percent",
			 (json_int_t)pool->threshold_percent, "overcommit_percent",
			 (json_int_t)pool->overcommit_percent);
}

static json_t *pool_json(const Berth__V1__Pool *pool)
{
	json_t *row = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "name", view_text(pool->name), "uuid",
		view_text(pool->uuid), "path", view_text(pool->path), "state",
		view_text(pool->state), "state_reason", view_text(pool->state_reason), "volumes",
		(json_int_t)pool->volumes, "snapshots", (json_int_t)pool->snapshots);

	(void)json_object_update_new(row, pool_space_json(pool)); /* of two objects: works */
	return row;
}

static void pool_print(const struct call *call, const ProtobufCMessage *pool)
{
	json_t *row = pool_json((const Berth__V1__Pool *)pool);

	view_print_record(&pool_view, row, call->is_json, call->out);
	json_decref(row);
}

/* Most commands answer with the pool as it is now. */
static int call_and_show(const struct call *call, const char *method,
			 const ProtobufCMessage *request, struct error *err)
{
	ProtobufCMessage *answer;
	int ret = node_call(call, method, request, &berth__v1__pool__descriptor, &answer, err);

	if (ret < 0)
		return ret;
	pool_print(call, answer);
	answer_free(answer);
	return 0;
}

static int pool_list(const struct call *call, struct error *err)
{
	Berth__V1__ListPoolsRequest request = BERTH__V1__LIST_POOLS_REQUEST__INIT;
	const Berth__V1__ListPoolsReply *reply;
	ProtobufCMessage *answer;
	json_t *rows;
	int ret = node_call(call, "ListPools", &request.base,
			    &berth__v1__list_pools_reply__descriptor, &answer, err);

	if (ret < 0)
		return ret;
	reply = (const Berth__V1__ListPoolsReply *)answer;
	rows = json_array();
	for (size_t i = 0; i < reply->n_pools; i++)
		(void)json_array_append_new(rows, pool_json(reply->pools[i]));
	view_print_rows(&pool_view, rows, call->is_json, call->out);
	json_decref(rows);
	answer_free(answer);
	return 0;
}

static int pool_show(const struct call *call, struct error *err)
{
	Berth__V1__PoolName request = BERTH__V1__POOL_NAME__INIT;

	request.name = call->name;
	return call_and_show(call, "GetPool", &request.base, err);
}

/*
 * The path is one of the node's. A relative one is meant from here, which makes sense only if
 * the node is on this machine.
 */
static int path_resolve(const struct call *call, char *buf, size_t size, struct error *err)
{
	char folder[PATH_MAX];

	if (call->path[0] == '/') {
		if ((size_t)snprintf(buf, size, "%s", call->path) < size)
			return 0;
		return error_set(err, -ENAMETOOLONG, "the path is longer than %zu bytes", size - 1);
	}
	if (strncmp(call->node, "unix:", 5) != 0)
		return error_set(err, -EINVAL,
				 "'%s' is relative, but the node at %s is another machine; give a "
				 "path that begins with '/'",
				 call->path, call->node);
	if (!getcwd(folder, sizeof(folder)))
		return error_set(err, -errno, "cannot tell the working folder: %s",
				 strerror(errno));
	if ((size_t)snprintf(buf, size, "%s/%s", folder, call->path) < size)
		return 0;
	return error_set(err, -ENAMETOOLONG, "%s/%s is longer than %zu bytes", folder, call->path,
			 size - 1);
}

static int pool_create(const struct call *call, struct error *err)
{
	Berth__V1__CreatePoolRequest request = BERTH__V1__CREATE_POOL_REQUEST__INIT;
	char path[PATH_MAX];
	int ret = path_resolve(call, path, sizeof(path), err);

	if (ret < 0)
		return ret;
	request.name = call->name;
	request.path = path;
	request.size = call->size_bytes;
	return call_and_show(call, "CreatePool", &request.base, err);
}

static int pool_import(const struct call *call, struct error *err)
{
	Berth__V1__ImportPoolRequest request = BERTH__V1__IMPORT_POOL_REQUEST__INIT;
	char path[PATH_MAX];
	int ret = path_resolve(call, path, sizeof(path), err);

	if (ret < 0)
		return ret;
	request.path = path;
	return call_and_show(call, "ImportPool", &request.base, err);
}

static int pool_grow(const struct call *call, struct error *err)
{
	Berth__V1__GrowPoolRequest request = BERTH__V1__GROW_POOL_REQUEST__INIT;

	request.name = call->name;
	request.size = call->size_bytes;
	return call_and_show(call, "GrowPool", &request.base, err);
}

/* Shows the pool as it was, with the path that imports it again. */
static int pool_export(const struct call *call, struct error *err)
{
	Berth__V1__PoolName request = BERTH__V1__POOL_NAME__INIT;
	ProtobufCMessage *pool = NULL;
	ProtobufCMessage *answer;
	int ret;

	request.name = call->name;
	ret = node_call(call, "GetPool", &request.base, &berth__v1__pool__descriptor, &pool, err);
	if (ret < 0)
		return ret;
	ret = node_call(call, "ExportPool", &request.base, &berth__v1__empty__descriptor, &answer,
			err);
	if (ret == 0) {
		pool_print(call, pool);
		answer_free(answer);
	}
	answer_free(pool);
	return ret;
}

static int pool_rename(const struct call *call, struct error *err)
{
	Berth__V1__RenamePoolRequest request = BERTH__V1__RENAME_POOL_REQUEST__INIT;

	request.name = call->name;
	request.new_name = call->new_name;
	return call_and_show(call, "RenamePool", &request.base, err);
}

static int pool_set_check(const struct call *call, struct error *err)
{
	if (call->given & (OPTION_WARN_PERCENT | OPTION_OVERCOMMIT))
		return 0;
	return error_set(err, -EINVAL, "give --warn, --overcommit, or both");
}

static int pool_set(const struct call *call, struct error *err)
{
	Berth__V1__SetPoolRequest request = BERTH__V1__SET_POOL_REQUEST__INIT;

	request.name = call->name;
	request.threshold_percent = call->warn_percent;
	request.overcommit_percent = call->overcommit_percent;
	/* A field that is not chosen is not sent, and so stays as it is. */
	if (call->given & OPTION_WARN_PERCENT)
		request.threshold_case = BERTH__V1__SET_POOL_REQUEST__THRESHOLD_THRESHOLD_PERCENT;
	if (call->given & OPTION_OVERCOMMIT)
		request.overcommit_case =
			BERTH__V1__SET_POOL_REQUEST__OVERCOMMIT_OVERCOMMIT_PERCENT;
	return call_and_show(call, "SetPool", &request.base, err);
}

/* Show what goes before it goes. */
static int pool_confirm(const struct call *call, const Berth__V1__PoolName *request,
			struct error *err)
{
	const Berth__V1__Pool *pool;
	ProtobufCMessage *answer;
	char size[SIZE_TEXT_MAX];
	int ret = node_call(call, "GetPool", &request->base, &berth__v1__pool__descriptor, &answer,
			    err);

	if (ret < 0)
		return ret;
	pool = (const Berth__V1__Pool *)answer;
	ret = confirm(call, err, "Delete pool '%s' (%s, %s)?", call->name,
		      size_format(pool->size, size), pool->path);
	answer_free(answer);
	return ret;
}

static int pool_delete(const struct call *call, struct error *err)
{
	Berth__V1__PoolName request = BERTH__V1__POOL_NAME__INIT;
	ProtobufCMessage *answer;
	int ret;

	request.name = call->name;
	ret = pool_confirm(call, &request, err);
	if (ret < 0)
		return ret;
	ret = node_call(call, "DeletePool", &request.base, &berth__v1__empty__descriptor, &answer,
			err);
	if (ret < 0)
		return ret;
	answer_free(answer);
	return 0;
}

static const struct command pool_commands[] = {
	{
		.noun = "pool",
		.verb = "create",
		.operands = "NAME PATH",
		.options = OPTION_SIZE,
		.run = pool_create,
		.summary = "make a pool in a file or on a disk of the node",
		.help = "Makes a pool. PATH is a file, made (sparse) if it is missing, or a block\n"
			"device; --size may be left out if it exists and has its size.\n"
			"\n"
			"Example:\n"
			"  berth pool create fast --size 100G /srv/berth/fast.pool",
	},
	{
		.noun = "pool",
		.verb = "import",
		.operands = "PATH",
		.run = pool_import,
		.summary = "take in a pool that was made elsewhere",
		.help = "Opens a pool that exists on a path of the node, with all its volumes, "
			"for\n"
			"example after its disk was moved from another node.\n"
			"\n"
			"Example:\n"
			"  berth pool import /dev/sdc",
	},
	{
		.noun = "pool",
		.verb = "set",
		.operands = "NAME",
		.options = OPTION_WARN_PERCENT | OPTION_OVERCOMMIT,
		.check = pool_set_check,
		.run = pool_set,
		.summary = "set when a pool warns, and how much it may promise",
		.help = "Watchers and the hook are told once --warn percent of what can hold data "
			"is\n"
			"used. Volumes that together promise more than --overcommit percent of it "
			"are\n"
			"not made, cloned or grown; those that are there stay. 'none' takes either "
			"away;\n"
			"what is not given stays as it is.\n"
			"\n"
			"Example:\n"
			"  berth pool set fast --warn 80% --overcommit 300%",
	},
	{
		.noun = "pool",
		.verb = "rename",
		.operands = "NAME NEW-NAME",
		.run = pool_rename,
		.summary = "give a pool another name",
		.help = "Renames a pool. Its volumes, and hosts that use them, see nothing of it.\n"
			"\n"
			"Example:\n"
			"  berth pool rename fast nvme",
	},
	{
		.noun = "pool",
		.verb = "export",
		.operands = "NAME",
		.run = pool_export,
		.summary = "close a pool, to take it to another node",
		.help = "Closes a pool whose volumes are published to nobody, and makes the node "
			"forget\n"
			"it. Its file or disk stays with all that it holds: 'berth pool import' "
			"takes "
			"it\n"
			"in again, here or on another node. Shows the pool as it was. A pool that "
			"is\n"
			"missing is only forgotten.\n"
			"\n"
			"Example:\n"
			"  berth pool export fast",
	},
	{
		.noun = "pool",
		.verb = "list",
		.operands = "",
		.run = pool_list,
		.summary = "list pools: size, used, promised, state",
		.help = "USED is what volumes and snapshots take and USE% its part of what can "
			"hold\n"
			"data, PROMISED the sum of the volumes' sizes, RATIO promised bytes for "
			"each\n"
			"byte that can hold data.\n"
			"\n"
			"Example:\n"
			"  berth pool list",
	},
	{
		.noun = "pool",
		.verb = "show",
		.operands = "NAME",
		.run = pool_show,
		.summary = "show all that is known of a pool",
		.help = "Shows one pool.\n"
			"\n"
			"Example:\n"
			"  berth pool show fast --json",
	},
	{
		.noun = "pool",
		.verb = "grow",
		.operands = "NAME",
		.options = OPTION_SIZE,
		.run = pool_grow,
		.summary = "make a pool larger",
		.help = "Grows the pool's file to SIZE and the pool with it. Without --size it "
			"takes\n"
			"what its block device has grown to. Volumes stay in use meanwhile.\n"
			"\n"
			"Example:\n"
			"  berth pool grow fast --size 200G",
	},
	{
		.noun = "pool",
		.verb = "delete",
		.operands = "NAME",
		.options = OPTION_YES,
		.run = pool_delete,
		.summary = "delete a pool that has no volumes",
		.help = "Deletes an empty pool, and its file if berth made it. Asks first; --yes "
			"does\n"
			"not.\n"
			"\n"
			"Example:\n"
			"  berth pool delete fast --yes",
	},
};

const struct group pool_group = {
	.noun = "pool",
	.summary = "Pools: the files and disks that volumes live in.",
	.commands = pool_commands,
	.command_count = ARRAY_SIZE(pool_commands),
};
