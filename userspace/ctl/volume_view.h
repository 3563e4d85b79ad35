/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How volumes are shown. */
#ifndef CTL_VOLUME_VIEW_H
#define CTL_VOLUME_VIEW_H

#include "ctl/command.h"
#include "rpc/node.pb-c.h"

/* All that is known of one. */
void volume_print(const struct call *call, const Berth__V1__Volume *volume);

/* A table of many. */
void volumes_print(const struct call *call, const Berth__V1__ListVolumesReply *reply);

#endif
