/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods of rpc_echo.proto, for tests in C and for the program that Python tests run. */
#ifndef TESTS_RPC_ECHO_H
#define TESTS_RPC_ECHO_H

#include "rpc/server.h"
#include "tests/unit/rpc/rpc_echo.pb-c.h"

#define ECHO_METHOD_COUNT 4

extern const struct rpc_method echo_methods[ECHO_METHOD_COUNT];

#endif
