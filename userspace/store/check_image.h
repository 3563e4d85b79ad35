/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exact check of a pool that nobody has open: every page read, every extent and slot
 * counted, every counter compared, for the last checkpoint and for the pool as it would be
 * after the replay. Writes nothing. What is wrong is told through the image's `found`.
 */
#ifndef STORE_CHECK_IMAGE_H
#define STORE_CHECK_IMAGE_H

#include "store/image_owners.h"

struct image_report {
	uint32_t volumes;
	uint32_t snapshots;
	uint32_t layers;
	uint32_t hidden_layers; /* nobody's head */
	uint64_t leaves;
	uint64_t pages;	       /* of metadata, leaves too */
	uint64_t mapped;       /* extents, after the replay */
	uint64_t data_extents; /* there are in all */
	uint64_t lost_pages;   /* that an earlier repair gave up: no finding */
	uint64_t words_replayed;
	bool leaks_are_known; /* false: what nobody has may be what could not be read */
	uint64_t unowned;     /* extents in the bitmaps that nobody readable has, in that case */
};

/* What the check knows about extents, for a repair. */
struct image_claims {
	struct image_owners doubled; /* owners of all extents that have more than one */
	uint64_t *extents;	     /* bits: a word of either state has it, or it holds pages */
};
void image_claims_fini(struct image_claims *claims);

/* -ENOMEM. The image may be used further. `out_claims` NULL: nobody wants them. */
int check_image(struct image *image, struct image_report *out_report,
		struct image_claims *out_claims);

/* The catalogue alone: names, heads, parents. Told through `found`; -ENOMEM. */
int check_image_catalogue(struct image *image, struct image_report *report);

#endif
