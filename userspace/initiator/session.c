/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initiator/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "initiator/clock.h"
#include "initiator/command.h"
#include "initiator/probe.h"
#include "initiator/session_state.h"

#define PAUSE_MS	  20   /* after BUSY and the like */
#define TRIES_TELL	  100  /* about two seconds of BUSY */
#define FLUSH_RETRY_MS	  1000 /* own flush failed */
#define LOGOUT_TIMEOUT_MS 1000

static bool request_is_write(const struct session_request *request)
{
	return request->kind != SESSION_READ && request->kind != SESSION_FLUSH;
}

void session_requeue(struct session *session, struct session_request *request)
{
	list_prepend(request == &session->replay ? &session->replay_queue : &session->pending,
		     &request->link);
}

/* --- ends --- */

static void parked_end(struct session *session, uint64_t number, int result)
{
	list_for_each_safe (&session->parked, request, struct session_request, link) {
		if (request->number >= number)
			continue;
		list_remove(&request->link);
		request->done(request, result);
	}
}

/* A flush was answered: what had been acknowledged when it was sent is durable. */
static void flush_end(struct session *session, struct session_request *request, int result)
{
	uint64_t number = request->number;

	if (result == 0) {
		unflushed_drop(&session->unflushed, number);
		parked_end(session, number, 0);
	}
	if (request == &session->own_flush) {
		session->own_flush_is_active = false;
		if (result < 0) { /* nobody else waits for these, and they aren't durable */
			session->own_flush_at_ms = clock_now_ms() + FLUSH_RETRY_MS;
			parked_end(session, UINT64_MAX, result);
		}
		return;
	}
	if (result == 0 && session->write_error < 0)
		result = -EIO;
	session->write_error = 0;
	request->done(request, result);
}

/* A write was acknowledged: remember it until a flush. */
static void write_end(struct session *session, struct session_request *request)
{
	const struct unflushed_entry head = {
		.offset = request->offset,
		.length = request->length,
		.data_len = request->kind == SESSION_WRITE ? (uint32_t)request->length : 0,
		.kind = request->kind,
	};

	request->number = unflushed_add(&session->unflushed, &head, request->data);
	if (request->number != 0) {
		request->done(request, 0);
		return;
	}
	request->number = unflushed_number(&session->unflushed);
	list_append(&session->parked, &request->link);
}

static void request_end(struct session *session, struct session_request *request, int result)
{
	if (request == &session->replay)
		outage_replayed(session, result);
	else if (request->kind == SESSION_FLUSH)
		flush_end(session, request, result);
	else if (request_is_write(request) && result == 0)
		write_end(session, request);
	else
		request->done(request, result);
}

void session_fail_pending(struct session *session, int result)
{
	struct list_node *node;

	while ((node = list_take_first(&session->pending)))
		request_end(session, list_entry(node, struct session_request, link), result);
}

static void request_again(struct session *session, struct session_request *request, bool is_pause)
{
	if (is_pause)
		session->pause_until_ms = clock_now_ms() + PAUSE_MS;
	if (++request->tries == TRIES_TELL)
		session_tell(session, SESSION_BUSY, session->settings.login.portal);
	session_requeue(session, request);
}

void command_ended(struct session_request *request, struct verdict verdict)
{
	struct session *session = request->session;

	list_remove(&request->link);
	session->in_flight_count--;
	switch (verdict.kind) {
	case VERDICT_DONE:
		request->tries = 0;
		request->finished_bytes += request->command_bytes;
		if (verdict.result == 0 && request->finished_bytes < request->length)
			session_requeue(session, request);
		else
			request_end(session, request, verdict.result);
		return;
	case VERDICT_RESIZE:
		if (session->link.state == LINK_READY)
			link_refresh(&session->link);
		request_again(session, request, false);
		return;
	case VERDICT_AGAIN: /* one command for each attention; more come from a broken target */
		request_again(session, request, request->tries % 16 == 15);
		return;
	case VERDICT_LATER:
		request_again(session, request, true);
		return;
	case VERDICT_LOST:
		session_requeue(session, request);
		if (session->link.state == LINK_READY)
			link_lose(&session->link, -ECONNRESET, "the connection broke");
		return;
	}
}

/* --- sending --- */

/* False: the link can take no more. */
static bool request_send(struct session *session, struct session_request *request)
{
	int ret = command_check(request, &session->disk);

	if (ret < 0 || (request->length == 0 && request->kind != SESSION_FLUSH)) {
		request_end(session, request, ret);
		return true;
	}
	if (request->kind == SESSION_FLUSH)
		request->number = session->unflushed.next_number;
	list_append(&session->in_flight, &request->link);
	session->in_flight_count++;
	if (command_send(request, &session->link) == 0)
		return true;
	list_remove(&request->link);
	session->in_flight_count--;
	session_requeue(session, request);
	link_lose(&session->link, -ENOMEM, "no memory for a command");
	return false;
}

static void own_flush_start(struct session *session, uint64_t now)
{
	struct session_request *flush = &session->own_flush;

	if (session->own_flush_is_active || now < session->own_flush_at_ms ||
	    (list_is_empty(&session->parked) && !unflushed_is_half_full(&session->unflushed)))
		return;
	memset(flush, 0, sizeof(*flush));
	flush->kind = SESSION_FLUSH;
	flush->session = session;
	session->own_flush_is_active = true;
	list_prepend(&session->pending, &flush->link);
}

static struct list *session_queue(struct session *session)
{
	return session->phase == PHASE_REPLAY ? &session->replay_queue : &session->pending;
}

/* Something waits that could go out now, or when the pause is over. */
static bool session_can_send(struct session *session)
{
	return session->link.state == LINK_READY && session->phase != PHASE_DOWN &&
	       session->in_flight_count < session->settings.queue_depth &&
	       !list_is_empty(session_queue(session));
}

static void session_pump(struct session *session, uint64_t now)
{
	if (session->is_failing)
		session_fail_pending(session, -EIO);
	if (session->phase == PHASE_SERVE)
		own_flush_start(session, now);
	/* Sending may end the replay: the queue is looked up anew for each request. */
	while (session_can_send(session) && now >= session->pause_until_ms) {
		struct list_node *node = list_take_first(session_queue(session));

		if (!request_send(session, list_entry(node, struct session_request, link)))
			return;
	}
}

/* --- the outside --- */

void session_submit(struct session *session, struct session_request *request)
{
	request->session = session;
	request->task = NULL;
	request->finished_bytes = 0;
	request->tries = 0;
	list_append(&session->pending, &request->link);
}

void session_service(struct session *session, short revents)
{
	uint64_t now = clock_now_ms();

	if (session->link.state != LINK_CLOSED)
		link_service(&session->link, revents);
	outage_step(session, now);
	session_pump(session, now);
	/* What was queued just now goes out at once, without another poll. */
	if (session->link.state == LINK_READY)
		link_send(&session->link);
}

int session_poll(struct session *session, struct pollfd *out_poll)
{
	uint64_t now = clock_now_ms();
	uint64_t wake = now + 1000; /* at least: deadlines that are not worth a line each */

	*out_poll = (struct pollfd){.fd = -1};
	switch (session->link.state) {
	case LINK_LOST:
		return 0;
	case LINK_CLOSED:
		if (!session->is_over)
			wake = MIN(wake, session->retry_at_ms);
		break;
	default:
		out_poll->fd = link_fd(&session->link);
		out_poll->events = link_events(&session->link);
		break;
	}
	if (session_can_send(session))
		wake = MAX(now, session->pause_until_ms);
	return wake > now ? (int)(wake - now) : 0;
}

const struct disk *session_disk(const struct session *session)
{
	return &session->disk;
}

void session_refresh(struct session *session)
{
	if (session->link.state == LINK_READY)
		link_refresh(&session->link);
}

bool session_is_connected(const struct session *session)
{
	return session->phase != PHASE_DOWN;
}

bool session_is_clean(const struct session *session)
{
	return list_is_empty(&session->pending) && list_is_empty(&session->in_flight) &&
	       list_is_empty(&session->parked) && unflushed_is_empty(&session->unflushed);
}

/* Serve until `is_over`, at most until the deadline. */
static void session_run(struct session *session, bool (*is_over)(const struct session *),
			uint64_t deadline_ms)
{
	while (!is_over(session) && clock_now_ms() < deadline_ms) {
		struct pollfd poll_fd;
		int timeout = MIN(session_poll(session, &poll_fd), 100);

		if (poll(&poll_fd, 1, timeout) < 0)
			poll_fd.revents = 0; /* EINTR: look again */
		session_service(session, poll_fd.revents);
	}
}

int session_open(const struct session_settings *settings, unsigned timeout_ms,
		 struct session **out_session, struct error *err)
{
	struct session *session;
	int ret;

	assert(settings->on_event && settings->queue_depth > 0);
	session = calloc(1, sizeof(*session));
	if (!session)
		return error_set(err, -ENOMEM, "no memory for a session");
	session->settings = *settings;
	session->settings.login.port_number = login_port_number(&settings->uuid);
	list_init(&session->pending);
	list_init(&session->in_flight);
	list_init(&session->parked);
	list_init(&session->replay_queue);
	if (unflushed_init(&session->unflushed, settings->unflushed_bytes) < 0) {
		ret = error_set(err, -ENOMEM, "no memory for %zu bytes of unflushed writes",
				settings->unflushed_bytes);
		goto fail;
	}
	/* Twice in, but the sentences of the blocking probe are made for people. */
	ret = probe_target(&settings->login, timeout_ms, &session->disk, err);
	if (ret < 0)
		goto fail;
	ret = disk_check_identity(&session->disk, &settings->uuid, err);
	if (ret < 0)
		goto fail;
	ret = login_resolve(&settings->login, session->address, err);
	if (ret < 0)
		goto fail;
	session->down_since_ms = clock_now_ms();
	session->backoff_ms = 100;
	outage_connect(session, session->down_since_ms);
	session_run(session, session_is_connected, session->down_since_ms + timeout_ms);
	if (!session_is_connected(session)) {
		ret = error_set(err, -ETIMEDOUT, "portal %s answered once and then no more",
				settings->login.portal);
		goto fail;
	}
	*out_session = session;
	return 0;
fail:
	session_close(session);
	return ret;
}

static bool link_is_down(const struct session *session)
{
	return session->link.state == LINK_LOST || session->link.state == LINK_CLOSED;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	if (session->link.state == LINK_READY) {
		link_logout(&session->link);
		while (!link_is_down(session)) {
			struct pollfd poll_fd = {.fd = link_fd(&session->link),
						 .events = link_events(&session->link)};

			if (poll(&poll_fd, 1, LOGOUT_TIMEOUT_MS) <= 0)
				break;
			link_service(&session->link, poll_fd.revents);
		}
	}
	link_close(&session->link);
	list_append_all(&session->pending, &session->parked);
	session_fail_pending(session, -ECANCELED);
	unflushed_fini(&session->unflushed);
	free(session);
}
