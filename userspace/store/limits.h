/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thresholds of a volume as its block's users see and set them (block/space.h). */
#ifndef STORE_LIMITS_H
#define STORE_LIMITS_H

#include "block/space.h"

struct volume;

extern const struct block_space_ops limits_space_ops;

/* BLOCK_SAVE_THRESHOLDS: those that count now, into the volume's record. */
void limits_save(struct volume *volume, struct block_io *io);

#endif
