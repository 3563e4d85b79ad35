/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thin device and the space under it: how much it has taken, how much it can still have, the
 * thresholds at which its users want to hear of it, and how they hear. A device has this if its
 * limits say has_thresholds; the others need not know of it.
 *
 * On the thread of the device, like all of struct block.
 */
#ifndef BLOCK_SPACE_H
#define BLOCK_SPACE_H

#include "block/block.h"

/* In bytes; 0: no threshold. They are told in whole MiB. */
#define BLOCK_THRESHOLD_UNIT_BYTES (UINT64_C(1) << 20)

struct block_thresholds {
	uint64_t used_bytes;	  /* so much is taken, or more */
	uint64_t available_bytes; /* so much can be had, or less */
	bool tells_one;		  /* kept for the user, who then tells only one of its own users */
};

struct block_space {
	uint64_t used_bytes;
	uint64_t available_bytes;	 /* shared with others, who may take it first */
	struct block_thresholds current; /* what counts */
	struct block_thresholds saved;	 /* what counts after the device was opened anew */
	/* As available_bytes, but for all who share the space, and not to be changed from here. */
	uint64_t shared_threshold_bytes;
};

struct block_space_ops {
	void (*describe)(struct block *block, struct block_space *out_space);
	void (*set_thresholds)(struct block *block, const struct block_thresholds *thresholds);
};

enum block_event {
	BLOCK_USED_THRESHOLD, /* crossed, once until it recedes */
	BLOCK_AVAILABLE_THRESHOLD,
	BLOCK_SHARED_THRESHOLD,
	BLOCK_THRESHOLDS_CHANGED, /* by someone else than block_set_thresholds */
};

/* Someone who wants to hear of events: embedded in his own struct. */
struct block_watch {
	/* Never from inside a call into the device; may not end the watch of another. */
	void (*happened)(struct block_watch *watch, enum block_event event);
	struct block_watch *next; /* the device's */
};

/* has_thresholds only. */
void block_describe_space(struct block *block, struct block_space *out_space);

/* They count from now on, and are forgotten with the device; BLOCK_SAVE_THRESHOLDS keeps them. */
void block_set_thresholds(struct block *block, const struct block_thresholds *thresholds);

/* Any device, before it is closed; one that has no events never calls. */
void block_watch_start(struct block *block, struct block_watch *watch);
void block_watch_stop(struct block *block, struct block_watch *watch);

/* For implementations: tell all who watch. */
void block_tell(struct block *block, enum block_event event);

#endif
