/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look over an encoded protobuf message before protobuf-c unpacks it. Pure; reads the bytes
 * once, allocates nothing.
 */
#ifndef RPC_WIRE_CHECK_H
#define RPC_WIRE_CHECK_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "base/error.h"

/*
 * 0 if the bytes are well-formed fields, known strings are UTF-8 without NUL, known submessages
 * too, nested at most 32 deep. Each field takes one from *fields_left. Else -EINVAL with a
 * sentence that names the field.
 */
int wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
	       size_t *fields_left, struct error *err);

#endif
