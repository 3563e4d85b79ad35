/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flush has failed. Then anything that was written since the one before may be gone, from
 * the disk and from its cache, and the next flush will not tell. The pool has failed: nothing is
 * read from it any more, because what is read could be what another volume had there. When it
 * is opened again it must be as after a power failure, also in the same boot: so a page of its
 * own says from which record on the journal does not count.
 */
#ifndef STORE_LOSS_H
#define STORE_LOSS_H

#include <stdint.h>

struct pool;

struct loss {
	uint64_t epoch; /* of the journal that the superblock on the disk has */
	uint64_t end;	/* one past the last record that is surely durable */
};

/*
 * While opening, with the page as it was read: whether unsealed records count, and to which
 * number records do at all (loss.end).
 */
void loss_load(struct pool *pool, const void *page);

/* All records so far are durable; the superblock with the journal's epoch is. */
void loss_sealed(struct pool *pool);
void loss_checkpointed(struct pool *pool);

/* `what` ended with `code`, an error of a flush: the pool has failed, and the page says so. */
void loss_happened(struct pool *pool, const char *what, int code);

#endif
