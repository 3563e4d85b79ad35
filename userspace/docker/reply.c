/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dockerd is written in Go and strict in one place: a CreatedAt that is not RFC 3339 makes it drop
 * the whole answer. So it is left out where the time is not known.
 */
#include "docker/reply.h"

#include <time.h>

#include "base/size.h"

/* Text from the agent, which need not be UTF-8: paths are bytes. */
static json_t *text_json(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("(not UTF-8)");
}

json_t *reply_done(void)
{
	return json_pack("{s:s}", "Err", "");
}

json_t *reply_error(const char *sentence)
{
	return json_pack("{s:o}", "Err", text_json(*sentence ? sentence : "it failed"));
}

json_t *reply_activate(void)
{
	return json_pack("{s:[s]}", "Implements", "VolumeDriver");
}

/* Global: every host that reaches the node has the same volumes under the same names. */
json_t *reply_capabilities(void)
{
	return json_pack("{s:{s:s}}", "Capabilities", "Scope", "global");
}

json_t *reply_mountpoint(const char *path)
{
	return json_pack("{s:o, s:s}", "Mountpoint", text_json(path), "Err", "");
}

static json_t *size_json(uint64_t bytes)
{
	char text[SIZE_TEXT_MAX];

	return json_string(size_format(bytes, text));
}

/* Shown verbatim by `docker volume inspect`. */
static json_t *status_json(const Berth__V1__HostVolume *volume)
{
	json_t *status = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "size", size_json(volume->size),
		"filesystem", text_json(volume->filesystem), "node", text_json(volume->node),
		"pool", text_json(volume->pool), "uuid", text_json(volume->uuid), "state",
		text_json(volume->state), "holders", (json_int_t)volume->n_holders);

	if (*volume->mountpoint)
		(void)json_object_set_new(status, "used", size_json(volume->used));
	if (*volume->device)
		(void)json_object_set_new(status, "device", text_json(volume->device));
	if (*volume->attachment)
		(void)json_object_set_new(status, "attachment", text_json(volume->attachment));
	if (*volume->last_error)
		(void)json_object_set_new(status, "last error", text_json(volume->last_error));
	return status;
}

/* What Get and List have in common. */
static json_t *volume_json(const Berth__V1__HostVolume *volume)
{
	json_t *json = json_pack("{s:o}", "Name", text_json(volume->name));

	if (*volume->mountpoint)
		(void)json_object_set_new(json, "Mountpoint", text_json(volume->mountpoint));
	return json;
}

static void created_add(json_t *json, int64_t seconds)
{
	time_t at = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (seconds > 0 && gmtime_r(&at, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		(void)json_object_set_new(json, "CreatedAt", json_string(text));
}

json_t *reply_volume(const Berth__V1__HostVolume *volume)
{
	json_t *json = volume_json(volume);

	created_add(json, volume->created_at);
	(void)json_object_set_new(json, "Status", status_json(volume));
	return json_pack("{s:o, s:s}", "Volume", json, "Err", "");
}

json_t *reply_volumes(const Berth__V1__ListReply *list)
{
	json_t *volumes = json_array();

	for (size_t i = 0; i < list->n_volumes; i++)
		(void)json_array_append_new(volumes, volume_json(list->volumes[i]));
	return json_pack("{s:o, s:s}", "Volumes", volumes, "Err", "");
}
