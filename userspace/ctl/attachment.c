/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth attachment: who may reach volumes and who does, as the node or an agent sees it. */
#include <string.h>

#include "ctl/connection.h"
#include "ctl/publication.h"
#include "ctl/view.h"

static const struct field publication_fields[] = {
	{"volume", "VOLUME", FIELD_TEXT, IN_BOTH},
	{"initiator", "INITIATOR", FIELD_TEXT, IN_BOTH},
	{"sessions", "SESSIONS", FIELD_COUNT, IN_BOTH},
	{"shared", "SHARED", FIELD_BOOL, IN_BOTH},
	{"chap_user", "CHAP USER", FIELD_TEXT, IN_BOTH},
	{"published_at", "PUBLISHED", FIELD_TIME, IN_BOTH},
};
static const struct view publication_view = {publication_fields, ARRAY_SIZE(publication_fields)};

static const struct field host_fields[] = {
	{"volume", "VOLUME", FIELD_TEXT, IN_BOTH},
	{"state", "STATE", FIELD_TEXT, IN_BOTH},
	{"size", "SIZE", FIELD_BYTES, IN_BOTH},
	{"used", "USED", FIELD_BYTES, IN_BOTH},
	{"filesystem", "FS", FIELD_TEXT, IN_BOTH},
	{"attachment", "KIND", FIELD_TEXT, IN_BOTH},
	{"device", "DEVICE", FIELD_TEXT, IN_BOTH},
	{"holder_count", "HOLDERS", FIELD_COUNT, IN_BOTH},
	{"mountpoint", "MOUNTED ON", FIELD_TEXT, IN_BOTH},
	{"last_error", "LAST ERROR", FIELD_TEXT, IN_BOTH},
};
static const struct view host_view = {host_fields, ARRAY_SIZE(host_fields)};

static json_t *host_volume_json(const Berth__V1__HostVolume *volume)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o}",
		"volume", view_text(volume->name), "uuid", view_text(volume->uuid), "node",
		view_text(volume->node), "pool", view_text(volume->pool), "size",
		(json_int_t)volume->size, "used", (json_int_t)volume->used, "filesystem",
		view_text(volume->filesystem), "state", view_text(volume->state), "attachment",
		view_text(volume->attachment), "device", view_text(volume->device), "mountpoint",
		view_text(volume->mountpoint), "holders",
		view_texts(volume->holders, volume->n_holders), "holder_count",
		(json_int_t)volume->n_holders, "created_at", (json_int_t)volume->created_at,
		"last_error", view_text(volume->last_error));
}

static bool is_wanted(const struct call *call, const char *volume)
{
	return !call->volume || strcmp(call->volume, volume) == 0;
}

static int host_list(const struct call *call, struct error *err)
{
	Berth__V1__ListRequest request = BERTH__V1__LIST_REQUEST__INIT;
	const Berth__V1__ListReply *reply;
	ProtobufCMessage *answer;
	json_t *rows;
	int ret = agent_call(call, "List", &request.base, &berth__v1__list_reply__descriptor,
			     &answer, err);

	if (ret < 0)
		return ret;
	reply = (const Berth__V1__ListReply *)answer;
	rows = json_array();
	for (size_t i = 0; i < reply->n_volumes; i++) {
		if (is_wanted(call, reply->volumes[i]->name))
			(void)json_array_append_new(rows, host_volume_json(reply->volumes[i]));
	}
	view_print_rows(&host_view, rows, call->is_json, call->out);
	json_decref(rows);
	answer_free(answer);
	return 0;
}

static int publication_list(const struct call *call, struct error *err)
{
	Berth__V1__ListPublicationsRequest request = BERTH__V1__LIST_PUBLICATIONS_REQUEST__INIT;
	const Berth__V1__ListPublicationsReply *reply;
	ProtobufCMessage *answer;
	json_t *rows;
	int ret;

	if (call->volume)
		request.volume = call->volume;
	ret = node_call(call, "ListPublications", &request.base,
			&berth__v1__list_publications_reply__descriptor, &answer, err);
	if (ret < 0)
		return ret;
	reply = (const Berth__V1__ListPublicationsReply *)answer;
	rows = json_array();
	for (size_t i = 0; i < reply->n_publications; i++)
		(void)json_array_append_new(rows, publication_json(reply->publications[i]));
	view_print_rows(&publication_view, rows, call->is_json, call->out);
	json_decref(rows);
	answer_free(answer);
	return 0;
}

static int attachment_list(const struct call *call, struct error *err)
{
	return call->agent ? host_list(call, err) : publication_list(call, err);
}

static const struct command attachment_commands[] = {
	{
		.noun = "attachment",
		.verb = "list",
		.operands = "[VOLUME]",
		.options = OPTION_AGENT,
		.run = attachment_list,
		.summary = "list who may reach volumes, and who does",
		.help = "Lists the initiators that volumes are published to, with the sessions "
			"that\n"
			"each has now. With --agent it lists instead what the agent of a container "
			"host\n"
			"has: device, mount point and holders of each volume.\n"
			"\n"
			"Example:\n"
			"  berth attachment list db\n"
			"  berth attachment list --agent unix:/run/berth/agent.sock",
	},
};

const struct group attachment_group = {
	.noun = "attachment",
	.summary = "Attachments: which hosts may reach volumes, and which do.",
	.commands = attachment_commands,
	.command_count = ARRAY_SIZE(attachment_commands),
};
