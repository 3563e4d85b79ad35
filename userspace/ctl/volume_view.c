/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/volume_view.h"

#include "ctl/view.h"

static const struct field volume_fields[] = {
	{"name", "NAME", FIELD_TEXT, IN_BOTH},
	{"pool", "POOL", FIELD_TEXT, IN_BOTH},
	{"size", "SIZE", FIELD_BYTES, IN_BOTH},
	{"written", "WRITTEN", FIELD_BYTES, IN_BOTH},
	{"exclusive", "EXCLUSIVE", FIELD_ABOUT, IN_BOTH},
	{"shared", "SHARED", FIELD_ABOUT, IN_BOTH},
	{"charged", "CHARGED", FIELD_BYTES, IN_RECORD},
	{"reservation", "RESERVED", FIELD_BOUND, IN_RECORD},
	{"limit", "LIMIT", FIELD_BOUND, IN_RECORD},
	{"threshold_used", "WARN USED", FIELD_BOUND, IN_RECORD},
	{"threshold_available", "WARN AVAILABLE", FIELD_BOUND, IN_RECORD},
	{"state", "STATE", FIELD_TEXT, IN_BOTH},
	{"published_to", "HOSTS", FIELD_LENGTH, IN_TABLE},
	{"formatted", "FORMATTED", FIELD_BOOL, IN_RECORD},
	{"snapshot", "CLONE OF", FIELD_TEXT, IN_RECORD},
	{"depth", "DEPTH", FIELD_COUNT, IN_RECORD},
	{"target_name", "TARGET", FIELD_TEXT, IN_RECORD},
	{"logical_block_size", "BLOCK SIZE", FIELD_BYTES, IN_RECORD},
	{"created_at", "CREATED", FIELD_TIME, IN_RECORD},
	{"uuid", "UUID", FIELD_TEXT, IN_RECORD},
	{"published_to", "PUBLISHED TO", FIELD_LIST, IN_RECORD},
};
static const struct view volume_view = {volume_fields, ARRAY_SIZE(volume_fields)};

static json_t *initiators_json(const Berth__V1__Volume *volume)
{
	json_t *list = json_array();

	for (size_t i = 0; i < volume->n_publications; i++)
		(void)json_array_append_new(list, view_text(volume->publications[i]->initiator));
	return list;
}

/* How much space it takes, and may take. */
static json_t *volume_space_json(const Berth__V1__Volume *volume)
{
	return json_pack("{s:I, s:I, s:i, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I}", "size",
			 (json_int_t)volume->size, "mapped", (json_int_t)volume->mapped,
			 "mapped_percent", (int)view_percent(volume->mapped, volume->size),
			 "written", (json_int_t)volume->written, "exclusive",
			 (json_int_t)volume->exclusive, "shared", (json_int_t)volume->shared,
			 "exact", (int)volume->exact, "charged", (json_int_t)volume->charged,
			 "reservation", (json_int_t)volume->reservation, "limit",
			 (json_int_t)volume->limit, "threshold_used",
			 (json_int_t)volume->threshold_used, "threshold_available",
			 (json_int_t)volume->threshold_available);
}

static json_t *volume_json(const Berth__V1__Volume *volume)
{
	json_t *row = json_pack(
		"{s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:I, s:o, s:I, s:I, s:o}", "name",
		view_text(volume->name), "uuid", view_text(volume->uuid), "pool",
		view_text(volume->pool), "formatted", (int)volume->formatted, "state",
		view_text(volume->state), "snapshot", view_text(volume->snapshot), "snapshot_uuid",
		view_text(volume->snapshot_uuid), "depth", (json_int_t)volume->depth, "target_name",
		view_text(volume->target_name), "logical_block_size",
		(json_int_t)volume->logical_block_size, "created_at",
		(json_int_t)volume->created_at, "published_to", initiators_json(volume));

	(void)json_object_update_new(row, volume_space_json(volume)); /* of two objects: works */
	return row;
}

void volume_print(const struct call *call, const Berth__V1__Volume *volume)
{
	json_t *row = volume_json(volume);

	view_print_record(&volume_view, row, call->is_json, call->out);
	json_decref(row);
}

void volumes_print(const struct call *call, const Berth__V1__ListVolumesReply *reply)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < reply->n_volumes; i++)
		(void)json_array_append_new(rows, volume_json(reply->volumes[i]));
	view_print_rows(&volume_view, rows, call->is_json, call->out);
	json_decref(rows);
}
