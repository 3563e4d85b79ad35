/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has an extent that more than one has: a walk over the pool after the replay. */
#ifndef STORE_IMAGE_OWNERS_H
#define STORE_IMAGE_OWNERS_H

#include "store/image.h"

struct image_owner {
	uint32_t place;
	uint32_t layer;
	uint64_t leaf;
	unsigned index;	     /* of the word in it */
	uint64_t claimed_at; /* in the journal, from 1 on; 0: the checkpoint had it */
};

struct image_owners {
	struct image_owner *items; /* by place, the latest claim first */
	uint64_t count;
	uint64_t capacity;
};

/* All owners of these places, which are sorted here; -ENOMEM. */
int image_owners_find(struct image *image, uint32_t *places, uint64_t count,
		      struct image_owners *out_owners);
void image_owners_fini(struct image_owners *owners);

#endif
