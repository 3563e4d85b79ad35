/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth snapshot: what volumes were at some moment. */
#include <errno.h>

#include "base/size.h"
#include "ctl/connection.h"
#include "ctl/deletion.h"
#include "ctl/view.h"

static const struct field snapshot_fields[] = {
	{"name", "NAME", FIELD_TEXT, IN_BOTH},
	{"volume", "VOLUME", FIELD_TEXT, IN_BOTH},
	{"pool", "POOL", FIELD_TEXT, IN_RECORD},
	{"size", "SIZE", FIELD_BYTES, IN_BOTH},
	{"written", "WRITTEN", FIELD_BYTES, IN_BOTH},
	{"exclusive", "EXCLUSIVE", FIELD_ABOUT, IN_BOTH},
	{"shared", "SHARED", FIELD_ABOUT, IN_RECORD},
	{"state", "STATE", FIELD_TEXT, IN_RECORD},
	{"formatted", "FORMATTED", FIELD_BOOL, IN_RECORD},
	{"clones", "CLONES", FIELD_COUNT, IN_RECORD},
	{"depth", "DEPTH", FIELD_COUNT, IN_RECORD},
	{"logical_block_size", "BLOCK SIZE", FIELD_BYTES, IN_RECORD},
	{"created_at", "CREATED", FIELD_TIME, IN_BOTH},
	{"uuid", "UUID", FIELD_TEXT, IN_RECORD},
};
static const struct view snapshot_view = {snapshot_fields, ARRAY_SIZE(snapshot_fields)};

static json_t *snapshot_json(const Berth__V1__Snapshot *snapshot)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:b, s:o, s:b, s:I, s:I, "
		"s:I, s:I}",
		"name", view_text(snapshot->name), "uuid", view_text(snapshot->uuid), "pool",
		view_text(snapshot->pool), "volume", view_text(snapshot->volume), "volume_uuid",
		view_text(snapshot->volume_uuid), "size", (json_int_t)snapshot->size, "written",
		(json_int_t)snapshot->written, "exclusive", (json_int_t)snapshot->exclusive,
		"shared", (json_int_t)snapshot->shared, "exact", (int)snapshot->exact, "state",
		view_text(snapshot->state), "formatted", (int)snapshot->formatted, "clones",
		(json_int_t)snapshot->clones, "depth", (json_int_t)snapshot->depth,
		"logical_block_size", (json_int_t)snapshot->logical_block_size, "created_at",
		(json_int_t)snapshot->created_at);
}

static int call_and_show(const struct call *call, const char *method,
			 const ProtobufCMessage *request, struct error *err)
{
	ProtobufCMessage *answer;
	json_t *row;
	int ret = node_call(call, method, request, &berth__v1__snapshot__descriptor, &answer, err);

	if (ret < 0)
		return ret;
	row = snapshot_json((const Berth__V1__Snapshot *)answer);
	view_print_record(&snapshot_view, row, call->is_json, call->out);
	json_decref(row);
	answer_free(answer);
	return 0;
}

static int snapshot_create(const struct call *call, struct error *err)
{
	Berth__V1__CreateSnapshotRequest request = BERTH__V1__CREATE_SNAPSHOT_REQUEST__INIT;

	request.volume = call->volume;
	request.name = call->name;
	return call_and_show(call, "CreateSnapshot", &request.base, err);
}

static int snapshot_list(const struct call *call, struct error *err)
{
	Berth__V1__ListSnapshotsRequest request = BERTH__V1__LIST_SNAPSHOTS_REQUEST__INIT;
	const Berth__V1__ListSnapshotsReply *reply;
	ProtobufCMessage *answer;
	json_t *rows;
	int ret;

	if (call->volume)
		request.volume = call->volume;
	if (call->pool)
		request.pool = call->pool;
	ret = node_call(call, "ListSnapshots", &request.base,
			&berth__v1__list_snapshots_reply__descriptor, &answer, err);
	if (ret < 0)
		return ret;
	reply = (const Berth__V1__ListSnapshotsReply *)answer;
	rows = json_array();
	for (size_t i = 0; i < reply->n_snapshots; i++)
		(void)json_array_append_new(rows, snapshot_json(reply->snapshots[i]));
	view_print_rows(&snapshot_view, rows, call->is_json, call->out);
	json_decref(rows);
	answer_free(answer);
	return 0;
}

static int snapshot_show(const struct call *call, struct error *err)
{
	Berth__V1__SnapshotName request = BERTH__V1__SNAPSHOT_NAME__INIT;

	request.name = call->name;
	return call_and_show(call, "GetSnapshot", &request.base, err);
}

/* Show what goes before it goes, and what does not. */
static int snapshot_confirm(const struct call *call, const Berth__V1__Snapshot *snapshot,
			    struct error *err)
{
	char back[SIZE_TEXT_MAX];
	char stay[64] = "";

	if (snapshot->clones > 0)
		(void)snprintf(stay, sizeof(stay), " Its %u clone%s.", snapshot->clones,
			       snapshot->clones == 1 ? " stays" : "s stay");
	return confirm(call, err, "Delete snapshot '%s' of %s%s%s (%s%s come back)?%s", call->name,
		       *snapshot->volume ? "volume '" : "a deleted volume", snapshot->volume,
		       *snapshot->volume ? "'" : "", snapshot->exact ? "" : "about ",
		       size_format(snapshot->exclusive, back), stay);
}

static int snapshot_delete(const struct call *call, struct error *err)
{
	Berth__V1__SnapshotName request = BERTH__V1__SNAPSHOT_NAME__INIT;
	ProtobufCMessage *shown = NULL;
	ProtobufCMessage *answer = NULL;
	int ret;

	request.name = call->name;
	ret = node_call(call, "GetSnapshot", &request.base, &berth__v1__snapshot__descriptor,
			&shown, err);
	if (ret < 0)
		return ret;
	/* What was shown is deleted, and not another of that name. */
	request.snapshot_uuid = ((Berth__V1__Snapshot *)shown)->uuid;
	ret = snapshot_confirm(call, (const Berth__V1__Snapshot *)shown, err);
	if (ret == 0)
		ret = node_call(call, "DeleteSnapshot", &request.base,
				&berth__v1__deleted__descriptor, &answer, err);
	if (ret == 0)
		deletion_print(call, (const Berth__V1__Deleted *)answer, NULL);
	answer_free(answer);
	answer_free(shown);
	return ret;
}

static const struct field preview_fields[] = {
	{"names", "DELETED", FIELD_LENGTH, IN_BOTH},
	{"bytes", "COMES BACK", FIELD_BYTES, IN_BOTH},
};
static const struct view preview_view = {preview_fields, ARRAY_SIZE(preview_fields)};

static int snapshot_preview(const struct call *call, struct error *err)
{
	Berth__V1__PreviewDeleteRequest request = BERTH__V1__PREVIEW_DELETE_REQUEST__INIT;
	ProtobufCMessage *answer;
	json_t *row;
	int ret;

	request.names = call->names;
	request.n_names = call->name_count;
	ret = node_call(call, "PreviewDelete", &request.base,
			&berth__v1__preview_delete_reply__descriptor, &answer, err);
	if (ret < 0)
		return ret;
	row = json_pack("{s:o, s:I}", "names", view_texts(call->names, call->name_count), "bytes",
			(json_int_t)((const Berth__V1__PreviewDeleteReply *)answer)->bytes);
	view_print_record(&preview_view, row, call->is_json, call->out);
	json_decref(row);
	answer_free(answer);
	return 0;
}

static const struct command snapshot_commands[] = {
	{
		.noun = "snapshot",
		.verb = "create",
		.operands = "VOLUME NAME",
		.run = snapshot_create,
		.summary = "keep what a volume is now",
		.help = "Takes a snapshot: at once, whatever the volume's size, and while hosts "
			"use it.\n"
			"It takes no space at first; what is written to the volume afterwards "
			"takes\n"
			"space of its own. It has what the hosts have written out: for a mounted "
			"file\n"
			"system that is what a power failure would leave, unless it is frozen or "
			"synced\n"
			"before.\n"
			"\n"
			"Example:\n"
			"  berth snapshot create db db-monday",
	},
	{
		.noun = "snapshot",
		.verb = "list",
		.operands = "[VOLUME]",
		.options = OPTION_POOL,
		.run = snapshot_list,
		.summary = "list snapshots: space taken, age",
		.help = "WRITTEN is what was written to the volume from the snapshot before to "
			"this "
			"one,\n"
			"EXCLUSIVE what deleting this one alone would give back; '~' where that is "
			"being\n"
			"counted anew.\n"
			"\n"
			"Example:\n"
			"  berth snapshot list db",
	},
	{
		.noun = "snapshot",
		.verb = "show",
		.operands = "NAME",
		.run = snapshot_show,
		.summary = "show all that is known of a snapshot",
		.help = "Shows one snapshot.\n"
			"\n"
			"Example:\n"
			"  berth snapshot show db-monday --json",
	},
	{
		.noun = "snapshot",
		.verb = "preview",
		.operands = "NAME...",
		.run = snapshot_preview,
		.summary = "tell what deleting several would give back",
		.help = "Counts how much comes back in the end if all of these snapshots and "
			"volumes are\n"
			"deleted, which may be more than the sum of what each gives back alone. "
			"Changes\n"
			"nothing.\n"
			"\n"
			"Example:\n"
			"  berth snapshot preview db-monday db-tuesday",
	},
	{
		.noun = "snapshot",
		.verb = "delete",
		.operands = "NAME",
		.options = OPTION_YES,
		.run = snapshot_delete,
		.summary = "delete a snapshot",
		.help = "Deletes a snapshot; its volume and its clones stay whole. Asks first; "
			"--yes\n"
			"does not. Says how much comes back (in the background), and how much "
			"stays\n"
			"because the volume, another snapshot or a clone shows it.\n"
			"\n"
			"Example:\n"
			"  berth snapshot delete db-monday --yes",
	},
};

const struct group snapshot_group = {
	.noun = "snapshot",
	.summary = "Snapshots: what volumes were at some moment, to clone or to go back to.",
	.commands = snapshot_commands,
	.command_count = ARRAY_SIZE(snapshot_commands),
};
