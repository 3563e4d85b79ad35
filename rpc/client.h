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

/* What is asked for. The strings of a message are only read: a literal may be cast to char *. */
struct rpc_request {
	const char *path; /* "/berth.v1.Node/GetPool" */
	const ProtobufCMessage *message;
	const ProtobufCMessageDescriptor *reply_type; /* of each message that comes back */
	unsigned timeout_ms; /* for the whole call, sent as grpc-timeout; 0: no deadline */
};

/*
 * Call a unary method and wait for its answer. On success *out_reply is to be freed with
 * protobuf_c_message_free_unpacked(reply, NULL). Else a negative errno, a sentence in err:
 * from the server's status (rpc_status_to_errno); -ECONNREFUSED (with what to try) when nobody
 * listens there; -ECONNRESET when the connection was lost under way, so that nobody knows
 * whether the call was carried out; -ETIMEDOUT; -EIO or -EPROTO for an answer that is not gRPC;
 * -EMSGSIZE for a message over RPC_MESSAGE_MAX_BYTES.
 */
int rpc_client_unary(struct rpc_client *client, const struct rpc_request *request,
		     ProtobufCMessage **out_reply, struct error *err);

/*
 * Call a streaming method; `each` gets every message (freed after it returns; it must not use
 * this client) until it returns false (the call is cancelled, 0 is returned), the stream ends
 * (0), or it fails as above.
 */
int rpc_client_watch(struct rpc_client *client, const struct rpc_request *request,
		     bool (*each)(void *owner, const ProtobufCMessage *message), void *owner,
		     struct error *err);

/* The same with the request spelled out. */
#define rpc_client_call(client, path, message, reply_type, timeout_ms, out_reply, err)             \
	rpc_client_unary(client, &(struct rpc_request){path, message, reply_type, timeout_ms},     \
			 out_reply, err)
#define rpc_client_stream(client, path, message, message_type, timeout_ms, each, owner, err)       \
	rpc_client_watch(client, &(struct rpc_request){path, message, message_type, timeout_ms},   \
			 each, owner, err)

#endif
