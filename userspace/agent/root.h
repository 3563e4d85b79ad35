/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root folder of a fresh file system, as an image or a database wants to find it: empty (an
 * ext4 lost+found stops Docker's copy-up and initdb), with the owner and mode that were asked for.
 */
#ifndef AGENT_ROOT_H
#define AGENT_ROOT_H

#include <sys/types.h>

#include "base/error.h"

/* "uid:gid", both numbers; "" leaves both as (uid_t)-1, which chown(2) takes for "as it is". */
int root_parse_owner(const char *owner, uid_t *out_uid, gid_t *out_gid, struct error *err);

/* One to four octal digits; "" is 0755. */
int root_parse_mode(const char *mode, mode_t *out_mode, struct error *err);

/* See helper_prepare_root. Runs in a child; durable on return. */
int root_prepare(const char *folder, const char *owner, const char *mode, struct error *err);

#endif
