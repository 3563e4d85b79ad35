/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's request as one SCSI command after the other, on a link. */
#ifndef INITIATOR_COMMAND_H
#define INITIATOR_COMMAND_H

#include "initiator/link.h"
#include "initiator/sense.h"
#include "initiator/session.h"

/* Whether the disk can be asked for this at all; 0 or -EINVAL, -EOPNOTSUPP. */
int command_check(const struct session_request *request, const struct disk *disk);

/*
 * Queue the command for the part of the request that is not finished yet. When it ends
 * command_ended runs, from link_service or link_close. -ENOMEM: nothing was queued.
 */
int command_send(struct session_request *request, struct link *link);

/* Implemented by session.c. */
void command_ended(struct session_request *request, struct verdict verdict);

#endif
