/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool as it lies on a disk, whole or damaged: what every metadata page says, and what the
 * journal changes of it, for the offline tools. Nothing is repaired or guessed here: what cannot
 * be read is told as a finding and left out, and all else is there.
 *
 * Two states are kept side by side. The *base* is the last checkpoint; the *final* one is after
 * the replay, as the next opening would see it. Memory: the bitmaps, 16 bytes for each leaf, 32
 * for each word in the journal.
 */
#ifndef STORE_IMAGE_H
#define STORE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/finding.h"
#include "store/geometry.h"
#include "store/journal.h"
#include "store/offline.h"

struct image_page {
	uint64_t index; /* which page of its level */
	uint64_t place;
	uint16_t level; /* 0: a leaf */
};

struct image_pages {
	struct image_page *items;
	uint64_t count;
	uint64_t capacity;
};

/* A tree of pages: of a layer, of the catalogue, of the bitmaps. */
struct image_tree {
	uint64_t owner;
	uint64_t root;
	uint64_t leaf_count;
	enum format_kind leaf_kind;
	struct image_pages leaves; /* that the index points to, in order */
	struct image_pages index;  /* sound pages above them */
	struct image_pages lost;   /* of any level: cannot be read, or it was said to be lost */
	uint64_t damaged;	   /* of those, found just now */
};

struct image_layer {
	uint32_t id;
	bool is_base;	/* the checkpoint has it, with its tree */
	bool is_final;	/* it is there after the replay */
	uint32_t since; /* changes before this one are of an earlier layer of the same id */
	struct image_tree tree;
	struct format_layer base;
	struct format_layer record; /* final; the root says nothing */
};

enum image_change_kind {
	IMAGE_WORD,
	IMAGE_DROP, /* of the whole leaf */
};

/* What the journal changes of a leaf. */
struct image_change {
	uint64_t leaf;
	uint64_t word;
	uint32_t layer;
	uint32_t order; /* in the journal */
	uint16_t index; /* of the word */
	uint16_t kind;
};

struct image_settings {
	struct uuid boot_id; /* as in struct pool_settings */
	/*
	 * Read on behind a damaged journal record, and look for the pages whose place was in a page
	 * that is damaged: what a repair does, and no opening.
	 */
	bool is_for_repair;
	void (*found)(void *owner, const struct finding *finding);
	void *owner;
};

struct image {
	struct offline *offline;
	struct image_settings settings;
	uint8_t *supers[2]; /* as read; NULL: could not be */
	bool super_is_sound[2];
	const struct format_super *super; /* the one that counts */
	struct uuid uuid;
	struct geometry geometry;

	struct image_tree bitmaps;
	uint64_t *extents; /* as the bitmap pages have them */
	uint64_t *slots;
	uint64_t *bad_regions; /* whose bitmap page cannot be read */
	struct image_tree catalogue;
	uint64_t *bad_pages;	      /* of the catalogue */
	union format_record *base;    /* [id - 1] */
	union format_record *records; /* final */
	uint32_t record_count;
	struct image_layer **layers; /* [id]; NULL */
	uint32_t *layer_ids;	     /* of all layers, ascending */
	uint32_t layer_count;

	struct journal journal;
	uint64_t journal_end;	      /* one past the last record applied */
	uint64_t journal_beyond;      /* one past the last whole record there is */
	uint64_t journal_damaged;     /* records that were durable once and are not there */
	struct image_change *changes; /* by leaf, layer, order */
	uint64_t change_count;
	uint64_t change_capacity;
	uint64_t salvaged; /* pages found by their headers alone */
	struct batch batch;
};

/*
 * Read everything but the leaves. -EINVAL (no pool, or one that this program does not know),
 * -ENODATA (no superblock is left), -ENOMEM; whatever else is wrong is a finding.
 */
int image_open(struct image *image, struct offline *offline, const struct image_settings *settings,
	       struct error *err);
void image_close(struct image *image);

/* Tell of something wrong. */
void image_note(struct image *image, enum finding_kind kind, uint64_t byte, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* --- for the files of the image --- */

int image_read_tree(struct image *image, struct image_tree *tree,
		    int (*on_leaf)(struct image *image, uint64_t index, const void *data));
/* The pages of one level, and all below them. Takes `pages` over. */
int image_read_below(struct image *image, struct image_tree *tree, struct image_pages *pages,
		     unsigned level);
int image_read_layer(struct image *image, uint32_t id);
int image_read_journal(struct image *image);
int image_salvage(struct image *image);
void image_take_catalogue(struct image *image, uint64_t index, const void *data);
int image_add_page(struct image_pages *pages, uint64_t index, uint64_t place, unsigned level);
void image_tree_fini(struct image_tree *tree);

/* The layer of that id, made if it is not known; NULL: no memory, or no such id can be. */
struct image_layer *image_make_layer(struct image *image, uint32_t id);
struct image_layer *image_find_layer(const struct image *image, uint32_t id);

/* Room for records up to this id; -ENOMEM. */
int image_reach(struct image *image, uint32_t id);

/* Levels of index pages above so many leaves; pages of a level. */
unsigned image_height(uint64_t leaf_count);
uint64_t image_level_count(uint64_t leaf_count, unsigned level);

#endif
