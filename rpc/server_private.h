/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the server, split over server.c (life), server_io.c (the I/O thread's loop),
 * server_conn.c (connections and their streams), server_call.c (calls: from request to status).
 *
 * The I/O thread owns connections and streams. A call is shared: the fields under "shared" are
 * guarded by server->lock, the others belong to the I/O thread, or to the worker while
 * is_dispatched. A worker hands a call back through the list `ready`; only the I/O thread frees.
 */
#ifndef RPC_SERVER_PRIVATE_H
#define RPC_SERVER_PRIVATE_H

#include <poll.h>
#include <pthread.h>

#include "base/list.h"
#include "rpc/clock.h"
#include "rpc/frame.h"
#include "rpc/header.h"
#include "rpc/link.h"
#include "rpc/server.h"
#include "rpc/socket.h"
#include "rpc/workers.h"

#define SERVER_LISTENER_MAX 8
#define SERVER_PATH_SIZE    128

struct rpc_server {
	struct rpc_server_settings settings; /* with the defaults filled in */
	struct listener listeners[SERVER_LISTENER_MAX];
	unsigned listener_count;
	struct workers *workers;
	pthread_t io_thread;
	bool is_started;
	int wake_fd; /* eventfd: the I/O thread has something to look at */

	/* the I/O thread's */
	struct pollfd *poll_fds;
	struct conn **poll_conns; /* parallel, NULL for the wake-up and listeners */
	size_t poll_count, poll_size;
	struct list conns;
	struct list calls;
	unsigned conn_count;
	unsigned call_count;   /* taken on, not those being refused */
	unsigned stream_count; /* of them, with a thread of their own */
	size_t request_bytes;
	uint64_t next_check_ms; /* when a time limit may have passed */
	uint64_t accept_after_ms;
	bool has_said_goaway;
	bool has_cancelled;

	/* shared */
	pthread_mutex_t lock;
	struct list ready;
	bool is_stopping;
	uint64_t stop_by_ms;
};

struct conn {
	struct rpc_server *server;
	struct list_node node;
	struct link link;
	struct list calls;
	bool is_dead; /* freed at the end of the turn */
	uint64_t greet_by_ms;
	uint64_t write_by_ms; /* while the socket is full */
	uint64_t idle_since_ms;
	char status_text[12]; /* for the trailer that is being made */
	char message_text[HEADER_PERCENT_SIZE(sizeof(((struct error *)0)->text))];
};

struct rpc_call {
	struct rpc_server *server;
	struct conn *conn; /* NULL once the stream is gone */
	int32_t stream_id;
	struct list_node in_conn;
	struct list_node in_server;

	/* from the header */
	const struct rpc_method *method;
	char path[SERVER_PATH_SIZE]; /* empty if longer */
	size_t header_bytes;
	bool is_post, is_grpc, has_bad_timeout;
	bool has_header;     /* complete */
	uint64_t timeout_ms; /* as the caller gave it; CLOCK_NEVER if it gave none */
	uint64_t started_ms;

	struct frame_reader reader;
	size_t counted_bytes; /* of the request, in server->request_bytes */
	uint8_t *request;
	size_t request_len;
	bool is_counted;    /* in server->call_count */
	bool is_alone;	    /* in server->stream_count */
	bool is_dispatched; /* with the workers */
	bool is_answered;   /* our header went out */
	uint64_t request_by_ms;
	uint64_t deadline_ms;
	uint64_t answer_by_ms; /* for the peer to take the whole answer */

	/* shared */
	struct work work;
	struct list_node in_ready;
	pthread_cond_t changed;
	int cancelled; /* 0, -ECANCELED, -ETIMEDOUT, -ESHUTDOWN */
	uint8_t *out;  /* the message on its way, framed */
	size_t out_len, out_sent;
	bool has_sent;	  /* some message was given to us */
	bool is_finished; /* the handler has returned */
	bool is_decided;  /* status and message stand */
	unsigned http_status;
	enum rpc_status status;
	char message[sizeof(((struct error *)0)->text)];
};

/* server_io.c */
void *server_io_run(void *server);
void server_wake(struct rpc_server *server); /* any thread */
void server_check_by(struct rpc_server *server, uint64_t time_ms);

/* server_conn.c */
int conn_new(struct rpc_server *server, int fd); /* takes fd */
void conn_free(struct conn *conn);
void conn_read(struct conn *conn);
void conn_write(struct conn *conn);
void conn_check_times(struct conn *conn, uint64_t now_ms);

/* server_request.c: the callbacks of a stream make a request of it */
extern const struct http2_ops request_ops;

/* server_call.c, on the I/O thread */
struct rpc_call *call_new(struct conn *conn, int32_t stream_id);
void call_detach(struct rpc_call *call);    /* its stream is gone */
void call_dispatch(struct rpc_call *call);  /* the request is complete */
void call_take_back(struct rpc_call *call); /* a worker has put it on the ready list */
void call_check_times(struct rpc_call *call, uint64_t now_ms);

/* End it now with a status; nothing more of a stream is sent. What a handler says is ignored. */
void call_end(struct rpc_call *call, enum rpc_status status, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* The same, and tell the handler, which sees `code`. */
void call_cancel(struct rpc_call *call, int code, const char *message);

/* Of a stream's body and trailer, as http2_ops wants them. */
size_t call_pull(void *call, uint8_t *buf, size_t len, bool *out_end);
size_t call_trailer(void *call, struct http2_header *headers, size_t max);

#endif
