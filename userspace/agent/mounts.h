/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of mounts of this mount namespace, mounting and unmounting, by libmount. Unmounting is
 * always the plain kind: a busy file system stays where it is.
 *
 * Reading the table never touches a file system and cannot hang. mounts_attach and
 * mounts_detach can: they run in a child (agent/helper.h).
 */
#ifndef AGENT_MOUNTS_H
#define AGENT_MOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define MOUNTS_TABLE "/proc/self/mountinfo"

struct mounts_point {
	unsigned depth; /* how many mounts lie on that folder; 0: none */
	dev_t device;	/* of the uppermost */
	char type[32];	/* of the uppermost: "ext4", "fuse.berth-attach" */
};

/* What is mounted exactly on `folder` (absolute, no symlinks); depth 0 is success. */
int mounts_find(const char *table, const char *folder, struct mounts_point *out_point,
		struct error *err);

/* How many mounts of the block device there are in this namespace. */
int mounts_count_device(const char *table, dev_t device, unsigned *out_count, struct error *err);

int mounts_attach(const char *device, const char *folder, const char *type, const char *options,
		  struct error *err);

/* Unmount the uppermost mount on `folder`. -EBUSY while somebody uses it. */
int mounts_detach(const char *folder, struct error *err);

#endif
