/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a session, shared by its two halves: session.c takes requests and ends them,
 * outage.c keeps the connection. Every request is in exactly one list:
 *
 *     submit -> pending -> in_flight -> done            (READ, FLUSH, failed writes)
 *                  ^           |------> unflushed, done (acknowledged writes)
 *                  |           |------> parked -> done  (the same, when unflushed is full: waits
 *                  |-----------'           |             for the flush that then is sent)
 *                  |-----------------------'  outage
 */
#ifndef INITIATOR_SESSION_STATE_H
#define INITIATOR_SESSION_STATE_H

#include "initiator/link.h"
#include "initiator/session.h"
#include "initiator/unflushed.h"

enum session_phase {
	PHASE_DOWN,   /* no login, or one on its way */
	PHASE_REPLAY, /* unflushed writes are written again, one after the other */
	PHASE_SERVE,
};

struct session {
	struct session_settings settings;
	char address[LOGIN_ADDRESS_SIZE];
	enum session_phase phase;
	struct link link;
	struct disk disk; /* as of the last login or refresh */

	struct list pending;
	struct list in_flight;
	struct list parked;
	unsigned in_flight_count;

	struct unflushed unflushed;
	struct session_request replay; /* alone in replay_queue or in_flight, in PHASE_REPLAY */
	struct list replay_queue;
	size_t replay_cursor;
	int write_error; /* a replay failed: for the next FLUSH */

	struct session_request own_flush; /* makes room in unflushed */
	bool own_flush_is_active;
	uint64_t own_flush_at_ms; /* not before */

	/* All of clock_now_ms. */
	uint64_t pause_until_ms; /* the target is busy */
	uint64_t ping_at_ms;
	uint64_t login_deadline_ms;
	uint64_t retry_at_ms;
	uint64_t down_since_ms;	  /* of PHASE_DOWN */
	uint64_t denied_since_ms; /* every login since then was denied; 0: the last one wasn't */
	unsigned backoff_ms;
	bool is_lost_told, is_refused_told, is_failing;
	bool is_over; /* denied for good: no login is tried any more */
};

/* outage.c: begin to connect; the link is closed. */
void outage_connect(struct session *session, uint64_t now);

/* outage.c: look at the link, and go on from what it has come to. */
void outage_step(struct session *session, uint64_t now);

/* outage.c: the replayed write has ended. */
void outage_replayed(struct session *session, int result);

/* session.c: a request goes back to where it waits to be sent. */
void session_requeue(struct session *session, struct session_request *request);

/* session.c: end everything that is pending with `result`. */
void session_fail_pending(struct session *session, int result);

static inline void session_tell(struct session *session, enum session_event event, const char *text)
{
	session->settings.on_event(session->settings.owner, event, text);
}

#endif
