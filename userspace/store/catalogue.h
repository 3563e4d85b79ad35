/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The catalogue: numbered records of 256 bytes, each a volume or a layer, 15 to a page. All of
 * it is in memory. An id is a record's number plus one, so 0 is nobody.
 *
 * A changed record goes to the journal with the next commit; pages are written by checkpoints,
 * which find the changed ones by comparing.
 */
#ifndef STORE_CATALOGUE_H
#define STORE_CATALOGUE_H

#include <stdint.h>

#include "base/list.h"
#include "store/layer.h"

struct volume;

struct catalogue_entry {
	bool is_used; /* also while its removal is not durable yet */
	struct volume *volume;
	struct layer *layer;
};

struct catalogue {
	struct tree tree;
	struct catalogue_entry *entries; /* [id - 1] */
	uint32_t count;			 /* 15 a page */
	struct format_catalogue **pages; /* as on the disk, one a leaf of the tree */
	struct list volumes;		 /* in order of name */
	struct tree_dirt dirt;		 /* layers whose index has changed */
};

/* `pages` as the superblock says; -ENOMEM. */
int catalogue_init(struct catalogue *catalogue, uint64_t pages);

/* Frees the volumes and layers too. */
void catalogue_fini(struct catalogue *catalogue);

/* A free id, the catalogue growing if it must; -ENOMEM, -ENOSPC. It stays free until used. */
int catalogue_find_free(struct catalogue *catalogue, uint32_t after, uint32_t *out_id);

/* Grow so that this id exists (replay); -ENOMEM. */
int catalogue_reach(struct catalogue *catalogue, uint32_t id);

void catalogue_add_layer(struct catalogue *catalogue, struct layer *layer);
void catalogue_add_volume(struct catalogue *catalogue, struct volume *volume);

/* Free for others. The object is the caller's again. */
void catalogue_remove(struct catalogue *catalogue, uint32_t id);

/* NULL if that id is something else. */
struct layer *catalogue_layer(const struct catalogue *catalogue, uint32_t id);
struct volume *catalogue_volume(const struct catalogue *catalogue, uint32_t id);

/* Volumes by name or UUID, also those whose creation is not durable; NULL. */
struct volume *catalogue_find_name(const struct catalogue *catalogue, const char *name);
struct volume *catalogue_find_uuid(const struct catalogue *catalogue, const struct uuid *uuid);

/* The record as it is now. */
void catalogue_encode(const struct catalogue *catalogue, uint32_t id, union format_record *out);

#endif
