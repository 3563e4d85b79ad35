/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Callers hold node->lock. The way from a thread of the control API onto a reactor: each function
 * here runs a request of the store on the reactor's thread and waits for its end. Never called on
 * the reactor itself. Errors are those of the store's functions of the same name.
 */
#ifndef NODE_CONTROL_H
#define NODE_CONTROL_H

#include "node/reactor.h"
#include "store/pool.h"
#include "store/volume.h"

int control_disk_open(struct reactor *reactor, const char *path, struct block **out_disk,
		      struct error *err);
int control_pool_format(struct loop *loop, struct block *disk, const struct pool_format *format,
			struct error *err);
int control_pool_open(struct loop *loop, struct block *disk, const struct pool_settings *settings,
		      struct pool **out_pool, struct error *err);
int control_pool_close(struct loop *loop, struct pool *pool, struct error *err);
int control_pool_grow(struct loop *loop, struct pool *pool, struct error *err);
int control_pool_rename(struct loop *loop, struct pool *pool, const char *name, struct error *err);
int control_pool_set_policy(struct loop *loop, struct pool *pool, const struct pool_policy *policy,
			    struct error *err);
int control_pool_preview(struct loop *loop, struct pool *pool, const char *const *names,
			 unsigned count, uint64_t *out_bytes, struct error *err);
void control_pool_describe(struct loop *loop, struct pool *pool, struct pool_facts *out_facts);

int control_volume_create(struct loop *loop, struct pool *pool, const struct volume_spec *spec,
			  struct error *err);
int control_volume_snapshot(struct loop *loop, struct pool *pool, const struct snapshot_spec *spec,
			    struct error *err);
int control_volume_revert(struct loop *loop, struct pool *pool, const char *name,
			  const char *snapshot, struct error *err);
/* A volume or a snapshot. */
int control_volume_delete(struct loop *loop, struct pool *pool, const char *name,
			  struct error *err);
int control_volume_grow(struct loop *loop, struct pool *pool, const char *name, uint64_t size_bytes,
			struct error *err);

/* What to change of a volume's limits; NULL: it stays as it is. */
struct limits_change {
	const uint64_t *reservation_bytes;
	const uint64_t *limit_bytes;
	const uint64_t *threshold_used_bytes;
	const uint64_t *threshold_available_bytes;
};
int control_volume_set_limits(struct loop *loop, struct pool *pool, const char *name,
			      const struct limits_change *change, struct error *err);
int control_volume_mark_formatted(struct loop *loop, struct pool *pool, const char *name,
				  struct error *err);

/* A volume or a snapshot; -ENOENT if the pool has none of that name. */
int control_volume_describe(struct loop *loop, struct pool *pool, const char *name,
			    struct volume_facts *out_facts);

/*
 * All volumes and snapshots in order of name, in an array that the caller frees; -ENOMEM. Taken in
 * several turns of the reactor, so no volume may be deleted meanwhile.
 */
int control_volume_list(struct loop *loop, struct pool *pool, struct volume_facts **out_list,
			uint32_t *out_count);

/* -ENOENT. Ended by control_block_close, which waits for its requests. */
int control_volume_block(struct loop *loop, struct pool *pool, const char *name,
			 struct block **out_block);
void control_block_close(struct loop *loop, struct block *block);

#endif
