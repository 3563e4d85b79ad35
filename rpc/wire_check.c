/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See wire_check.h. The encoding: https://protobuf.dev/programming-guides/encoding/ */
#include "rpc/wire_check.h"

#include <errno.h>

#include "base/compiler.h"
#include "rpc/utf8.h"

#define WIRE_DEPTH_MAX 32

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_64_BITS = 1,
	WIRE_BYTES = 2,
	WIRE_32_BITS = 5,
};

struct wire_cursor {
	const ProtobufCMessageDescriptor *type;
	const uint8_t *at;
	const uint8_t *end;
};

static int cut_short(const struct wire_cursor *cursor, struct error *err)
{
	return error_set(err, -EINVAL, "the message is not a valid %s: it ends inside a field",
			 cursor->type->name);
}

static int wire_varint(struct wire_cursor *cursor, uint64_t *out_value, struct error *err)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (cursor->at == cursor->end)
			return cut_short(cursor, err);
		if (shift < 64)
			value |= (uint64_t)(*cursor->at & 0x7f) << shift;
		if (!(*cursor->at++ & 0x80)) {
			*out_value = value;
			return 0;
		}
	}
	return error_set(err, -EINVAL, "the message is not a valid %s: a number is too long",
			 cursor->type->name);
}

static const ProtobufCFieldDescriptor *wire_known_field(const ProtobufCMessageDescriptor *type,
							uint64_t number)
{
	if (number > UINT32_MAX)
		return NULL;
	return protobuf_c_message_descriptor_get_field(type, (unsigned)number);
}

static int wire_message(struct wire_cursor cursor, size_t *fields_left, unsigned depth,
			struct error *err);

/* The content of a length-delimited field. */
static int wire_content(const struct wire_cursor *cursor, const ProtobufCFieldDescriptor *field,
			uint64_t len, size_t *fields_left, unsigned depth, struct error *err)
{
	struct wire_cursor inner = {.at = cursor->at, .end = cursor->at + len};

	if (!field)
		return 0;
	if (field->type == PROTOBUF_C_TYPE_STRING && !utf8_is_text((const char *)cursor->at, len))
		return error_set(err, -EINVAL,
				 "field '%s' of %s is not valid text: it must be UTF-8 without NUL",
				 field->name, cursor->type->name);
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return 0;
	inner.type = field->descriptor;
	return wire_message(inner, fields_left, depth + 1, err);
}

static int wire_value(struct wire_cursor *cursor, uint64_t tag, size_t *fields_left, unsigned depth,
		      struct error *err)
{
	uint64_t len = 0;
	int ret;

	switch (tag & 7) {
	case WIRE_VARINT:
		return wire_varint(cursor, &len, err);
	case WIRE_64_BITS:
		len = 8;
		break;
	case WIRE_32_BITS:
		len = 4;
		break;
	case WIRE_BYTES:
		ret = wire_varint(cursor, &len, err);
		if (ret < 0)
			return ret;
		break;
	default:
		return error_set(err, -EINVAL,
				 "the message is not a valid %s: unknown wire type %u",
				 cursor->type->name, (unsigned)(tag & 7));
	}
	if (len > (uint64_t)(cursor->end - cursor->at))
		return cut_short(cursor, err);
	if ((tag & 7) == WIRE_BYTES) {
		ret = wire_content(cursor, wire_known_field(cursor->type, tag >> 3), len,
				   fields_left, depth, err);
		if (ret < 0)
			return ret;
	}
	cursor->at += len;
	return 0;
}

static int wire_message(struct wire_cursor cursor, size_t *fields_left, unsigned depth,
			struct error *err)
{
	if (depth > WIRE_DEPTH_MAX)
		return error_set(err, -EINVAL, "the message nests deeper than %d", WIRE_DEPTH_MAX);
	while (cursor.at < cursor.end) {
		uint64_t tag = 0;
		int ret = wire_varint(&cursor, &tag, err);

		if (ret < 0)
			return ret;
		if (*fields_left == 0)
			return error_set(err, -EINVAL, "the message has too many fields");
		*fields_left -= 1;
		ret = wire_value(&cursor, tag, fields_left, depth, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
	       size_t *fields_left, struct error *err)
{
	struct wire_cursor cursor = {.type = type, .at = data, .end = data + len};

	return wire_message(cursor, fields_left, 0, err);
}
