/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which metadata slots are taken. A slot is live while the trees in memory point to its page,
 * and durable while those of the last checkpoint do; it may be handed out only when it is
 * neither. So a page that a checkpoint replaces is reused one checkpoint later at the
 * earliest, and a crash at any point finds all pages of the last checkpoint untouched.
 */
#ifndef STORE_SLOT_MAP_H
#define STORE_SLOT_MAP_H

#include <stdint.h>

#include "store/geometry.h"

struct slot_map {
	struct geometry geometry;
	uint64_t *live;
	uint64_t *durable;
	uint64_t *captured; /* live, when the checkpoint under way was captured */
	uint64_t end;	    /* bits in each */
	uint64_t cursor;
	uint64_t live_count;
};

int slot_map_init(struct slot_map *map, const struct geometry *geometry);
void slot_map_fini(struct slot_map *map);

/* The disk has grown; new slots are free. -ENOMEM changes nothing. */
int slot_map_grow(struct slot_map *map, const struct geometry *geometry);

/* While a pool is opened: this slot holds a page of the last checkpoint. */
void slot_map_load(struct slot_map *map, uint64_t slot);

/* A free slot becomes live, near `near` if that is not 0; -ENOSPC. */
int slot_map_take(struct slot_map *map, uint64_t near, uint64_t *out_slot);

/* No tree in memory points to it any more. Harmless if none did. */
void slot_map_drop(struct slot_map *map, uint64_t slot);

/* A checkpoint was captured; later, it is durable. */
void slot_map_capture(struct slot_map *map);
void slot_map_commit(struct slot_map *map);

#endif
