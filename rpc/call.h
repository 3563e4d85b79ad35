/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What gRPC client and server share: status codes and the description of a method. The wire
 * is that of https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: any stock gRPC
 * client or server is our peer.
 */
#ifndef RPC_CALL_H
#define RPC_CALL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/error.h"

/* Codes of gRPC that we use, with their numbers on the wire. */
enum rpc_status {
	RPC_OK = 0,
	RPC_CANCELLED = 1,
	RPC_UNKNOWN = 2,
	RPC_INVALID_ARGUMENT = 3,
	RPC_DEADLINE_EXCEEDED = 4,
	RPC_NOT_FOUND = 5,
	RPC_ALREADY_EXISTS = 6,
	RPC_PERMISSION_DENIED = 7,
	RPC_RESOURCE_EXHAUSTED = 8,
	RPC_FAILED_PRECONDITION = 9,
	RPC_ABORTED = 10,
	RPC_OUT_OF_RANGE = 11,
	RPC_UNIMPLEMENTED = 12,
	RPC_INTERNAL = 13,
	RPC_UNAVAILABLE = 14,
	RPC_DATA_LOSS = 15,
	RPC_UNAUTHENTICATED = 16,
};

#define RPC_MESSAGE_MAX_BYTES (4u << 20) /* as gRPC's own default */
#define RPC_ADDRESS_SIZE      128	 /* of an address as text, with the NUL */

/*
 * One table turns a negative errno into a status and back:
 * EINVAL INVALID_ARGUMENT, ENOENT NOT_FOUND, EEXIST ALREADY_EXISTS, EBUSY FAILED_PRECONDITION,
 * ENOSPC and ENOMEM RESOURCE_EXHAUSTED, EPERM and EACCES PERMISSION_DENIED, ETIMEDOUT
 * DEADLINE_EXCEEDED, ECANCELED CANCELLED, ENOSYS UNIMPLEMENTED, ECONNREFUSED (and other
 * connection errors) UNAVAILABLE, EAGAIN ABORTED, ERANGE OUT_OF_RANGE, ENODATA DATA_LOSS,
 * EROFS FAILED_PRECONDITION, EIO and everything else INTERNAL. Backwards the first named.
 */
enum rpc_status rpc_status_from_errno(int code);
int rpc_status_to_errno(enum rpc_status status);
const char *rpc_status_name(enum rpc_status status); /* "NOT_FOUND" */

#endif
