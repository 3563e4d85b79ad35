/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operations on volumes and snapshots share. Each changes the catalogue in memory in one
 * turn of the thread, so all of it is in one commit, and ends when that is durable. If the commit
 * fails the pool is read-only, and the names are as they were before.
 */
#ifndef STORE_VOLUME_OPERATION_H
#define STORE_VOLUME_OPERATION_H

#include "store/operation.h"
#include "store/volume_state.h"

/* An operation on what has this name. NULL: no memory, and the request will say so. */
struct operation *operation_new_named(struct pool *pool, const char *name,
				      struct store_request *request,
				      void (*start)(struct operation *operation));

/* -EROFS, with the pool's own sentence, if nothing can be changed any more. */
int operation_check_writable(const struct operation *operation);

/* The volume or snapshot, of a pool that is writable; NULL with the sentence set. */
struct volume *operation_find(struct operation *operation, const char *name);

/* As operation_find, and it must be a volume. */
struct volume *operation_find_volume(struct operation *operation, const char *name);

/* That nobody uses it (-EBUSY). */
int operation_check_idle(const struct operation *operation, const struct volume *volume);

/* That a volume can have this size (-EINVAL). */
int operation_check_size(const struct operation *operation, const char *name, uint64_t size_bytes);

/* That neither the name nor the UUID is another's (-EEXIST), and the name possible (-EINVAL). */
int operation_check_new(const struct operation *operation, const char *what, const char *name,
			const struct uuid *uuid);

/* An empty layer over `parent` (NULL: over nothing), in the catalogue. -ENOMEM, -ENOSPC. */
int operation_add_layer(struct operation *operation, uint64_t size_bytes, struct layer *parent,
			struct layer **out_layer);

/* Take back what operation_add_layer did; nothing is in it. */
void operation_remove_layer(struct operation *operation, struct layer *layer);

/* A volume that is not in the catalogue yet and has an id there. -ENOMEM, -ENOSPC. */
int operation_new_volume(struct operation *operation, const char *name, const struct uuid *uuid,
			 struct volume **out_volume);

/* This layer is what the volume's name stands for. */
void operation_name_layer(struct volume *volume, struct layer *layer);

/* Who is charged for the layer from now on; NULL: nobody. */
void operation_charge(struct layer *layer, struct volume *owner);

/* Commit what was changed; `done` then calls operation_committed. */
void operation_commit(struct operation *operation, void (*done)(struct waiter *waiter, int result));
void operation_committed(struct waiter *waiter, int result);

#endif
