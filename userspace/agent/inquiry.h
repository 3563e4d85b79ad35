/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is behind a SCSI disk: asked of the disk, by SG_IO, each time. sysfs shows what the kernel
 * was told when it found the disk, which stays the same when the target puts another volume there.
 */
#ifndef AGENT_INQUIRY_H
#define AGENT_INQUIRY_H

#include "base/error.h"

/* 0 if the volume of that UUID is behind `disk` ("/dev/sda"); -ESTALE if another is; what
 * asking failed with. Runs in a child (agent/helper.h). */
int inquiry_identify(const char *disk, const char *uuid, struct error *err);

#endif
