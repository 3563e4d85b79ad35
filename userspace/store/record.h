/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Catalogue records from the disk become volumes and layers, when a pool is opened. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/format.h"

struct pool;

/*
 * Record `id` is now this. From a checkpoint the layer's root counts; from the journal it does
 * not (a layer keeps the tree it has), and a record that was there is changed or removed.
 * -ENODATA if it is impossible, -ENOMEM.
 */
int record_apply(struct pool *pool, uint32_t id, const union format_record *record, bool is_replay,
		 struct error *err);

/*
 * Once all records are there: every layer finds its parent, every volume and snapshot its layer,
 * and who is charged for what is added up. -ENODATA if something is missing.
 */
int record_link(struct pool *pool, struct error *err);

#endif
