/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's initiator, driven through open-iscsi: iscsiadm and its records. Every record is
 * made by hand for one target and says node.startup and node.session.scan manual: after a boot no
 * session exists until somebody asks for it, and no device appears that nobody asked for.
 *
 * Secrets go into the record's file, never onto a command line, which everybody can read.
 * All functions block up to their deadline; any thread.
 */
#ifndef AGENT_ISCSIADM_H
#define AGENT_ISCSIADM_H

#include <stdint.h>

#include "base/error.h"
#include "initiator/login.h"

/* What an exit status of iscsiadm means (its manual page lists them). */
enum iscsiadm_verdict {
	ISCSIADM_DONE,	/* also: a session that exists already, or none that could be ended */
	ISCSIADM_AGAIN, /* iscsid was not reached or is busy */
	ISCSIADM_FAILED,
};

/* Pure. `out_code` is a negative errno when FAILED. */
enum iscsiadm_verdict iscsiadm_judge(int exit_status, int *out_code);

/*
 * A record's text with these settings: lines of other settings stay as they are, secrets of an
 * earlier login go. `replacement_timeout_s` 0: I/O waits for ever. The caller frees. -ENOMEM. Pure.
 */
int iscsiadm_edit_record(const char *text, const struct login *login,
			 unsigned replacement_timeout_s, char **out_text, struct error *err);

/* Make the record and log in; a session that exists is success. */
int iscsiadm_login(const struct login *login, unsigned replacement_timeout_s, int64_t deadline_ms,
		   struct error *err);

/* Log out and delete the record; neither there is success. */
int iscsiadm_logout(const char *target_name, const char *portal, int64_t deadline_ms,
		    struct error *err);

#endif
