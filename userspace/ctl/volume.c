/* SPDX-License-Identifier: GPL-2.0-or-later */
/* berth volume: thin volumes, and who may reach them. */
#include <errno.h>

#include "base/size.h"
#include "ctl/connection.h"
#include "ctl/deletion.h"
#include "ctl/publication.h"
#include "ctl/volume_view.h"

#define OPTIONS_OF_SPACE (OPTION_RESERVE | OPTION_LIMIT | OPTION_WARN_USED | OPTION_WARN_AVAILABLE)

/* Most commands answer with the volume as it is now. */
static int call_and_show(const struct call *call, const char *method,
			 const ProtobufCMessage *request, struct error *err)
{
	ProtobufCMessage *answer;
	int ret = node_call(call, method, request, &berth__v1__volume__descriptor, &answer, err);

	if (ret < 0)
		return ret;
	volume_print(call, (const Berth__V1__Volume *)answer);
	answer_free(answer);
	return 0;
}

/* Only a clone has a size of its own accord. */
static int volume_create_check(const struct call *call, struct error *err)
{
	if (call->size_bytes != 0 || call->snapshot)
		return 0;
	return error_set(err, -EINVAL, "SIZE is missing; only with --snapshot it may be left out");
}

static int volume_create(const struct call *call, struct error *err)
{
	Berth__V1__CreateVolumeRequest request = BERTH__V1__CREATE_VOLUME_REQUEST__INIT;

	request.name = call->name;
	request.size = call->size_bytes;
	if (call->pool)
		request.pool = call->pool;
	if (call->snapshot)
		request.snapshot = call->snapshot;
	request.reservation = call->reservation_bytes;
	request.limit = call->limit_bytes;
	return call_and_show(call, "CreateVolume", &request.base, err);
}

static int volume_list(const struct call *call, struct error *err)
{
	Berth__V1__ListVolumesRequest request = BERTH__V1__LIST_VOLUMES_REQUEST__INIT;
	ProtobufCMessage *answer;
	int ret;

	if (call->pool)
		request.pool = call->pool;
	ret = node_call(call, "ListVolumes", &request.base,
			&berth__v1__list_volumes_reply__descriptor, &answer, err);
	if (ret < 0)
		return ret;
	volumes_print(call, (const Berth__V1__ListVolumesReply *)answer);
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

static int volume_set_check(const struct call *call, struct error *err)
{
	if (call->given & OPTIONS_OF_SPACE)
		return 0;
	return error_set(err, -EINVAL,
			 "give at least one of --reserve, --limit, --warn-used and "
			 "--warn-available");
}

static int volume_set(const struct call *call, struct error *err)
{
	Berth__V1__SetVolumeRequest request = BERTH__V1__SET_VOLUME_REQUEST__INIT;

	request.name = call->name;
	request.reservation = call->reservation_bytes;
	request.limit = call->limit_bytes;
	request.threshold_used = call->warn_used_bytes;
	request.threshold_available = call->warn_available_bytes;
	/* A field that is not chosen is not sent, and so stays as it is. */
	if (call->given & OPTION_RESERVE)
		request.reservation_or_not_case =
			BERTH__V1__SET_VOLUME_REQUEST__RESERVATION_OR_NOT_RESERVATION;
	if (call->given & OPTION_LIMIT)
		request.limit_or_not_case = BERTH__V1__SET_VOLUME_REQUEST__LIMIT_OR_NOT_LIMIT;
	if (call->given & OPTION_WARN_USED)
		request.threshold_used_or_not_case =
			BERTH__V1__SET_VOLUME_REQUEST__THRESHOLD_USED_OR_NOT_THRESHOLD_USED;
	if (call->given & OPTION_WARN_AVAILABLE)
		request.available_or_not_case =
			BERTH__V1__SET_VOLUME_REQUEST__AVAILABLE_OR_NOT_THRESHOLD_AVAILABLE;
	return call_and_show(call, "SetVolume", &request.base, err);
}

/* The snapshots that would stay when a volume goes. */
static int snapshots_count(const struct call *call, size_t *out_count, struct error *err)
{
	Berth__V1__ListSnapshotsRequest request = BERTH__V1__LIST_SNAPSHOTS_REQUEST__INIT;
	ProtobufCMessage *answer;
	int ret;

	request.volume = call->name;
	ret = node_call(call, "ListSnapshots", &request.base,
			&berth__v1__list_snapshots_reply__descriptor, &answer, err);
	if (ret < 0)
		return ret;
	*out_count = ((const Berth__V1__ListSnapshotsReply *)answer)->n_snapshots;
	answer_free(answer);
	return 0;
}

/* Ask, showing what goes before it goes. */
static int volume_confirm_revert(const struct call *call, const Berth__V1__Volume *volume,
				 struct error *err)
{
	return confirm(call, err,
		       "Take volume '%s' back to snapshot '%s'? What was written since the last "
		       "snapshot of it is lost.",
		       volume->name, call->snapshot);
}

static int volume_revert(const struct call *call, struct error *err)
{
	Berth__V1__RevertVolumeRequest request = BERTH__V1__REVERT_VOLUME_REQUEST__INIT;
	Berth__V1__VolumeName name = BERTH__V1__VOLUME_NAME__INIT;
	const Berth__V1__Volume *volume;
	ProtobufCMessage *shown;
	int ret;

	name.name = call->name;
	ret = node_call(call, "GetVolume", &name.base, &berth__v1__volume__descriptor, &shown, err);
	if (ret < 0)
		return ret;
	volume = (const Berth__V1__Volume *)shown;
	request.volume = call->name;
	request.snapshot = call->snapshot;
	request.volume_uuid = volume->uuid;
	ret = volume_confirm_revert(call, volume, err);
	if (ret == 0)
		ret = call_and_show(call, "RevertVolume", &request.base, err);
	answer_free(shown);
	return ret;
}

static int volume_confirm_delete(const struct call *call, const Berth__V1__Volume *volume,
				 size_t snapshots, struct error *err)
{
	char size[SIZE_TEXT_MAX], written[SIZE_TEXT_MAX];
	char stay[64] = "";

	if (snapshots > 0)
		(void)snprintf(stay, sizeof(stay), " Its %zu snapshot%s.", snapshots,
			       snapshots == 1 ? " stays" : "s stay");
	return confirm(call, err, "Delete volume '%s' and its data (%s, %s written)?%s", call->name,
		       size_format(volume->size, size), size_format(volume->written, written),
		       stay);
}

static int volume_delete(const struct call *call, struct error *err)
{
	Berth__V1__VolumeName request = BERTH__V1__VOLUME_NAME__INIT;
	ProtobufCMessage *shown = NULL;
	ProtobufCMessage *answer = NULL;
	size_t snapshots = 0;
	int ret;

	request.name = call->name;
	ret = node_call(call, "GetVolume", &request.base, &berth__v1__volume__descriptor, &shown,
			err);
	if (ret < 0)
		return ret;
	/* What was shown is deleted, and not another of that name. */
	request.volume_uuid = ((Berth__V1__Volume *)shown)->uuid;
	ret = snapshots_count(call, &snapshots, err);
	if (ret == 0)
		ret = volume_confirm_delete(call, (const Berth__V1__Volume *)shown, snapshots, err);
	if (ret == 0)
		ret = node_call(call, "DeleteVolume", &request.base,
				&berth__v1__deleted__descriptor, &answer, err);
	if (ret == 0)
		deletion_print(call, (const Berth__V1__Deleted *)answer, &snapshots);
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
		.operands = "NAME [SIZE]",
		.options = OPTION_POOL | OPTION_SNAPSHOT | OPTION_RESERVE | OPTION_LIMIT,
		.check = volume_create_check,
		.run = volume_create,
		.summary = "make a thin volume, or a clone of a snapshot",
		.help = "Makes a volume that takes space only for what is written. Without --pool "
			"the\n"
			"node takes its only pool, or the one with most free space.\n"
			"\n"
			"With --snapshot it is a clone: it begins as the snapshot is, at once, "
			"and\n"
			"shares with it what neither writes anew. It is as large as the snapshot, "
			"or\n"
			"SIZE large if that is more, and lies in the same pool.\n"
			"\n"
			"Example:\n"
			"  berth volume create db 20G --pool fast\n"
			"  berth volume create db-test --snapshot db-monday",
	},
	{
		.noun = "volume",
		.verb = "list",
		.operands = "",
		.options = OPTION_POOL,
		.run = volume_list,
		.summary = "list volumes: size and space taken",
		.help = "WRITTEN is what takes space in the pool for this volume alone since its "
			"last\n"
			"snapshot; EXCLUSIVE what deleting it would give back; SHARED the rest of "
			"what\n"
			"it shows, which snapshots or clones show too; '~' where that is being "
			"counted\n"
			"anew. HOSTS is the number of initiators that it is published to.\n"
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
		.verb = "set",
		.operands = "NAME",
		.options = OPTIONS_OF_SPACE,
		.check = volume_set_check,
		.run = volume_set,
		.summary = "set a volume's reservation, limit and warnings",
		.help = "--reserve keeps that much of the pool for this volume and its snapshots; "
			"past\n"
			"--limit of both together, writes to new space fail as in a full pool. "
			"Watchers\n"
			"and the hook are told once it takes --warn-used, and once no more than\n"
			"--warn-available is left for it. Each is a SIZE or 'none'; what is not "
			"given\n"
			"stays as it is.\n"
			"\n"
			"Example:\n"
			"  berth volume set db --reserve 10G --limit none --warn-used 16G",
	},
	{
		.noun = "volume",
		.verb = "revert",
		.operands = "NAME SNAPSHOT",
		.options = OPTION_YES,
		.run = volume_revert,
		.summary = "take a volume back to one of its snapshots",
		.help = "Makes a volume that is published to nobody what its snapshot is: content, "
			"size,\n"
			"formatted or not. What was written since is lost; take a snapshot before "
			"if it\n"
			"may be wanted. Asks first; --yes does not.\n"
			"\n"
			"Example:\n"
			"  berth volume revert db db-monday",
	},
	{
		.noun = "volume",
		.verb = "delete",
		.operands = "NAME",
		.options = OPTION_YES,
		.run = volume_delete,
		.summary = "delete a volume and its data",
		.help = "Deletes a volume that is published to nobody, with its data. Its "
			"snapshots\n"
			"stay, and so do clones of them. Asks first; --yes does not. Says how much "
			"comes\n"
			"back (in the background), and how much stays because a snapshot or clone "
			"shows\n"
			"it.\n"
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
