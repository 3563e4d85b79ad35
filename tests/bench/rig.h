/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool on a real file through io_uring, with nothing above it: what the benchmarks of the store
 * begin with. One thread; every function waits. Whatever fails ends the program with a sentence.
 */
#ifndef TESTS_BENCH_RIG_H
#define TESTS_BENCH_RIG_H

#include <stdint.h>

#include "block/block.h"
#include "store/loop_queue.h"
#include "store/pool.h"
#include "store/volume.h"

struct rig {
	struct loop *loop;
	struct loop_queue queue;
	struct block *disk;
	struct pool *pool;
	const char *path;
	int result;
};

/* A new pool "p" of this size in the file `path`, which rig_stop removes. */
void rig_start(struct rig *rig, const char *path, uint64_t bytes);

/* The pool that is in that file; rig_stop removes it. */
void rig_start_with(struct rig *rig, const char *path);
void rig_stop(struct rig *rig);

/* The pool that is in the file already; rig_stop removes the file all the same. */
void rig_start_again(struct rig *rig, const char *path);

/* Close the pool and open it again. */
void rig_reopen(struct rig *rig);

/* Start a request of the store with `&wait.request`, then wait for it. */
struct rig_wait {
	struct rig *rig;
	struct store_request request;
	struct block_io io;
	struct iovec iov;
};
struct rig_wait rig_wait_new(struct rig *rig);
void rig_wait_for(struct rig_wait *wait, const char *what);

/* A volume, its block device counted as open. */
struct block *rig_volume(struct rig *rig, const char *name, uint64_t bytes);

/* One request; `data` is aligned to 4096. */
void rig_io(struct rig *rig, struct block *block, enum block_kind kind, uint64_t offset, void *data,
	    uint64_t length);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t rig_now(void);

/* The middle of `count` numbers, which get sorted. */
uint64_t rig_median(uint64_t *numbers, unsigned count);

#endif
