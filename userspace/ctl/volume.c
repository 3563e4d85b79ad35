/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth volume: thin volumes, and who may reach them. */
#include <errno.h>

#include "base/size.h"
#include "ctl/connection.h"
#include "ctl/publication.h"
#include "ctl/view.h"

static const struct field volume_fields[] = {
	{"name", "NAME", FIELD_TEXT, IN_BOTH},
	{"pool", "POOL", FIELD_TEXT, IN_BOTH},
	{"size", "SIZE", FIELD_BYTES, IN_BOTH},
	{"mapped", "MAPPED", FIELD_BYTES, IN_BOTH},
	{"mapped_percent", "MAP%", FIELD_PERCENT, IN_BOTH},
	{"formatted", "FORMATTED", FIELD_BOOL, IN_BOTH},
	{"state", "STATE", FIELD_TEXT, IN_BOTH},
	{"target_name", "TARGET", FIELD_TEXT, IN_RECORD},
	{"logical_block_size", "BLOCK SIZE", FIELD_BYTES, IN_RECORD},
	{"created_at", "CREATED", FIELD_TIME, IN_RECORD},
	{"uuid", "UUID", FIELD_TEXT, IN_RECORD},
	{"published_to", "PUBLISHED TO", FIELD_LIST, IN_BOTH},
};
static const struct view volume_view = {volume_fields, ARRAY_SIZE(volume_fields)};

static json_t *initiators_json(const Berth__V1__Volume *volume)
{
	json_t *list = json_array();

	for (size_t i = 0; i < volume->n_publications; i++)
		(void)json_array_append_new(list, view_text(volume->publications[i]->initiator));
	return list;
}

static json_t *volume_json(const Berth__V1__Volume *volume)
{
	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:i, s:b, s:o, s:o, s:I, s:I, s:o}", "name",
			 view_text(volume->name), "uuid", view_text(volume->uuid), "pool",
			 view_text(volume->pool), "size", (json_int_t)volume->size, "mapped",
			 (json_int_t)volume->mapped, "mapped_percent",
			 (int)view_percent(volume->mapped, volume->size), "formatted",
			 (int)volume->formatted, "state", view_text(volume->state), "target_name",
			 view_text(volume->target_name), "logical_block_size",
			 (json_int_t)volume->logical_block_size, "created_at",
			 (json_int_t)volume->created_at, "published_to", initiators_json(volume));
}

/* Most commands answer with the volume as it is now. */
static int call_and_show(const struct call *call, const char *method,
			 const ProtobufCMessage *request, struct error *err)
{
	ProtobufCMessage *answer;
	json_t *row;
	int ret = node_call(call, method, request, &berth__v1__volume__descriptor, &answer, err);

	if (ret < 0)
		return ret;
	row = volume_json((const Berth__V1__Volume *)answer);
	view_print_record(&volume_view, row, call->is_json, call->out);
	json_decref(row);
	answer_free(answer);
	return 0;
}

static int volume_create(const struct call *call, struct error *err)
{
	Berth__V1__CreateVolumeRequest request = BERTH__V1__CREATE_VOLUME_REQUEST__INIT;

	request.name = call->name;
	request.size = call->size_bytes;
	if (call->pool)
		request.pool = call->pool;
	return call_and_show(call, "CreateVolume", &request.base, err);
}

static int volume_list(const struct call *call, struct error *err)
{
	Berth__V1__ListVolumesRequest request = BERTH__V1__LIST_VOLUMES_REQUEST__INIT;
	const Berth__V1__ListVolumesReply *reply;
	ProtobufCMessage *answer;
	json_t *rows;
	int ret;

	if (call->pool)
		request.pool = call->pool;
	ret = node_call(call, "ListVolumes", &request.base,
			&berth__v1__list_volumes_reply__descriptor, &answer, err);
	if (ret < 0)
		return ret;
	reply = (const Berth__V1__ListVolumesReply *)answer;
	rows = json_array();
	for (size_t i = 0; i < reply->n_volumes; i++)
		(void)json_array_append_new(rows, volume_json(reply->volumes[i]));
	view_print_rows(&volume_view, rows, call->is_json, call->out);
	json_decref(rows);
	answer_free(answer);
	return 0;
}

static int volume_show(const struct call *call, struct error *err)
{
	Berth__V1__VolumeName request = BERTH__V1__VOLUME_NAME__INIT;

	request.name = call->name;
	return call_and_show(call, "GetVolume", &request.base, err);
}

static int volume_grow(const struct call *call, struct error *err)
{
	Berth__V1__GrowVolumeRequest request = BERTH__V1__GROW_VOLUME_REQUEST__INIT;

	request.name = call->name;
	request.size = call->size_bytes;
	return call_and_show(call, "GrowVolume", &request.base, err);
}

/* Show what goes before it goes. */
static int volume_confirm(const struct call *call, const Berth__V1__Volume *volume,
			  struct error *err)
{
	char size[SIZE_TEXT_MAX], mapped[SIZE_TEXT_MAX];

	return confirm(call, err, "Delete volume '%s' and its data (%s, %s mapped)?", call->name,
		       size_format(volume->size, size), size_format(volume->mapped, mapped));
}

static int volume_delete(const struct call *call, struct error *err)
{
	Berth__V1__VolumeName request = BERTH__V1__VOLUME_NAME__INIT;
	ProtobufCMessage *shown = NULL;
	ProtobufCMessage *answer = NULL;
	int ret;

	request.name = call->name;
	ret = node_call(call, "GetVolume", &request.base, &berth__v1__volume__descriptor, &shown,
			err);
	if (ret < 0)
		return ret;
	/* What was shown is deleted, and not another of that name. */
	request.volume_uuid = ((Berth__V1__Volume *)shown)->uuid;
	ret = volume_confirm(call, (const Berth__V1__Volume *)shown, err);
	if (ret == 0)
		ret = node_call(call, "DeleteVolume", &request.base,
				&berth__v1__deleted__descriptor, &answer, err);
	answer_free(answer);
	answer_free(shown);
	return ret;
}

static int volume_publish(const struct call *call, struct error *err)
{
	Berth__V1__PublishRequest request = BERTH__V1__PUBLISH_REQUEST__INIT;
	ProtobufCMessage *answer;
	int ret;

	request.volume = call->name;
	request.initiator = call->initiator;
	request.no_chap = (call->given & OPTION_NO_CHAP) != 0;
	request.shared = (call->given & OPTION_SHARED) != 0;
	ret = node_call(call, "Publish", &request.base, &berth__v1__publication__descriptor,
			&answer, err);
	if (ret < 0)
		return ret;
	publication_print_access((const Berth__V1__Publication *)answer, call->is_json, call->out);
	answer_free(answer);
	return 0;
}

static int volume_unpublish(const struct call *call, struct error *err)
{
	Berth__V1__UnpublishRequest request = BERTH__V1__UNPUBLISH_REQUEST__INIT;
	ProtobufCMessage *answer;
	int ret;

	request.volume = call->name;
	if (call->initiator)
		request.initiator = call->initiator;
	ret = node_call(call, "Unpublish", &request.base, &berth__v1__empty__descriptor, &answer,
			err);
	if (ret < 0)
		return ret;
	answer_free(answer);
	return 0;
}

static const struct command volume_commands[] = {
	{
		.noun = "volume",
		.verb = "create",
		.operands = "NAME SIZE",
		.options = OPTION_POOL,
		.run = volume_create,
		.summary = "make a thin volume",
		.help = "Makes a volume that takes space only for what is written. Without --pool "
			"the\n"
			"node takes its only pool, or the one with most free space.\n"
			"\n"
			"Example:\n"
			"  berth volume create db 20G --pool fast",
	},
	{
		.noun = "volume",
		.verb = "list",
		.operands = "",
		.options = OPTION_POOL,
		.run = volume_list,
		.summary = "list volumes: size, space taken, who may reach them",
		.help = "MAPPED is what has been written and takes space in the pool, MAP% that "
			"part of\n"
			"the size, FORMATTED whether it was ever given a file system by an agent.\n"
			"\n"
			"Example:\n"
			"  berth volume list --pool fast",
	},
	{
		.noun = "volume",
		.verb = "show",
		.operands = "NAME",
		.run = volume_show,
		.summary = "show all that is known of a volume",
		.help = "Shows one volume.\n"
			"\n"
			"Example:\n"
			"  berth volume show db --json",
	},
	{
		.noun = "volume",
		.verb = "grow",
		.operands = "NAME SIZE",
		.run = volume_grow,
		.summary = "make a volume larger",
		.help = "Makes the volume SIZE large; SIZE is the whole, not what is added. A "
			"file\n"
			"system on it grows when it is attached next, or by its host's agent.\n"
			"\n"
			"Example:\n"
			"  berth volume grow db 40G",
	},
	{
		.noun = "volume",
		.verb = "delete",
		.operands = "NAME",
		.options = OPTION_YES,
		.run = volume_delete,
		.summary = "delete a volume and its data",
		.help = "Deletes a volume that is published to nobody, with all its data. Asks "
			"first;\n"
			"--yes does not.\n"
			"\n"
			"Example:\n"
			"  berth volume delete db --yes",
	},
	{
		.noun = "volume",
		.verb = "publish",
		.operands = "NAME",
		.options = OPTION_INITIATOR | OPTION_NO_CHAP | OPTION_SHARED,
		.required = OPTION_INITIATOR,
		.run = volume_publish,
		.summary = "let an iSCSI initiator reach a volume",
		.help = "Lets one initiator in, with CHAP secrets made for it alone, and prints "
			"all that\n"
			"must be typed there. --no-chap makes no secrets. A volume is published to "
			"one\n"
			"initiator at a time, unless --shared is given for each.\n"
			"\n"
			"Example:\n"
			"  berth volume publish db --initiator iqn.1993-08.org.debian:01:a2b3c4",
	},
	{
		.noun = "volume",
		.verb = "unpublish",
		.operands = "NAME",
		.options = OPTION_INITIATOR,
		.run = volume_unpublish,
		.summary = "shut an initiator out again",
		.help = "Withdraws a publication and ends its sessions. Without --initiator: all "
			"of the\n"
			"volume's.\n"
			"\n"
			"Example:\n"
			"  berth volume unpublish db",
	},
};

const struct group volume_group = {
	.noun = "volume",
	.summary = "Volumes: thin block devices in pools, reached by iSCSI.",
	.commands = volume_commands,
	.command_count = ARRAY_SIZE(volume_commands),
};
