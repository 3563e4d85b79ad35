/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loop devices over the file that berth-attach serves, with direct I/O: a block device for hosts
 * whose kernel has no SCSI. loopdev_find reads sysfs and cannot hang; all others open the
 * device or the file and run in a child (agent/helper.h).
 */
#ifndef AGENT_LOOPDEV_H
#define AGENT_LOOPDEV_H

#include "base/error.h"

#define LOOPDEV_NAME_SIZE 32

/*
 * The device over the file of exactly this path: "/dev/loop3", or "" when there is none.
 * `folder` is /sys/block, or a copy of it in tests.
 */
int loopdev_find(const char *folder, const char *file, char out_device[LOOPDEV_NAME_SIZE],
		 struct error *err);

/* Take a free device; -EBUSY when others were quicker too many times, -ENXIO without the driver. */
int loopdev_attach(const char *file, unsigned block_bytes, char out_device[LOOPDEV_NAME_SIZE],
		   struct error *err);

/*
 * Write out what the device holds and detach it, if nobody else has it open; -EBUSY otherwise. A
 * device that is free already, or lies over another file by now, is success and stays as it is.
 */
int loopdev_detach(const char *device, const char *file, struct error *err);

/* Take over the size that the file has now. */
int loopdev_resize(const char *device, struct error *err);

#endif
