/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/deletion.h"

#include "ctl/view.h"

static const struct field deletion_fields[] = {
	{"name", "DELETED", FIELD_TEXT, IN_BOTH},
	{"reclaiming", "COMES BACK", FIELD_ABOUT, IN_BOTH},
	{"kept", "STAYS SHARED", FIELD_ABOUT, IN_BOTH},
	{"snapshots", "SNAPSHOTS LEFT", FIELD_COUNT, IN_BOTH},
};

void deletion_print(const struct call *call, const Berth__V1__Deleted *deleted,
		    const size_t *snapshots)
{
	const struct view view = {deletion_fields,
				  ARRAY_SIZE(deletion_fields) - (snapshots ? 0 : 1)};
	json_t *row = json_pack("{s:o, s:I, s:I, s:b}", "name", view_text(call->name), "reclaiming",
				(json_int_t)deleted->reclaiming, "kept", (json_int_t)deleted->kept,
				"exact", (int)deleted->exact);

	if (snapshots)
		(void)json_object_set_new(row, "snapshots", json_integer((json_int_t)*snapshots));
	view_print_record(&view, row, call->is_json, call->out);
	json_decref(row);
}
