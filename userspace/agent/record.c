/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record's JSON form is one table; encoding and decoding walk it. */
#include "agent/record.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

enum member_kind {
	MEMBER_TEXT,
	MEMBER_NUMBER, /* not negative, 63 bits */
	MEMBER_FLAG,
	MEMBER_FORMAT,
};

struct member {
	const char *key;
	enum member_kind kind;
	size_t offset;
	size_t size;
};

#define MEMBER(field, kind)                                                                        \
	{                                                                                          \
#field, kind, offsetof(struct record, field), sizeof(((struct record *)0)->field)  \
	}

static const struct member members[] = {
	MEMBER(name, MEMBER_TEXT),
	MEMBER(uuid, MEMBER_TEXT),
	MEMBER(node, MEMBER_TEXT),
	MEMBER(pool, MEMBER_TEXT),
	MEMBER(size_bytes, MEMBER_NUMBER),
	MEMBER(created_at_s, MEMBER_NUMBER),
	MEMBER(filesystem, MEMBER_TEXT),
	MEMBER(fs_uuid, MEMBER_TEXT),
	MEMBER(mkfs_options, MEMBER_TEXT),
	MEMBER(owner, MEMBER_TEXT),
	MEMBER(mode, MEMBER_TEXT),
	MEMBER(format, MEMBER_FORMAT),
	MEMBER(format_publication, MEMBER_NUMBER),
	MEMBER(is_root_ready, MEMBER_FLAG),
	MEMBER(attachment, MEMBER_TEXT),
	MEMBER(is_published, MEMBER_FLAG),
	MEMBER(target_name, MEMBER_TEXT),
	MEMBER(initiator, MEMBER_TEXT),
	MEMBER(portal, MEMBER_TEXT),
	MEMBER(device, MEMBER_TEXT),
	MEMBER(boot_id, MEMBER_TEXT),
	MEMBER(last_error, MEMBER_TEXT),
};

static const char *const format_names[] = {
	[RECORD_FORMAT_NONE] = "none",
	[RECORD_FORMAT_STARTED] = "started",
	[RECORD_FORMAT_MADE] = "made",
	[RECORD_FORMAT_DONE] = "done",
};

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

#define CLEANUP_JSON __attribute__((cleanup(cleanup_json)))

void record_fini(struct record *record)
{
	holders_fini(&record->holders);
}

int record_copy(struct record *to, const struct record *from, struct error *err)
{
	struct holders holders = {0};

	if (holders_copy(&holders, &from->holders, err) < 0)
		return -ENOMEM;
	holders_fini(&to->holders);
	*to = *from;
	to->holders = holders;
	return 0;
}

/* Sentences that came from elsewhere may be cut inside a character; JSON wants whole ones. */
static json_t *text_encode(const char *text)
{
	json_t *value = json_string(text);

	return value ? value : json_string("(not printable)");
}

static json_t *member_encode(const struct record *record, const struct member *member)
{
	const char *at = (const char *)record + member->offset;
	int64_t number;

	switch (member->kind) {
	case MEMBER_TEXT:
		return text_encode(at);
	case MEMBER_FLAG:
		return json_boolean(*(const bool *)at);
	case MEMBER_FORMAT:
		return json_string(format_names[*(const enum record_format *)at]);
	case MEMBER_NUMBER:
		break;
	}
	memcpy(&number, at, sizeof(number));
	return json_integer(number);
}

static json_t *holders_encode(const struct holders *holders)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < holders->count; i++) {
		const struct holder *holder = &holders->items[i];
		json_t *item = json_object();
		bool is_whole =
			item && json_object_set_new(item, "id", text_encode(holder->id)) == 0 &&
			json_object_set_new(item, "instance", text_encode(holder->instance)) == 0 &&
			json_object_set_new(item, "count", json_integer(holder->count)) == 0;

		if (!is_whole || json_array_append(array, item) < 0) {
			json_decref(array);
			array = NULL;
		}
		json_decref(item);
	}
	return array;
}

int record_encode(const struct record *record, char **out_text, struct error *err)
{
	CLEANUP_JSON json_t *root = json_object();
	bool is_whole =
		root && json_object_set_new(root, "version", json_integer(RECORD_VERSION)) == 0;

	for (size_t i = 0; is_whole && i < ARRAY_SIZE(members); i++)
		is_whole = json_object_set_new(root, members[i].key,
					       member_encode(record, &members[i])) == 0;
	if (is_whole)
		is_whole =
			json_object_set_new(root, "holders", holders_encode(&record->holders)) == 0;
	*out_text = is_whole ? json_dumps(root, JSON_INDENT(2)) : NULL;
	if (!*out_text) {
		error_set(err, -ENOMEM, "out of memory writing the record of volume '%s'",
			  record->name);
		return -ENOMEM;
	}
	return 0;
}

static int text_decode(const json_t *value, char *out_text, size_t size)
{
	const char *text = json_string_value(value);

	if (!text || json_string_length(value) >= size || strlen(text) != json_string_length(value))
		return -EINVAL;
	memcpy(out_text, text, strlen(text) + 1);
	return 0;
}

static int format_decode(const json_t *value, enum record_format *out_format)
{
	const char *text = json_string_value(value);

	for (size_t i = 0; text && i < ARRAY_SIZE(format_names); i++) {
		if (strcmp(text, format_names[i]) == 0) {
			*out_format = (enum record_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int member_decode(const json_t *value, const struct member *member, struct record *record)
{
	char *at = (char *)record + member->offset;
	int64_t number;

	switch (member->kind) {
	case MEMBER_TEXT:
		return text_decode(value, at, member->size);
	case MEMBER_FLAG:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value) ? 0 : -EINVAL;
	case MEMBER_FORMAT:
		return format_decode(value, (enum record_format *)at);
	case MEMBER_NUMBER:
		break;
	}
	number = json_integer_value(value);
	memcpy(at, &number, sizeof(number));
	return json_is_integer(value) && number >= 0 ? 0 : -EINVAL;
}

static int holder_decode(const json_t *value, struct holder *out_holder)
{
	json_int_t count = json_integer_value(json_object_get(value, "count"));

	if (json_object_size(value) != 3 || count < 1 || count > INT_MAX ||
	    text_decode(json_object_get(value, "id"), out_holder->id, HOLDER_ID_SIZE) < 0 ||
	    text_decode(json_object_get(value, "instance"), out_holder->instance,
			HOLDER_INSTANCE_SIZE) < 0)
		return -EINVAL;
	out_holder->count = (unsigned)count;
	return holder_check(out_holder->id, out_holder->instance, NULL);
}

static int holders_decode(const json_t *array, struct holders *holders, struct error *err)
{
	if (!json_is_array(array) || json_array_size(array) > HOLDERS_MAX)
		return error_set(err, -ENODATA, "'holders' is missing or no list");
	for (size_t i = 0; i < json_array_size(array); i++) {
		struct holder holder = {0};
		int ret;

		if (holder_decode(json_array_get(array, i), &holder) < 0)
			return error_set(err, -ENODATA, "holder %zu is damaged", i);
		ret = holders_add(holders, holder.id, holder.instance, err);
		if (ret < 0)
			return ret;
		holders->items[holders->count - 1].count = holder.count;
	}
	return 0;
}

/* What JSON cannot say about a record: that its parts make sense. */
static int record_check(const struct record *record, struct error *err)
{
	struct uuid uuid;

	if (name_check("volume", record->name, err) < 0)
		return -ENODATA;
	if (uuid_parse(record->uuid, &uuid) < 0)
		return error_set(err, -ENODATA, "'uuid' is not a UUID");
	if (*record->fs_uuid != '\0' && uuid_parse(record->fs_uuid, &uuid) < 0)
		return error_set(err, -ENODATA, "'fs_uuid' is not a UUID");
	if (*record->node == '\0')
		return error_set(err, -ENODATA, "'node' is empty");
	return 0;
}

static int root_decode(const json_t *root, struct record *record, struct error *err)
{
	const json_t *version = json_object_get(root, "version");

	if (!json_is_integer(version))
		return error_set(err, -ENODATA, "it has no version");
	if (json_integer_value(version) != RECORD_VERSION)
		return error_set(err, -ENODATA,
				 "it is of version %lld, and this agent knows version %d only",
				 (long long)json_integer_value(version), RECORD_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (member_decode(json_object_get(root, members[i].key), &members[i], record) < 0)
			return error_set(err, -ENODATA, "'%s' is missing or damaged",
					 members[i].key);
	}
	/* Version and holders stand beside the table. An unknown member would be lost at the
	 * next save, so it is not tolerated. */
	if (json_object_size(root) != ARRAY_SIZE(members) + 2)
		return error_set(err, -ENODATA, "it has members that this version does not know");
	return holders_decode(json_object_get(root, "holders"), &record->holders, err);
}

int record_decode(const char *text, size_t len, struct record *out_record, struct error *err)
{
	json_error_t where;
	CLEANUP_JSON json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	struct record record = {0};
	int ret;

	if (!json_is_object(root))
		return error_set(err, -ENODATA, "it is not a JSON object: line %d: %s", where.line,
				 root ? "another type" : where.text);
	ret = root_decode(root, &record, err);
	if (ret == 0)
		ret = record_check(&record, err);
	if (ret < 0) {
		record_fini(&record);
		return ret;
	}
	record_fini(out_record);
	*out_record = record;
	return 0;
}

static void path_of(const char *folder, const char *name, char *out_path)
{
	(void)snprintf(out_path, PATH_MAX, "%s/%s.json", folder, name);
}

int record_load(const char *folder, const char *name, struct record *out_record, struct error *err)
{
	CLEANUP_FREE char *text = NULL;
	struct record record = {0};
	char path[PATH_MAX];
	size_t len;
	int ret;

	path_of(folder, name, path);
	ret = file_read(path, RECORD_FILE_MAX_BYTES, &text, &len, err);
	if (ret < 0)
		return ret;
	ret = record_decode(text, len, &record, err);
	if (ret == 0 && strcmp(record.name, name) != 0)
		ret = error_set(err, -ENODATA, "it names volume '%s'", record.name);
	if (ret < 0) {
		record_fini(&record);
		error_prefix(err, "record '%s' cannot be used", path);
		return ret;
	}
	record_fini(out_record);
	*out_record = record;
	return 0;
}

int record_save(const char *folder, const struct record *record, struct error *err)
{
	CLEANUP_FREE char *text = NULL;
	char path[PATH_MAX];
	int ret = record_encode(record, &text, err);

	if (ret < 0)
		return ret;
	path_of(folder, record->name, path);
	return file_replace(path, text, strlen(text), 0600, err);
}

int record_remove(const char *folder, const char *name, struct error *err)
{
	char path[PATH_MAX];

	path_of(folder, name, path);
	return file_remove(path, err);
}
