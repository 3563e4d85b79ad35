/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A slot is a request of the kernel from the moment it is read until its answer: the memory
 * that it is read into, and what becomes of it. All are made at the start; when none is left,
 * no request is read.
 */
#ifndef ATTACH_SLOT_H
#define ATTACH_SLOT_H

#include <stdint.h>

#include "base/list.h"
#include "initiator/session.h"

#define SLOT_HEADER 4096 /* FUSE's own headers before the data of a write */
#define SLOT_SIZE   (SLOT_HEADER + SESSION_COMMAND_MAX)

struct fuse_req;

struct slot {
	struct list_node link; /* in the list of free ones */
	struct server *server;
	uint8_t *memory;       /* SLOT_SIZE bytes */
	struct fuse_req *fuse; /* what is to be answered */
	struct session_request request;
	uint64_t range_end; /* of what fallocate asked for: request.c goes on until there */
	bool range_is_hole; /* PUNCH_HOLE, else ZERO_RANGE */
};

static inline uint8_t *slot_data(const struct slot *slot)
{
	return slot->memory + SLOT_HEADER;
}

#endif
