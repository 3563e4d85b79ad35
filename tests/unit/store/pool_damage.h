/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doing harm to a pool on purpose. A page can be broken (its checksum is wrong afterwards), or
 * changed so that all checksums up to the superblocks are right and only what it says is wrong.
 * The pool must not be open.
 */
#ifndef TESTS_POOL_DAMAGE_H
#define TESTS_POOL_DAMAGE_H

#include "store/image.h"

struct block_queue;

struct damage {
	struct offline offline;
	struct block_queue *queue;
	struct image image; /* as it was before the next harm */
};

/* On this disk, whose queue is driven here. */
void damage_start(struct damage *damage, struct block *disk, struct block_queue *queue);
void damage_stop(struct damage *damage);

/* The block of a page; 0: there is none. `owner` as in a page's header. */
uint64_t damage_block(const struct damage *damage, uint64_t owner, unsigned level, uint64_t index);

/* Flip a byte in the middle of a block. */
void damage_break(struct damage *damage, uint64_t block);

/* Change a page, then every checksum and place above it. */
void damage_change(struct damage *damage, uint64_t owner, uint64_t index,
		   void (*change)(void *page, uint64_t argument), uint64_t argument);

/* Change a record of the catalogue in that way. */
void damage_change_record(struct damage *damage, uint32_t id,
			  void (*change)(union format_record *record, uint64_t argument),
			  uint64_t argument);

#endif
