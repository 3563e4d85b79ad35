/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One life of an iSCSI session: connect, log in, ask the disk who it is, serve commands, end.
 * It never comes back by itself: whoever owns it (probe.c, session.c) closes it and opens it
 * again. libiscsi's own reconnection is switched off, because it resends before anybody could
 * look whether the target still is the same volume, waits in whole seconds (up to 30), replays no
 * write that was acknowledged but not yet flushed, and takes the target's refusal for a
 * reason to try for ever in silence.
 *
 *     CLOSED -> CONNECTING -> LOGIN -> ASKING -> READY -> LOGOUT
 *                    \___________\________\________\________\____-> LOST -> CLOSED
 *
 * Nothing blocks. On one thread; the owner polls the descriptor and keeps the deadlines.
 */
#ifndef INITIATOR_LINK_H
#define INITIATOR_LINK_H

#include <stdbool.h>

#include "initiator/disk.h"
#include "initiator/login.h"

struct iscsi_context;

enum link_state {
	LINK_CLOSED,
	LINK_CONNECTING,
	LINK_LOGIN,
	LINK_ASKING,
	LINK_READY,
	LINK_LOGOUT,
	LINK_LOST, /* `error` says why; only link_close helps */
};

/* A discovery login ends in READY without questions. */
struct link {
	struct iscsi_context *iscsi;
	const struct login *login;
	enum link_state state;
	bool is_refused;    /* LOST: the target answered, and said no */
	bool is_denied;	    /* LOST: it knows us, and does not let us in (any more) */
	bool is_logged_out; /* LOST: because we wanted to */
	struct error error;
	struct disk disk;    /* valid from READY on */
	unsigned question;   /* index, while ASKING */
	unsigned attentions; /* unit attentions in a row, while ASKING */
	bool is_refreshing;
};

/* Begin to connect to `address` (of login_resolve). `link` is zeroed, or closed. `login` stays
 * the caller's, until link_close. -ENOMEM, -ECONNREFUSED and the like. */
int link_open(struct link *link, const struct login *login, const char *address, struct error *err);

/* Drop the connection as it is, with a reset unless logged out: what was not sent yet never will
 * be. Commands in flight end with their callback, cancelled. Never from inside a libiscsi
 * callback. A closed one is fine. */
void link_close(struct link *link);

/* The descriptor, and the poll(2) events that it waits for. Not when CLOSED or LOST. */
int link_fd(const struct link *link);
short link_events(const struct link *link);

/* Do what `revents` allows. Look at `state` afterwards. */
void link_service(struct link *link, short revents);

/* READY: send what is queued, as far as the socket takes it. */
void link_send(struct link *link);

/* READY: ask for the capacity again; `disk` changes some time later. */
void link_refresh(struct link *link);

/* READY: ask whether the target is alive; false if two earlier questions have no answer yet. */
bool link_ping(struct link *link);

/* READY: begin to log out; the link gets LOST with is_logged_out set when it is done. */
void link_logout(struct link *link);

/* Note that the session is of no use. */
void link_lose(struct link *link, int code, const char *reason);

#endif
