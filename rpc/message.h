/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages in memory: checked decoding, encoding, and setters for whoever fills one.
 *
 * Who owns what: protobuf-c frees every string, submessage and array of a message that is not
 * the field's default. So a field must hold the default or memory from malloc, never a literal
 * and never something shared. The setters below keep to that; with them a handler needs no
 * strdup, no calloc and no check in the middle:
 *
 *	Berth__V1__Pool *pool = rpc_add_message(&reply->n_pools, &reply->pools,
 *						&berth__v1__pool__descriptor);
 *	if (!pool || rpc_set_string(&pool->name, name) < 0)
 *		return -ENOMEM;
 *
 * What was built so far is freed with the reply. protobuf strings are UTF-8 without NUL: a byte
 * that is not becomes '?' here, because a peer would reject the whole message.
 */
#ifndef RPC_MESSAGE_H
#define RPC_MESSAGE_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

/* Fields, known or not, that one message may have in all: bounds what decoding allocates. */
#define RPC_REQUEST_FIELD_MAX 65536u
#define RPC_REPLY_FIELD_MAX   4194304u

/* Replace a string field by a copy of `value` (NULL: empty). -ENOMEM leaves it as it was. */
int rpc_set_string(char **field, const char *value);
int rpc_set_text(char **field, const char *format, ...) PRINTF_LIKE(2, 3);

/* Append a copy to a repeated string field: rpc_add_string(&m->n_x, &m->x, value). */
int rpc_add_string(size_t *count, char ***array, const char *value);

/*
 * Append a fresh message to a repeated field; `array` is the address of the field (of
 * `Type **x`: &m->x). NULL when memory is short.
 */
void *rpc_add_message(size_t *count, void *array, const ProtobufCMessageDescriptor *type);

/* --- for client and server --- */

/* An initialised message on the heap; free with message_free. NULL when memory is short. */
ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *type);
void message_free(ProtobufCMessage *message); /* NULL is fine */

/*
 * Bytes from a peer to a message. Stricter than protobuf-c, which would cut a string at a NUL:
 * strings must be UTF-8 without NUL, there may be no more than `field_max` fields, and no
 * deeper nesting than 32. -EINVAL with a sentence, -ENOMEM.
 */
int message_decode(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
		   size_t field_max, ProtobufCMessage **out_message, struct error *err);

/*
 * A message with its frame header in one piece from malloc. -EMSGSIZE over
 * RPC_MESSAGE_MAX_BYTES, -EIO if it is not whole (a NULL in a repeated field), -ENOMEM.
 */
int message_encode(const ProtobufCMessage *message, uint8_t **out_data, size_t *out_len,
		   struct error *err);

#endif
