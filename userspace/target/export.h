/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An export: a target name with its LUN, who may log in, and the sessions on it. Belongs to its
 * reactor; what other threads read is under target->lock (reactor.h).
 */
#ifndef TARGET_EXPORT_H
#define TARGET_EXPORT_H

#include "base/list.h"
#include "iscsi/pdu_response.h"
#include "target/lun.h"
#include "target/reactor.h"

struct session;

struct export
{
	struct list_node link; /* target->exports */
	struct target *target;
	struct reactor *reactor;
	char name[ISCSI_NAME_SIZE];
	struct target_access *access; /* under target->lock, changed by the reactor only */
	unsigned access_count;

	/* The reactor's. */
	struct lun *lun;
	struct list sessions; /* struct session */
	struct list arrivals; /* struct conn, whose login waits for the end of an older session */
	struct list quiet;    /* struct call, waiting until no session is ending */
	struct list resets;   /* struct command: task management waiting for its victims */
	uint32_t abort_number;
};

/* With target->lock held. NULL: no such name. */
struct export *export_find(struct target *target, const char *name);

/* With target->lock held. The entry of an initiator, NULL if it may not log in. */
const struct target_access *export_access(const struct export *export, const char *initiator);

/* login_host.authorize (login.h). */
enum login_status export_authorize(struct login_host *host, const struct login *login,
				   struct target_access *out_access);

/* --- on the reactor --- */

/* Drop the sessions that `may_stay` (NULL: none) does not let live. */
void export_stop_sessions(struct export *export, bool (*may_stay)(const struct session *session),
			  const char *reason);

/* TARGET COLD RESET: end every session, after what is queued for it. */
void export_reset_cold(struct export *export);

/* No session is ending: nothing of one that was stopped touches the block any more. */
bool export_is_quiet(const struct export *export);

/* A session is gone, or a command that was aborted: see who waited for it. */
void export_session_ended(struct export *export);
void export_command_ended(struct export *export);

#endif
