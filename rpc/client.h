/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gRPC client over nghttp2: one connection, blocking calls. Made and used by one thread at a
 * time (a program with several threads makes a client for each, or guards it). Connects
 * at the first call and again after the connection was lost; a call that failed is not repeated
 * by itself.
 */
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include "rpc/call.h"

struct rpc_client;

/* `address` as in rpc_server_listen. Nothing is sent yet. -EINVAL for a bad address. */
int rpc_client_new(const char *address, struct rpc_client **out_client, struct error *err);
void rpc_client_free(struct rpc_client *client);

/*
 * Call a unary method ("/berth.v1.Node/GetPool") and wait for its answer, at most `timeout_ms`
 * (> 0, sent as grpc-timeout). On success *out_reply is to be freed with
 * protobuf_c_message_free_unpacked(reply, NULL). Else a negative errno from the status, the
 * peer's sentence in err; -ECONNREFUSED (with what to try) when nobody listens there.
 */
int rpc_client_call(struct rpc_client *client, const char *path, const ProtobufCMessage *request,
		    const ProtobufCMessageDescriptor *reply_type, unsigned timeout_ms,
		    ProtobufCMessage **out_reply, struct error *err);

/*
 * Call a streaming method; `each` gets every message (freed after it returns) until it returns
 * false (the call is cancelled, 0 is returned), the stream ends (0), or it fails.
 * `timeout_ms` 0: no deadline.
 */
int rpc_client_stream(struct rpc_client *client, const char *path, const ProtobufCMessage *request,
		      const ProtobufCMessageDescriptor *message_type, unsigned timeout_ms,
		      bool (*each)(void *owner, const ProtobufCMessage *message), void *owner,
		      struct error *err);

#endif
