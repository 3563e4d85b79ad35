/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process of a user attachment, berth-attach: started in a session of its own so that it
 * outlives the agent, and found again by what it is (program, folder, UUID), not by a number
 * in a file: pids are reused, and a crash may come between the start and any note of it.
 */
#ifndef AGENT_SERVER_H
#define AGENT_SERVER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct server_spec {
	const char *program;
	const char *portal;
	const char *target_name;
	const char *initiator;
	const char *uuid;
	const char *folder; /* it serves FOLDER/volume */
	unsigned fail_after_s;
	const char *secrets; /* text for its standard input */
};

/* The process that serves (or is about to serve) the volume there; 0 if there is none. */
int server_find(const char *uuid, const char *folder, pid_t *out_pid, struct error *err);

/* Start one and wait until it serves; its own sentence if it cannot. */
int server_start(const struct server_spec *spec, int64_t deadline_ms, struct error *err);

/*
 * End it: SIGTERM, and SIGKILL when it does not go. The caller has made sure that its file is
 * no longer in use.
 */
int server_stop(pid_t pid, const char *uuid, const char *folder, int64_t deadline_ms,
		struct error *err);

#endif
