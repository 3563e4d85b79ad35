/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Repair of a pool that nobody has open. It invents no data and destroys none: all that is sound is
 * kept, a range that cannot be read answers -ENODATA from then on (never zeros, never what a layer
 * below has), bitmaps and counters are counted anew. The new metadata is written into free slots,
 * beside the old; the old superblocks are kept, and the pool opens read-only until repair_keep
 * accepts the new ones or repair_undo brings the old ones back.
 */
#ifndef STORE_REPAIR_H
#define STORE_REPAIR_H

#include "store/check_image.h"

struct repair_settings {
	struct uuid boot_id; /* as in struct pool_settings */
	bool is_dry_run;     /* say what would be done; write nothing */
	void (*found)(void *owner, const struct finding *finding);
	void (*did)(void *owner, const char *sentence); /* about each thing that was decided */
	void *owner;
};

struct repair_report {
	uint64_t findings;
	uint64_t lost_leaves; /* given up now: 31.5 MiB each */
	uint64_t lost_layers; /* given up as a whole */
	uint64_t found_again; /* pages proven by what they say of themselves */
	uint64_t pages_written;
};

/*
 * 1: repaired; 0: nothing was wrong, nothing was written. -ENOSPC: no free slots, nothing was
 * changed; -EALREADY: an earlier repair waits for its decision; -ENODATA, -EINVAL: no superblock
 * is left, or there is no pool here; -EIO: writing failed, and the old superblocks count still.
 */
int repair_pool(struct offline *offline, const struct repair_settings *settings,
		struct repair_report *out_report, struct error *err);

/* Accept what a repair made: the pool opens for writing again. -ENOENT: none waits for that. */
int repair_keep(struct offline *offline, struct error *err);

/* Back to the superblocks before the repair, byte by byte. -ENOENT as above, -ENODATA. */
int repair_undo(struct offline *offline, struct error *err);

#endif
