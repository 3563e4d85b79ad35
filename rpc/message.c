/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See message.h. What a peer sent is walked by wire_check before protobuf-c sees it. */
#include "rpc/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/call.h"
#include "rpc/frame.h"
#include "rpc/utf8.h"
#include "rpc/wire_check.h"

static void make_text(char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		size_t character_len = utf8_character_len(text, len);

		if (character_len == 0) {
			*text = '?';
			character_len = 1;
		}
		text += character_len;
		len -= character_len;
	}
}

static void string_replace(char **field, char *value)
{
	if (*field != protobuf_c_empty_string)
		free(*field);
	*field = value;
	make_text(value);
}

int rpc_set_string(char **field, const char *value)
{
	char *copy = strdup(value ? value : "");

	if (!copy)
		return -ENOMEM;
	string_replace(field, copy);
	return 0;
}

int rpc_set_text(char **field, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return -ENOMEM;
	string_replace(field, text);
	return 0;
}

/* Room for one more pointer; doubles at powers of two, so appending stays linear. */
static void *pointers_grow(void *pointers, size_t count)
{
	if (count & (count - 1))
		return pointers;
	return reallocarray(pointers, count ? count * 2 : 1, sizeof(void *));
}

int rpc_add_string(size_t *count, char ***array, const char *value)
{
	char *copy = strdup(value);
	char **grown = copy ? pointers_grow(*array, *count) : NULL;

	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	make_text(copy);
	grown[*count] = copy;
	*array = grown;
	*count += 1;
	return 0;
}

void *rpc_add_message(size_t *count, void *array, const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = message_new(type);
	ProtobufCMessage **grown;

	if (!message)
		return NULL;
	memcpy(&grown, array, sizeof(grown));
	grown = pointers_grow(grown, *count);
	if (!grown) {
		message_free(message);
		return NULL;
	}
	grown[*count] = message;
	memcpy(array, &grown, sizeof(grown));
	*count += 1;
	return message;
}

ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = malloc(type->sizeof_message);

	if (message)
		protobuf_c_message_init(type, message);
	return message;
}

void message_free(ProtobufCMessage *message)
{
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}

int message_decode(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
		   size_t field_max, ProtobufCMessage **out_message, struct error *err)
{
	size_t fields_left = field_max;
	ProtobufCMessage *message;
	int ret;

	ret = wire_check(type, data, len, &fields_left, err);
	if (ret < 0)
		return ret;
	message = protobuf_c_message_unpack(type, NULL, len, data);
	if (!message)
		return error_set(err, -EINVAL, "the message is not a valid %s", type->name);
	*out_message = message;
	return 0;
}

int message_encode(const ProtobufCMessage *message, uint8_t **out_data, size_t *out_len,
		   struct error *err)
{
	size_t len;
	uint8_t *data;

	if (!protobuf_c_message_check(message))
		return error_set(err, -EIO, "the %s to send has a field without content",
				 message->descriptor->name);
	len = protobuf_c_message_get_packed_size(message);
	if (len > RPC_MESSAGE_MAX_BYTES)
		return error_set(err, -EMSGSIZE, "the %s to send has %zu bytes, at most %u fit",
				 message->descriptor->name, len, RPC_MESSAGE_MAX_BYTES);
	data = malloc(FRAME_HEADER_SIZE + len);
	if (!data)
		return error_set(err, -ENOMEM, "out of memory for a message of %zu bytes", len);
	frame_header_encode(data, (uint32_t)len);
	(void)protobuf_c_message_pack(message, data + FRAME_HEADER_SIZE); /* returns len */
	*out_data = data;
	*out_len = FRAME_HEADER_SIZE + len;
	return 0;
}
