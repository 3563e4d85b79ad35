/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gRPC server over nghttp2: Unix sockets and TCP. It owns its threads: one that accepts and
 * moves bytes, and a pool of workers that run the handlers, so a handler may block. What
 * peers can make grow has a limit (RESOURCE_EXHAUSTED past it): connections, calls in flight,
 * message size, memory for requests, time to first byte, time to take an answer.
 */
#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include "rpc/call.h"

struct rpc_server;
struct rpc_call; /* one call on the server's side, valid while its handler runs */

/*
 * Answer one call, on a worker thread. `request` is decoded and owned by the server. For a unary
 * method: fill `reply` (initialised; what it holds is malloc'ed and freed by the server with
 * it: use the setters of rpc/message.h), return 0. For a streaming method `reply` is NULL: send
 * with rpc_call_send and return 0 at the end. A negative errno becomes a status
 * (rpc_status_from_errno), err->text the grpc-message; the reply is not sent then.
 */
typedef int rpc_handler(void *owner, struct rpc_call *call, const ProtobufCMessage *request,
			ProtobufCMessage *reply, struct error *err);

/* A row of the method table. */
struct rpc_method {
	const char *path; /* "/berth.v1.Node/GetPool" */
	const ProtobufCMessageDescriptor *request;
	const ProtobufCMessageDescriptor *reply;
	bool is_streaming;
	rpc_handler *handle;
	const void *context; /* for the handler, where one serves several methods; may be NULL */
};

struct rpc_server_settings {
	const struct rpc_method *methods;
	size_t method_count;
	void *owner;		  /* handed to every handler */
	unsigned worker_count;	  /* for unary calls; 0: 8 */
	unsigned call_max;	  /* in flight over all connections; 0: 1024 */
	unsigned stream_max;	  /* streaming calls, each has a thread of its own; 0: 64 */
	unsigned connection_max;  /* 0: 256; past it the longest idle one is closed */
	unsigned greeting_ms;	  /* from accept to the HTTP/2 preface; 0: 10 s */
	unsigned request_ms;	  /* from a call's header to the end of its request; 0: 30 s */
	unsigned stall_ms;	  /* for a peer to take anything of what waits for it; 0: 30 s */
	size_t request_bytes_max; /* of all requests in memory; 0: 64 MiB */
};

int rpc_server_new(const struct rpc_server_settings *settings, struct rpc_server **out_server,
		   struct error *err);

/*
 * Listen on "unix:PATH" (mode 0600, a stale socket of a dead server is replaced, a live one is
 * -EADDRINUSE) or "HOST:PORT" / "[V6]:PORT" (port 0 picks one). May be called several times.
 * `out_address` (NULL, or RPC_ADDRESS_SIZE bytes) gets the address as bound.
 */
int rpc_server_listen(struct rpc_server *server, const char *address, char *out_address,
		      struct error *err);

/* Start serving; returns at once. */
int rpc_server_start(struct rpc_server *server, struct error *err);

/*
 * GOAWAY, end the streams with UNAVAILABLE, finish the unary calls under way within `grace_ms`,
 * cancel the rest, join all threads, remove the sockets, free. Returns only when every handler
 * has returned: one that blocks must look at rpc_call_is_cancelled. NULL is fine.
 */
void rpc_server_stop(struct rpc_server *server, unsigned grace_ms);

/* --- inside a handler --- */

/* The `context` of the method that was called. */
const void *rpc_call_context(const struct rpc_call *call);

/*
 * Send one message of a stream; waits while the peer's window is full. -ECANCELED when the peer
 * hung up, -ETIMEDOUT past its deadline, -ESHUTDOWN when the server stops.
 */
int rpc_call_send(struct rpc_call *call, const ProtobufCMessage *message);

/* True when nobody waits for the answer any more (cancelled, deadline, server stops). */
bool rpc_call_is_cancelled(struct rpc_call *call);

/* Wait at most `timeout_ms` for a cancellation; true if it came. For streams that have nothing
 * to send. */
bool rpc_call_wait_cancelled(struct rpc_call *call, unsigned timeout_ms);

/* Milliseconds until the caller's deadline, 0 when past; -1 when it gave none. */
int rpc_call_remaining_ms(struct rpc_call *call);

#endif
