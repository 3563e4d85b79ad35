/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of the space of a volume or snapshot that was deleted. */
#ifndef CTL_DELETION_H
#define CTL_DELETION_H

#include "ctl/command.h"
#include "rpc/node.pb-c.h"

/* Print the answer to a deletion; `snapshots` of the volume stay (NULL: it was none). */
void deletion_print(const struct call *call, const Berth__V1__Deleted *deleted,
		    const size_t *snapshots);

#endif
