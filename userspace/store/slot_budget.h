/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metadata can never be full while data is not. Two rules keep it so, reckoned with what a
 * checkpoint can need at the worst:
 *
 *   dirty    before a leaf is changed: the next checkpoint must find a free slot for every page it
 *            may write. Where there are not enough, a data extent is added, or, if those are
 *            scarce, a checkpoint is waited for, after which the slots of replaced pages are free.
 *   create   before a leaf or a layer comes into being: when all is written and the old versions
 *            are gone, enough slots must be left to write the largest checkpoint that cannot be
 *            put off, and a reserve. Where there are not, a data extent is added; without a free
 *            one the pool is full, as it is for data.
 *
 * The second one makes sure that waiting for the first one ends. Part of the reserve is only for
 * what gives space back: UNMAP (its zero bits in a layer over another one may need a leaf), the
 * freeing and merging of layers, changes of the catalogue.
 */
#ifndef STORE_SLOT_BUDGET_H
#define STORE_SLOT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* What is to come into being. */
enum slot_use {
	SLOT_USE_GROWTH,  /* something that the pool may be too full for */
	SLOT_USE_RECLAIM, /* something that gives space back, or small: may use the reserve */
};

/* A leaf and the index pages above it: volumes have at most 3 levels of those. */
#define SLOT_PAGES_PER_LEAF 4

/* True if further `leaves` leaves may be changed now; false: after the next checkpoint. */
bool slot_budget_may_dirty(struct pool *pool, uint32_t leaves);

/* May `pages` further pages come into being? 0, -ENOSPC, -ENOMEM. */
int slot_budget_create(struct pool *pool, uint32_t pages, enum slot_use use);

/* While a pool is opened: slots for a checkpoint of what is dirty. 0, -ENOSPC, -ENOMEM. */
int slot_budget_prepare(struct pool *pool);

/* How many free slots the rules want kept: what goes beyond may go back to data. */
uint64_t slot_budget_keep(const struct pool *pool);

#endif
