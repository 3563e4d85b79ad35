/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's iSCSI sessions and their disks as sysfs shows them: session -> SCSI host -> LUN 0 ->
 * block device. Names like sdb and links by path are never the way to a disk, because they may
 * be another's by the time they are used.
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include <limits.h>
#include <stdint.h>

#include "base/error.h"

struct session_place {
	char folder[PATH_MAX]; /* of the session: .../hostH/sessionS; "" when there is none */
	unsigned host;
};

/* The session with that target; an empty folder if there is none. */
int session_find(const char *target_name, struct session_place *out_place, struct error *err);

/* "sda", the block device of LUN 0 of that session; "" if there is none (yet). */
int session_disk(const struct session_place *place, char out_name[64], struct error *err);

/* Ask the kernel to look for LUN 0, and wait until its disk is there and udev knows it. */
int session_scan(const struct session_place *place, int64_t deadline_ms, char out_name[64],
		 struct error *err);

#endif
