/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of neighbouring extents share one entry, so a sequential write costs 8 bytes a word. */
#include "store/journal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "store/geometry.h"

#define BUFFER_BLOCKS_MAX 512
#define CATALOGUE_BLOCKS  2 /* of a commit: records and drops */

int journal_init(struct journal *journal, const struct uuid *pool, uint64_t extents)
{
	*journal = (struct journal){
		.pool = *pool,
		.first_block = (uint64_t)JOURNAL_EXTENT * EXTENT_BLOCKS,
		.block_count = extents * EXTENT_BLOCKS,
	};
	journal->buffer_blocks =
		(uint32_t)MIN(journal->block_count / 4, (uint64_t)BUFFER_BLOCKS_MAX);
	journal->buffer = aligned_alloc(FORMAT_BLOCK_BYTES,
					(size_t)journal->buffer_blocks * FORMAT_BLOCK_BYTES);
	return journal->buffer ? 0 : -ENOMEM;
}

void journal_fini(struct journal *journal)
{
	free(journal->buffer);
	*journal = (struct journal){0};
}

uint64_t journal_room(const struct journal *journal)
{
	return journal->block_count - (journal->next - journal->first);
}

uint32_t journal_word_limit(const struct journal *journal)
{
	return (uint32_t)((journal->buffer_blocks - CATALOGUE_BLOCKS) * JOURNAL_WORDS_PER_BLOCK);
}

uint64_t journal_blocks_for(uint64_t words)
{
	return CATALOGUE_BLOCKS + (words + JOURNAL_WORDS_PER_BLOCK - 1) / JOURNAL_WORDS_PER_BLOCK;
}

void journal_begin(struct journal *journal)
{
	journal->count = 0;
	journal->fill = FORMAT_PAYLOAD_BYTES;
	journal->run = NULL;
}

static uint8_t *journal_last(struct journal *journal)
{
	return journal->buffer + (size_t)(journal->count - 1) * FORMAT_BLOCK_BYTES;
}

static void journal_note_used(struct journal *journal)
{
	struct format_header *header = (struct format_header *)journal_last(journal);

	put_le32(&header->used, journal->fill);
}

/* Room for `bytes` in the last record, or in a new one. */
static void *journal_reserve(struct journal *journal, uint32_t bytes)
{
	uint8_t *at;

	if (journal->fill + bytes > FORMAT_PAYLOAD_BYTES) {
		assert(journal->count < journal->buffer_blocks);
		journal->count++;
		journal->fill = 0;
		memset(journal_last(journal), 0, FORMAT_BLOCK_BYTES);
	}
	at = journal_last(journal) + FORMAT_HEADER_BYTES + journal->fill;
	journal->fill += bytes;
	journal->run = NULL;
	journal_note_used(journal);
	return at;
}

static struct format_entry *journal_put(struct journal *journal, enum format_entry_kind kind,
					uint32_t id, uint64_t at, uint32_t data_bytes)
{
	struct format_entry *entry =
		journal_reserve(journal, (uint32_t)sizeof(*entry) + data_bytes);

	put_le16(&entry->kind, (uint16_t)kind);
	put_le16(&entry->count, 1);
	put_le32(&entry->id, id);
	put_le64(&entry->at, at);
	return entry;
}

void journal_put_record(struct journal *journal, uint32_t id, const union format_record *record)
{
	struct format_entry *entry =
		journal_put(journal, FORMAT_ENTRY_RECORD, id, 0, sizeof(*record));

	memcpy(entry + 1, record, sizeof(*record));
}

void journal_put_drop(struct journal *journal, uint32_t layer, uint64_t leaf)
{
	(void)journal_put(journal, FORMAT_ENTRY_DROP, layer, leaf, 0); /* it is all head */
}

static bool journal_extend_run(struct journal *journal, uint32_t layer, uint64_t extent,
			       uint64_t word)
{
	struct format_entry *run = journal->run;
	uint16_t count = run ? get_le16(&run->count) : 0;

	if (!run || get_le32(&run->id) != layer || get_le64(&run->at) + count != extent ||
	    journal->fill + 8 > FORMAT_PAYLOAD_BYTES)
		return false;
	put_le64((uint8_t *)(run + 1) + (size_t)count * 8, word);
	put_le16(&run->count, (uint16_t)(count + 1));
	journal->fill += 8;
	journal_note_used(journal);
	return true;
}

void journal_put_word(struct journal *journal, uint32_t layer, uint64_t extent, uint64_t word)
{
	struct format_entry *entry;

	if (journal_extend_run(journal, layer, extent, word))
		return;
	entry = journal_put(journal, FORMAT_ENTRY_WORDS, layer, extent, 8);
	put_le64(entry + 1, word);
	journal->run = entry;
}

void journal_put_nothing(struct journal *journal)
{
	if (journal->count > 0)
		return;
	(void)journal_reserve(journal, 1); /* begins a record; the byte goes back */
	journal->fill = 0;
	journal_note_used(journal);
}

uint32_t journal_end(struct journal *journal, bool is_sealed)
{
	for (uint32_t i = 0; i < journal->count; i++) {
		uint8_t *data = journal->buffer + (size_t)i * FORMAT_BLOCK_BYTES;
		unsigned level = (is_sealed ? FORMAT_JOURNAL_SEALED : 0) |
				 (i + 1 < journal->count ? FORMAT_JOURNAL_MORE : 0);
		const struct format_identity identity = {
			.kind = FORMAT_JOURNAL,
			.level = (uint16_t)level,
			.block = journal_block_of(journal, journal->next + i),
			.owner = journal->epoch,
			.index = is_sealed ? 0 : journal->boot,
		};

		format_seal(data, &identity, &journal->pool, journal->next + i,
			    get_le32(&((struct format_header *)data)->used));
	}
	journal->next += journal->count;
	assert(journal->next - journal->first <= journal->block_count);
	return journal->count;
}

bool journal_is_record(const struct journal *journal, const void *data, uint64_t number)
{
	const struct format_header *header = data;
	uint16_t level = get_le16(&header->level);
	const struct format_identity identity = {
		.kind = FORMAT_JOURNAL,
		.level = level & (FORMAT_JOURNAL_SEALED | FORMAT_JOURNAL_MORE),
		.block = journal_block_of(journal, number),
		.owner = journal->epoch,
		.index = level & FORMAT_JOURNAL_SEALED ? 0 : get_le64(&header->index),
	};

	return format_check(data, &identity, &journal->pool, NULL) == 0 &&
	       get_le64(&header->generation) == number;
}

bool journal_is_trusted(const struct journal *journal, const void *data)
{
	const struct format_header *header = data;

	return journal_is_sealed(data) ||
	       (journal->boot != 0 && get_le64(&header->index) == journal->boot);
}

bool journal_is_sealed(const void *data)
{
	const struct format_header *header = data;

	return get_le16(&header->level) & FORMAT_JOURNAL_SEALED;
}

bool journal_is_last(const void *data)
{
	const struct format_header *header = data;

	return !(get_le16(&header->level) & FORMAT_JOURNAL_MORE);
}

static uint32_t entry_data_bytes(enum format_entry_kind kind, uint32_t count)
{
	switch (kind) {
	case FORMAT_ENTRY_RECORD:
		return FORMAT_RECORD_BYTES;
	case FORMAT_ENTRY_DROP:
		return 0;
	case FORMAT_ENTRY_WORDS:
		return count * 8;
	}
	return UINT32_MAX;
}

int journal_next_entry(const void *data, uint32_t *offset, struct journal_entry *out_entry)
{
	const struct format_header *header = data;
	const uint8_t *payload = (const uint8_t *)data + FORMAT_HEADER_BYTES;
	const struct format_entry *head = (const struct format_entry *)(payload + *offset);
	uint32_t used = get_le32(&header->used);
	uint32_t bytes;

	if (used > FORMAT_PAYLOAD_BYTES)
		return -ENODATA;
	if (*offset == used)
		return 0;
	if (used - *offset < sizeof(*head))
		return -ENODATA;
	out_entry->kind = (enum format_entry_kind)get_le16(&head->kind);
	out_entry->count = get_le16(&head->count);
	out_entry->id = get_le32(&head->id);
	out_entry->at = get_le64(&head->at);
	out_entry->data = head + 1;
	bytes = entry_data_bytes(out_entry->kind, out_entry->count);
	if (out_entry->count == 0 || bytes > used - *offset - sizeof(*head))
		return -ENODATA;
	*offset += (uint32_t)sizeof(*head) + bytes;
	return 1;
}
