/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of a repair, for its files. */
#ifndef STORE_REPAIR_STATE_H
#define STORE_REPAIR_STATE_H

#include "store/image_walk.h"
#include "store/repair.h"
#include "store/tally.h"

/* Beside superblock B: both superblocks as they were, and what they are checked by. */
#define REPAIR_OLD_A_BLOCK  257
#define REPAIR_OLD_B_BLOCK  258
#define REPAIR_RECORD_BLOCK 259

struct format_repair {
	struct format_header header;
	uint32_t old_crc[2]; /* CRC32C of the blocks 257 and 258 */
	uint8_t reserved[4024];
};
_Static_assert(sizeof(struct format_repair) == FORMAT_BLOCK_BYTES, "it is a block");

/* A layer as it will be. */
struct repair_layer {
	struct image_pages leaves; /* with new places */
	bool is_changed;	   /* its index has to be written anew */
	bool is_lost;		   /* altogether */
	uint64_t mapped;
	uint64_t shadowed;
	bool is_shadow_unknown;
};

struct lost_leaf {
	uint64_t leaf;
	uint32_t layer;
};

struct repair {
	struct image_walk walk;
	struct image image; /* its `records` become the new ones */
	const struct repair_settings *settings;
	struct repair_report *report;
	uint32_t first_new_id; /* records from here on were made here */
	uint32_t new_records;
	struct repair_layer *layers; /* [id] */
	uint32_t layer_end;
	struct lost_leaf *lost; /* by layer and leaf */
	uint64_t lost_count;
	uint64_t lost_capacity;
	struct tally old; /* pages that the old trees reach */
	struct tally new;
	uint64_t generation;
	struct image_claims claims;
	bool trees_are_whole; /* every page in use was reached */
	uint64_t next_slot;
	uint64_t next_extent;  /* to look at when no slot is left */
	uint64_t spill_extent; /* being filled with pages; 0: none */
	uint32_t spilled;      /* pages in it */
	struct error *err;
};

void repair_say(struct repair *repair, const char *format, ...) PRINTF_LIKE(2, 3);

/* --- repair_catalogue.c: names, heads and parents become possible; -ENOMEM --- */
int repair_catalogue(struct repair *repair);

/* --- repair_salvage.c: pages whose place is lost are found by their headers; -ENOMEM --- */
int repair_salvage(struct repair *repair);

/* --- repair_pages.c --- */

/* Seal a page, write it where nothing is, and answer its place. -ENOSPC, -EIO. */
int repair_put_page(struct repair *repair, void *page, const struct format_identity *identity,
		    uint64_t *out_place);

/* The index above these leaves (sorted); *out_root is 0 if there are none. */
int repair_put_tree(struct repair *repair, uint64_t owner, const struct image_pages *leaves,
		    uint64_t leaf_count, uint64_t *out_root);

/* Pages of a tree that stay as they are are in use from now on. */
void repair_keep_tree(struct repair *repair, const struct image_tree *tree);

/* The catalogue, the bitmaps, and at last the superblocks. */
int repair_put_catalogue(struct repair *repair, uint64_t *out_root);
int repair_put_bitmaps(struct repair *repair, uint64_t *out_root);
int repair_put_supers(struct repair *repair, uint64_t catalogue_root, uint64_t bitmap_root);

#endif
