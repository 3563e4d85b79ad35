/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes that the target has acknowledged but not yet been asked to make durable, in the order of
 * their acknowledgement, in one ring of bytes.
 *
 * Why: a target with a volatile write cache may lose acknowledged writes when it is killed. Its
 * initiator lives on, and a later SYNCHRONIZE CACHE to the restarted target would succeed: fsync
 * would lie. So whoever reconnects writes these again first (as NFS clients do with unstable
 * writes). A flush that the target has answered lets go of all that came before it was sent.
 *
 * Each entry has a number, counted up without gaps from 1 on. Pure; on one thread.
 */
#ifndef INITIATOR_UNFLUSHED_H
#define INITIATOR_UNFLUSHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unflushed_entry {
	uint64_t number;
	uint64_t offset;
	uint64_t length;
	uint32_t data_len; /* `length` for a write; 0 for what needs no data */
	uint32_t kind;	   /* the owner's */
			   /* then the data */
};

struct unflushed {
	uint8_t *ring;
	size_t size;
	size_t start; /* of the oldest entry */
	size_t used;  /* bytes from start on, with the gap at the end of the ring */
	size_t wrap;  /* where the entries before the end of the ring stop */
	uint64_t next_number;
};

/* A ring of `size` bytes, prefaulted. -ENOMEM. */
int unflushed_init(struct unflushed *unflushed, size_t size);
void unflushed_fini(struct unflushed *unflushed);

/* Copy an entry in; its number, or 0 if there is no room. `head` says all but the number. */
uint64_t unflushed_add(struct unflushed *unflushed, const struct unflushed_entry *head,
		       const void *data);

/* Give out a number without an entry: for a write that found no room. */
uint64_t unflushed_number(struct unflushed *unflushed);

/* Let go of all entries with numbers below `number`. */
void unflushed_drop(struct unflushed *unflushed, uint64_t number);

/*
 * Walk from the oldest to the newest: the entry at *cursor (0 to begin with), which is moved
 * behind it; NULL at the end. Nothing may be dropped during a walk.
 */
const struct unflushed_entry *unflushed_next(const struct unflushed *unflushed, size_t *cursor);

static inline const void *unflushed_data(const struct unflushed_entry *entry)
{
	return entry + 1;
}

static inline bool unflushed_is_empty(const struct unflushed *unflushed)
{
	return unflushed->used == 0;
}

static inline bool unflushed_is_half_full(const struct unflushed *unflushed)
{
	return unflushed->used > unflushed->size / 2;
}

#endif
