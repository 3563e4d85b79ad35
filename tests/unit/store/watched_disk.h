/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands between a pool and its disk: counts what is asked for, holds requests back, lets them
 * fail. One at a time.
 */
#ifndef TESTS_STORE_WATCHED_DISK_H
#define TESTS_STORE_WATCHED_DISK_H

#include "tests/unit/store/store_fixture.h"

struct watched_disk {
	struct block *disk;
	const struct block_ops *ops; /* its own */
	struct block_queue *queue;
	unsigned requests;
	uint64_t bytes;
	bool (*holds)(const struct block_io *io); /* NULL: none */
	bool (*fails)(const struct block_io *io); /* with -EIO; NULL: none */
	bool is_kept;				  /* closing it ends nothing but the pool */
	struct list held;
};

/* From now on the pool's requests come by here, until the end. */
struct watched_disk *watched_disk_start(struct fixture *fixture);
void watched_disk_stop(void);

/* Hold nothing back any more. */
void watched_disk_release(void);

#endif
