/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeping a session connected. An outage begins when the link is lost and ends when the target
 * has let us in again, is still the same volume, and has got the unflushed writes once more.
 * Only then a request leaves the host.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "initiator/clock.h"
#include "initiator/command.h"
#include "initiator/session_state.h"

#define LOGIN_TIMEOUT_MS       10000U
#define BACKOFF_MIN_MS	       100U
#define BACKOFF_MAX_MS	       2000U
#define BACKOFF_REFUSED_MIN_MS 1000U
#define BACKOFF_REFUSED_MAX_MS 5000U
#define PING_INTERVAL_MS       5000 /* two without an answer: the link is lost */

void outage_connect(struct session *session, uint64_t now)
{
	struct error err;

	session->login_deadline_ms = now + LOGIN_TIMEOUT_MS;
	if (link_open(&session->link, &session->settings.login, session->address, &err) < 0) {
		session->link.login = &session->settings.login;
		link_lose(&session->link, err.code, err.text);
	}
}

/* Everything that was sent waits to be sent again, from its beginning: the part of a write that
 * was acknowledged is in nobody's memory but the request's own. */
static void requests_rewind(struct session *session)
{
	list_append_all(&session->pending, &session->parked);
	list_for_each (&session->pending, request, struct session_request, link)
		request->finished_bytes = 0;
	list_init(&session->replay_queue); /* it starts from its beginning, too */
}

static void outage_begin(struct session *session, uint64_t now)
{
	struct link *link = &session->link;
	struct error reason = link->error;
	bool is_refused = link->is_refused;
	bool is_denied = link->is_denied;

	if (session->phase != PHASE_DOWN)
		session->down_since_ms = now;
	session->phase = PHASE_DOWN;
	link_close(link);
	requests_rewind(session);
	if (!is_denied)
		session->denied_since_ms = 0;
	else if (session->denied_since_ms == 0)
		session->denied_since_ms = now;
	if (!session->is_lost_told) {
		session->is_lost_told = true;
		session_tell(session, SESSION_LOST, reason.text);
	}
	if (is_refused && !session->is_refused_told) {
		session->is_refused_told = true;
		session_tell(session, SESSION_REFUSED, reason.text);
	}
	if (is_refused)
		session->backoff_ms = MAX(session->backoff_ms, BACKOFF_REFUSED_MIN_MS);
	session->retry_at_ms = now + session->backoff_ms;
	session->backoff_ms =
		MIN(session->backoff_ms * 2, is_refused ? BACKOFF_REFUSED_MAX_MS : BACKOFF_MAX_MS);
}

static void outage_end(struct session *session)
{
	session->phase = PHASE_SERVE;
	session->pause_until_ms = 0;
	session->denied_since_ms = 0;
	session->backoff_ms = BACKOFF_MIN_MS;
	if (session->is_lost_told)
		session_tell(session, SESSION_BACK, session->settings.login.portal);
	session->is_lost_told = session->is_refused_told = session->is_failing = false;
}

/* Queue the next unflushed write; after the last one the outage is over. */
static void replay_next(struct session *session)
{
	const struct unflushed_entry *entry =
		unflushed_next(&session->unflushed, &session->replay_cursor);
	struct session_request *replay = &session->replay;

	if (!entry) {
		outage_end(session);
		return;
	}
	memset(replay, 0, sizeof(*replay));
	replay->session = session;
	replay->kind = (enum session_kind)entry->kind;
	replay->offset = entry->offset;
	replay->length = entry->length;
	replay->data = (uint8_t *)(uintptr_t)unflushed_data(entry); /* a WRITE only reads it */
	list_append(&session->replay_queue, &replay->link);
}

void outage_replayed(struct session *session, int result)
{
	char text[128];

	if (result < 0 && session->write_error == 0) {
		session->write_error = result;
		(void)snprintf(text, sizeof(text), "writing %llu bytes at %llu again failed: %s",
			       (unsigned long long)session->replay.length,
			       (unsigned long long)session->replay.offset, strerror(-result));
		session_tell(session, SESSION_DAMAGED, text);
	}
	replay_next(session);
}

/* The target let us in and has answered all questions. */
static void link_is_ready(struct session *session, uint64_t now)
{
	struct link *link = &session->link;

	if (disk_check_identity(&link->disk, &session->settings.uuid, &link->error) < 0 ||
	    link->disk.logical_block_bytes != session->disk.logical_block_bytes) {
		link->is_refused = true;
		link->state = LINK_LOST;
		return;
	}
	session->ping_at_ms = now + PING_INTERVAL_MS;
	session->phase = PHASE_REPLAY;
	session->replay_cursor = 0;
	replay_next(session);
}

static void size_compare(struct session *session)
{
	uint64_t old = session->disk.size_bytes;

	session->disk = session->link.disk;
	if (session->disk.size_bytes != old)
		session_tell(session, SESSION_RESIZED, "");
}

static void link_watch(struct session *session, uint64_t now)
{
	if (now < session->ping_at_ms)
		return;
	session->ping_at_ms = now + PING_INTERVAL_MS;
	if (!link_ping(&session->link))
		link_lose(&session->link, -ETIMEDOUT, "the target has not answered for 15 s");
}

static void failing_check(struct session *session, uint64_t now)
{
	unsigned limit_ms = session->settings.fail_after_ms;

	if (!session->is_over && session->denied_since_ms != 0 &&
	    now - session->denied_since_ms >= SESSION_DENIED_MS) {
		session->is_over = session->is_failing = true;
		link_close(&session->link);
		session_tell(session, SESSION_DENIED, session->settings.login.portal);
	}
	if (session->is_failing || limit_ms == 0 || now - session->down_since_ms < limit_ms)
		return;
	session->is_failing = true;
	session_tell(session, SESSION_FAILING, session->settings.login.portal);
}

void outage_step(struct session *session, uint64_t now)
{
	struct link *link = &session->link;

	if (link->state == LINK_READY && session->phase == PHASE_DOWN)
		link_is_ready(session, now);
	if (link->state == LINK_READY) {
		size_compare(session);
		link_watch(session, now);
	} else if (link->state == LINK_CLOSED) {
		if (now >= session->retry_at_ms && !session->is_over)
			outage_connect(session, now);
	} else if (now >= session->login_deadline_ms) {
		link_lose(link, -ETIMEDOUT, "no login within 10 s");
	}
	if (link->state == LINK_LOST)
		outage_begin(session, now);
	if (session->phase == PHASE_DOWN)
		failing_check(session, now);
}
