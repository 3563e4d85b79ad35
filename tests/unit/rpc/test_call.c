/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table between errno and status. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rpc/call.h"

static void each_status_comes_back_as_the_errno_it_stands_for(void **state)
{
	static const struct {
		int code;
		enum rpc_status status;
	} rows[] = {
		{0, RPC_OK},
		{-EINVAL, RPC_INVALID_ARGUMENT},
		{-ENOENT, RPC_NOT_FOUND},
		{-EEXIST, RPC_ALREADY_EXISTS},
		{-EBUSY, RPC_FAILED_PRECONDITION},
		{-ENOSPC, RPC_RESOURCE_EXHAUSTED},
		{-EPERM, RPC_PERMISSION_DENIED},
		{-ETIMEDOUT, RPC_DEADLINE_EXCEEDED},
		{-ECANCELED, RPC_CANCELLED},
		{-ENOSYS, RPC_UNIMPLEMENTED},
		{-ECONNREFUSED, RPC_UNAVAILABLE},
		{-EAGAIN, RPC_ABORTED},
		{-ERANGE, RPC_OUT_OF_RANGE},
		{-ENODATA, RPC_DATA_LOSS},
		{-EIO, RPC_INTERNAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(rpc_status_from_errno(rows[i].code), rows[i].status);
		assert_int_equal(rpc_status_to_errno(rows[i].status), rows[i].code);
	}
}

static void related_errnos_share_a_status(void **state)
{
	assert_int_equal(rpc_status_from_errno(-ENOMEM), RPC_RESOURCE_EXHAUSTED);
	assert_int_equal(rpc_status_from_errno(-EACCES), RPC_PERMISSION_DENIED);
	assert_int_equal(rpc_status_from_errno(-EROFS), RPC_FAILED_PRECONDITION);
	assert_int_equal(rpc_status_from_errno(-ECONNRESET), RPC_UNAVAILABLE);
	assert_int_equal(rpc_status_from_errno(-ESHUTDOWN), RPC_UNAVAILABLE);
}

static void unlisted_errno_is_internal(void **state)
{
	assert_int_equal(rpc_status_from_errno(-EXDEV), RPC_INTERNAL);
	assert_int_equal(rpc_status_from_errno(-9999), RPC_INTERNAL);
}

static void unknown_status_has_an_errno_and_a_name(void **state)
{
	assert_int_equal(rpc_status_to_errno((enum rpc_status)77), -EPROTO);
	assert_string_equal(rpc_status_name((enum rpc_status)77), "UNKNOWN");
	assert_string_equal(rpc_status_name(RPC_NOT_FOUND), "NOT_FOUND");
	assert_string_equal(rpc_status_name(RPC_UNAUTHENTICATED), "UNAUTHENTICATED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_status_comes_back_as_the_errno_it_stands_for),
		cmocka_unit_test(related_errnos_share_a_status),
		cmocka_unit_test(unlisted_errno_is_internal),
		cmocka_unit_test(unknown_status_has_an_errno_and_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
