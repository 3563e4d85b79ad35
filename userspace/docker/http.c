/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread and one request for each connection. Connections are closed after the answer, so
 * that dockerd never sends a request into one that a restart has just ended: it would come
 * back as a second try with an empty body.
 */
#include "docker/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "docker/peer.h"
#include "docker/plugin.h"

#define CONNECTION_MAX 256
#define CONTENT_TYPE   "application/vnd.docker.plugins.v1.1+json"
#define STOP_AGAIN_MS  20
#define HTTP_NOT_POST  405
#define HTTP_TOO_LARGE 413

struct http {
	struct MHD_Daemon *daemon;
	const struct agent *agent;
	atomic_uint underway; /* requests whose answer is not sent yet */
};

/* A request while its body comes in and its answer goes out. */
struct visit {
	struct exchange exchange;
	char *body;
	size_t len;
	bool is_too_large;
};

static int connection_fd(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static struct visit *visit_new(struct http *http)
{
	struct visit *visit = calloc(1, sizeof(*visit));

	if (!visit)
		return NULL;
	visit->exchange.agent = http->agent;
	atomic_fetch_add(&http->underway, 1);
	return visit;
}

static enum MHD_Result body_add(struct visit *visit, const char *data, size_t len)
{
	char *body;

	if (visit->len + len > REQUEST_BODY_MAX) {
		visit->is_too_large = true;
		return MHD_YES;
	}
	body = realloc(visit->body, visit->len + len);
	if (!body)
		return MHD_NO;
	memcpy(body + visit->len, data, len);
	visit->body = body;
	visit->len += len;
	return MHD_YES;
}

static enum MHD_Result answer_send(struct MHD_Connection *connection,
				   const struct exchange *exchange)
{
	char *text = json_dumps(exchange->answer, JSON_COMPACT);
	struct MHD_Response *response;
	enum MHD_Result sent;

	if (!text)
		return MHD_NO;
	response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	sent = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, CONTENT_TYPE) &&
			       MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION,
						       "close") &&
			       MHD_queue_response(connection, exchange->status, response)
		       ? MHD_YES
		       : MHD_NO;
	MHD_destroy_response(response);
	return sent;
}

/* The whole request is there. MHD_NO closes the connection without a byte. */
static enum MHD_Result visit_answer(struct visit *visit, struct MHD_Connection *connection,
				    const char *url, const char *method)
{
	struct exchange *exchange = &visit->exchange;
	int fd = connection_fd(connection);
	struct error err = {0};

	if (strcmp(method, MHD_HTTP_METHOD_POST) != 0) {
		exchange_refuse(exchange, HTTP_NOT_POST, "volume drivers are called with POST");
	} else if (visit->is_too_large) {
		exchange_refuse(exchange, HTTP_TOO_LARGE, "the request is too large");
	} else if (peer_instance(fd, exchange->instance, &err) < 0) {
		log_warn("refused call=%s: %s", url, err.text);
		return MHD_NO;
	} else {
		exchange_handle(exchange, url, visit->body, visit->len);
	}
	if (!exchange->answer || peer_is_gone(fd))
		return MHD_NO;
	return answer_send(connection, exchange);
}

/* Called for the headers, then for each piece of the body, then once more at its end. */
static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **visit_slot)
{
	struct http *http = owner;
	struct visit *visit = *visit_slot;
	size_t len = *data_len;

	if (!visit) {
		*visit_slot = visit_new(http);
		return *visit_slot ? MHD_YES : MHD_NO;
	}
	*data_len = 0;
	if (len > 0)
		return body_add(visit, data, len);
	return visit_answer(visit, connection, url, method);
}

static void on_completed(void *owner, struct MHD_Connection *connection, void **visit_slot,
			 enum MHD_RequestTerminationCode code)
{
	struct http *http = owner;
	struct visit *visit = *visit_slot;

	if (!visit)
		return;
	*visit_slot = NULL;
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		exchange_undo(&visit->exchange);
	exchange_fini(&visit->exchange);
	free(visit->body);
	free(visit);
	atomic_fetch_sub(&http->underway, 1);
}

int http_start(int listen_fd, const struct agent *agent, struct http **out_http, struct error *err)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return error_set(err, -ENOMEM, "no memory");
	http->agent = agent;
	http->daemon = MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			MHD_USE_ITC,
		0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, listen_fd,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTION_MAX, MHD_OPTION_END);
	if (!http->daemon) {
		free(http);
		return error_set(err, -EIO, "the HTTP server cannot be started");
	}
	*out_http = http;
	return 0;
}

void http_stop(struct http *http, unsigned grace_ms)
{
	struct timespec pause = {.tv_nsec = STOP_AGAIN_MS * 1000000L};

	if (!http)
		return;
	(void)MHD_quiesce_daemon(http->daemon); /* the socket stays the caller's */
	for (unsigned waited_ms = 0; waited_ms < grace_ms && atomic_load(&http->underway) > 0;
	     waited_ms += STOP_AGAIN_MS)
		(void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
	MHD_stop_daemon(http->daemon);
	free(http);
}
