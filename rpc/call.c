/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table between errno and gRPC status. A row's order matters: backwards, the first row
 * that has the status wins.
 */
#include "rpc/call.h"

#include <errno.h>

static const struct {
	int code;
	enum rpc_status status;
} status_rows[] = {
	{EINVAL, RPC_INVALID_ARGUMENT},
	{ENOENT, RPC_NOT_FOUND},
	{EEXIST, RPC_ALREADY_EXISTS},
	{EBUSY, RPC_FAILED_PRECONDITION},
	{EROFS, RPC_FAILED_PRECONDITION},
	{ENOSPC, RPC_RESOURCE_EXHAUSTED},
	{ENOMEM, RPC_RESOURCE_EXHAUSTED},
	{EDQUOT, RPC_RESOURCE_EXHAUSTED},
	{EMSGSIZE, RPC_RESOURCE_EXHAUSTED},
	{EPERM, RPC_PERMISSION_DENIED},
	{EACCES, RPC_PERMISSION_DENIED},
	{EKEYREJECTED, RPC_UNAUTHENTICATED},
	{ETIMEDOUT, RPC_DEADLINE_EXCEEDED},
	{ECANCELED, RPC_CANCELLED},
	{ENOSYS, RPC_UNIMPLEMENTED},
	{EOPNOTSUPP, RPC_UNIMPLEMENTED},
	{ECONNREFUSED, RPC_UNAVAILABLE},
	{ECONNRESET, RPC_UNAVAILABLE},
	{ECONNABORTED, RPC_UNAVAILABLE},
	{ESHUTDOWN, RPC_UNAVAILABLE},
	{ENOTCONN, RPC_UNAVAILABLE},
	{EPIPE, RPC_UNAVAILABLE},
	{EHOSTUNREACH, RPC_UNAVAILABLE},
	{EHOSTDOWN, RPC_UNAVAILABLE},
	{ENETUNREACH, RPC_UNAVAILABLE},
	{ENETDOWN, RPC_UNAVAILABLE},
	{EAGAIN, RPC_ABORTED},
	{ERANGE, RPC_OUT_OF_RANGE},
	{ENODATA, RPC_DATA_LOSS},
	{EIO, RPC_INTERNAL},
	{EPROTO, RPC_UNKNOWN},
};

static const char *const status_names[] = {
	[RPC_OK] = "OK",
	[RPC_CANCELLED] = "CANCELLED",
	[RPC_UNKNOWN] = "UNKNOWN",
	[RPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
	[RPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
	[RPC_NOT_FOUND] = "NOT_FOUND",
	[RPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
	[RPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
	[RPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
	[RPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
	[RPC_ABORTED] = "ABORTED",
	[RPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
	[RPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
	[RPC_INTERNAL] = "INTERNAL",
	[RPC_UNAVAILABLE] = "UNAVAILABLE",
	[RPC_DATA_LOSS] = "DATA_LOSS",
	[RPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
};

enum rpc_status rpc_status_from_errno(int code)
{
	if (code == 0)
		return RPC_OK;
	for (size_t i = 0; i < ARRAY_SIZE(status_rows); i++)
		if (status_rows[i].code == -code)
			return status_rows[i].status;
	return RPC_INTERNAL;
}

int rpc_status_to_errno(enum rpc_status status)
{
	if (status == RPC_OK)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(status_rows); i++)
		if (status_rows[i].status == status)
			return -status_rows[i].code;
	return -EPROTO;
}

const char *rpc_status_name(enum rpc_status status)
{
	if ((unsigned)status >= ARRAY_SIZE(status_names))
		return "UNKNOWN";
	return status_names[status];
}
