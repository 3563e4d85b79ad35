/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: a ring of blocks, each a record on its own, numbered without end: record n lies
 * at block n modulo the ring's length. A record is replayed as a whole or not at all. The
 * superblock says the number of the first one needed and the epoch; a record of another epoch
 * or number ends the replay. Every opening of the pool begins a new epoch, so what a crash
 * left behind is never taken for new.
 *
 * Here are the bytes and the bookkeeping of the ring; store/commit.c writes them.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/format.h"

/* Of one word that has no neighbour: what a commit's size is reckoned with. */
#define JOURNAL_WORD_BYTES	(sizeof(struct format_entry) + 8)
#define JOURNAL_WORDS_PER_BLOCK (FORMAT_PAYLOAD_BYTES / JOURNAL_WORD_BYTES)

struct journal {
	struct uuid pool;
	uint64_t first_block; /* of the ring, on the disk */
	uint64_t block_count;
	uint64_t epoch;
	uint64_t boot;	/* of the running kernel: what unsealed records are marked with; 0: none */
	uint64_t first; /* number of the first record that a replay would need */
	uint64_t next;	/* number of the next record */

	uint8_t *buffer; /* the commit under way */
	uint32_t buffer_blocks;
	uint32_t count;		  /* blocks begun in it */
	uint32_t fill;		  /* bytes of entries in the last one */
	struct format_entry *run; /* entry of words that may go on; NULL */
};

/* `extents` of 64 KiB; -ENOMEM. */
int journal_init(struct journal *journal, const struct uuid *pool, uint64_t extents);
void journal_fini(struct journal *journal);

/* Blocks of the ring that are not needed any more. */
uint64_t journal_room(const struct journal *journal);

/* Changed words that a commit may hold besides its records and drops. */
uint32_t journal_word_limit(const struct journal *journal);

/* Blocks that a commit of that many words needs at the most. */
uint64_t journal_blocks_for(uint64_t words);

/* Fill the buffer: begin, put (records first), end. */
void journal_begin(struct journal *journal);
void journal_put_record(struct journal *journal, uint32_t id, const union format_record *record);
void journal_put_drop(struct journal *journal, uint32_t layer, uint64_t leaf);
void journal_put_word(struct journal *journal, uint32_t layer, uint64_t extent, uint64_t word);

/* At least one record, be it an empty one. Last before end. */
void journal_put_nothing(struct journal *journal);

/*
 * Checksums and marks the records (see store/commit.h for what sealed means); their number (0:
 * nothing was put). They begin at number next - count.
 */
uint32_t journal_end(struct journal *journal, bool is_sealed);

static inline uint64_t journal_block_of(const struct journal *journal, uint64_t number)
{
	return journal->first_block + number % journal->block_count;
}

/* True if `data` is record `number` of the present epoch. */
bool journal_is_record(const struct journal *journal, const void *data, uint64_t number);

/*
 * True if all data that this record and those before it point to is where it should be: the
 * record is sealed, or the disk's cache is still that of the boot that wrote it.
 */
bool journal_is_trusted(const struct journal *journal, const void *data);

bool journal_is_sealed(const void *data);

/* True if no further record belongs to the same commit. */
bool journal_is_last(const void *data);

/* One entry of a record. */
struct journal_entry {
	enum format_entry_kind kind;
	uint32_t id;
	uint64_t at;
	uint32_t count;	  /* words */
	const void *data; /* the words or the catalogue record, unaligned */
};

/* Walk the entries of a record, with *offset 0 at first. 1: *out_entry; 0: end; -ENODATA. */
int journal_next_entry(const void *data, uint32_t *offset, struct journal_entry *out_entry);

#endif
