/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pool on a memory disk, driven step by step: what most tests of the store begin with. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/size.h"
#include "block/memory.h"
#include "block/queue.h"
#include "store/state.h"
#include "store/volume.h"
#include "store/volume_state.h"

struct fixture {
	struct block_queue queue;
	struct block *disk;
	struct pool *pool;
	struct error error; /* of the last request */
};

/* An empty pool "p" of this size, open. */
void fixture_start(struct fixture *fixture, uint64_t disk_bytes, uint32_t disk_block_bytes);
void fixture_stop(struct fixture *fixture);

/* Run until nothing is left to run. */
void fixture_run(struct fixture *fixture);

/* Each waits for its request and gives the result. */
int fixture_format(struct fixture *fixture, const struct pool_format *format);
int fixture_open(struct fixture *fixture, const struct pool_settings *settings);
int fixture_checkpoint(struct fixture *fixture);
int fixture_grow_pool(struct fixture *fixture);
int fixture_create(struct fixture *fixture, const char *name, uint64_t size_bytes);
int fixture_snapshot(struct fixture *fixture, const char *volume, const char *name);
int fixture_clone(struct fixture *fixture, const char *snapshot, const char *name);
int fixture_revert(struct fixture *fixture, const char *volume, const char *snapshot);
int fixture_delete(struct fixture *fixture, const char *name);
int fixture_grow(struct fixture *fixture, const char *name, uint64_t size_bytes);
int fixture_mark(struct fixture *fixture, const char *name);

/* One request to a block device, one piece of memory. */
int fixture_io(struct fixture *fixture, struct block *block, enum block_kind kind, uint64_t offset,
	       void *data, uint64_t length);

/* A MAP, its answer in `io`. */
int fixture_map(struct fixture *fixture, struct block *block, struct block_io *io);

/* The volume's block device, not counted as open. */
struct block *fixture_volume(struct fixture *fixture, const char *name);

/*
 * Forget the pool as a killed process does, and open the same disk again. Nothing may be
 * under way.
 */
void fixture_reopen(struct fixture *fixture);

#endif
