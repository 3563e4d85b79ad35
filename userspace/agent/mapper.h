/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device-mapper device over an attached disk: dm-linear, one segment, the whole disk. Its name
 * is berth-VOLUME, its UUID berth-UUID; a device of that name with another UUID is not ours
 * and is never touched.
 *
 * Suspending and removing may hang, and libdevmapper is not made for threads: all of this runs in
 * a child (agent/helper.h).
 */
#ifndef AGENT_MAPPER_H
#define AGENT_MAPPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define MAPPER_PREFIX "berth-"

struct mapper_state {
	bool exists;
	dev_t disk; /* below its one linear segment; 0 if its table is another (a crash while
		       making) */
};

/* -EEXIST if a device of that name is not ours. */
int mapper_find(const char *name, const char *uuid, struct mapper_state *out_state,
		struct error *err);

/* Make it over the whole of `disk` ("/dev/sda"). */
int mapper_create(const char *name, const char *uuid, const char *disk, struct error *err);

/* Take over the size that the disk has now. */
int mapper_resize(const char *name, const char *uuid, const char *disk, struct error *err);

/* -EBUSY while it is open. One that is not there is success. */
int mapper_remove(const char *name, const char *uuid, struct error *err);

#endif
