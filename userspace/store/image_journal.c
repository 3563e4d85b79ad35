/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: how far a replay goes, and what it changes.
 *
 * A replay ends at the first record that is not there, which after a loss of power is where
 * writing ended. That a record was durable once, and is damaged now, is proven where a whole
 * sealed record of a *later commit* lies behind it: the flush before that one made all before it
 * durable. Without such a proof the end is the end.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "store/array.h"
#include "store/image.h"
#include "store/volume.h"
#include "store/word.h"

#define RECORD_WHOLE   1u
#define RECORD_TRUSTED 2u
#define RECORD_SEALED  4u
#define RECORD_LAST    8u /* of its commit */

static uint64_t record_byte(const struct image *image, uint64_t number)
{
	return journal_block_of(&image->journal, number) * FORMAT_BLOCK_BYTES;
}

/* Read `count` records from `first` on into the batch. */
static int read_records(struct image *image, uint64_t first, uint64_t count)
{
	int ret = 0;

	batch_clear(&image->batch);
	for (uint64_t i = 0; ret == 0 && i < count; i++)
		ret = batch_add(&image->batch, journal_block_of(&image->journal, first + i), i);
	return ret == 0 ? batch_read(&image->batch, image->offline) : ret;
}

static uint8_t record_state(const struct image *image, const void *data, uint64_t number)
{
	const struct format_header *header = data;
	unsigned state = RECORD_WHOLE;

	if (!data || !journal_is_record(&image->journal, data, number))
		return 0;
	if (journal_is_trusted(&image->journal, data))
		state |= RECORD_TRUSTED;
	if (get_le16(&header->level) & FORMAT_JOURNAL_SEALED)
		state |= RECORD_SEALED;
	if (journal_is_last(data))
		state |= RECORD_LAST;
	return (uint8_t)state;
}

/* The state of every record that the ring can hold. */
static int scan_records(struct image *image, uint8_t *states)
{
	const struct journal *journal = &image->journal;

	for (uint64_t at = 0; at < journal->block_count; at += BATCH_PAGES) {
		uint64_t count = MIN(journal->block_count - at, (uint64_t)BATCH_PAGES);
		int ret = read_records(image, journal->first + at, count);

		if (ret != 0)
			return ret;
		for (uint64_t i = 0; i < count; i++)
			states[at + i] = record_state(image, image->batch.pages[i].data,
						      journal->first + at + i);
	}
	return 0;
}

static uint64_t find_end(const uint8_t *states, uint64_t start, uint64_t count)
{
	const uint8_t complete = RECORD_WHOLE | RECORD_TRUSTED | RECORD_LAST;
	uint64_t end = start;

	for (uint64_t i = start; i < count && (states[i] & RECORD_WHOLE); i++) {
		if ((states[i] & complete) == complete)
			end = i + 1;
	}
	return end;
}

/* One past the last sealed record that proves the one at `hole` to have been durable; or `hole`. */
static uint64_t find_proof(const uint8_t *states, uint64_t hole, uint64_t count)
{
	bool is_later = false; /* a commit has ended since */
	uint64_t end = hole;

	for (uint64_t i = hole + 1; i < count; i++) {
		if (is_later && (states[i] & RECORD_SEALED) && (states[i] & RECORD_LAST))
			end = i + 1;
		is_later |= (states[i] & RECORD_LAST) != 0;
	}
	return end;
}

static void plan_replay(struct image *image, const uint8_t *states)
{
	uint64_t count = image->journal.block_count;
	uint64_t first = image->journal.first;
	uint64_t hole = 0;
	uint64_t beyond;

	while (hole < count && (states[hole] & RECORD_WHOLE))
		hole++;
	beyond = find_proof(states, hole, count);
	image->journal_end = first + find_end(states, 0, count);
	image->journal_beyond = first + MAX(beyond, hole);
	for (uint64_t i = hole; i < beyond; i++) {
		if (states[i] & RECORD_WHOLE)
			continue;
		image->journal_damaged++;
		image_note(image, FINDING_JOURNAL, record_byte(image, first + i),
			   "journal record %" PRIu64 " is damaged: records up to %" PRIu64
			   " behind it were committed after it",
			   first + i, first + beyond - 1);
	}
	if (image->settings.is_for_repair && image->journal_damaged > 0)
		image->journal_end = first + beyond;
}

static void note_impossible(struct image *image, uint64_t number, const char *what, uint32_t id,
			    uint64_t at)
{
	image_note(image, FINDING_JOURNAL, record_byte(image, number),
		   "journal record %" PRIu64 " is impossible: %s (id %u, at %" PRIu64 ")", number,
		   what, id, at);
}

static int add_change(struct image *image, const struct image_change *change)
{
	int ret = array_reserve(&image->changes, &image->change_capacity, image->change_count + 1,
				sizeof(*image->changes));

	if (ret != 0)
		return ret;
	image->changes[image->change_count] = *change;
	image->changes[image->change_count].order = (uint32_t)image->change_count;
	image->change_count++;
	return 0;
}

static int apply_layer(struct image *image, uint64_t number, uint32_t id,
		       const struct format_layer *record)
{
	struct image_layer *layer = image_make_layer(image, id);
	uint64_t leaf_count = get_le64(&record->leaf_count);

	if (!layer)
		return -ENOMEM;
	if (leaf_count == 0 || leaf_count > geometry_leaf_count(VOLUME_SIZE_MAX_BYTES) ||
	    (layer->is_final && leaf_count < get_le64(&layer->record.leaf_count))) {
		note_impossible(image, number, "a layer of so many leaves", id, leaf_count);
		return 0;
	}
	if (!layer->is_final)
		layer->since = (uint32_t)image->change_count;
	layer->is_final = true;
	layer->record = *record;
	image->records[id - 1].layer = *record;
	return 0;
}

static int apply_record(struct image *image, uint64_t number, const struct journal_entry *entry)
{
	const union format_record *record = entry->data;
	uint16_t kind = get_le16(&record->kind);
	struct image_layer *layer;
	int ret;

	if (entry->id == 0 || kind > FORMAT_RECORD_SNAPSHOT) {
		note_impossible(image, number, "such a record", entry->id, kind);
		return 0;
	}
	ret = image_reach(image, entry->id);
	if (ret != 0)
		return ret;
	if (kind == FORMAT_RECORD_LAYER)
		return apply_layer(image, number, entry->id, &record->layer);
	memcpy(&image->records[entry->id - 1], record, sizeof(*record));
	layer = image_find_layer(image, entry->id);
	if (layer && layer->is_final) {
		layer->is_final = false;
		layer->since = (uint32_t)image->change_count;
	}
	return 0;
}

/* Layer and place that words or a drop speak of; false: none, and that was told. */
static bool check_target(struct image *image, uint64_t number, const struct journal_entry *entry)
{
	const struct image_layer *layer = image_find_layer(image, entry->id);
	uint64_t last = entry->kind == FORMAT_ENTRY_DROP
				? entry->at
				: (entry->at + entry->count - 1) / FORMAT_WORDS;

	if (!layer || !layer->is_final) {
		note_impossible(image, number, "there is no such layer", entry->id, entry->at);
		return false;
	}
	if (last < get_le64(&layer->record.leaf_count))
		return true;
	note_impossible(image, number, "past the end of its layer", entry->id, entry->at);
	return false;
}

static int apply_words(struct image *image, uint64_t number, const struct journal_entry *entry)
{
	const uint8_t *words = entry->data;
	int ret = 0;

	for (uint32_t i = 0; ret == 0 && i < entry->count; i++) {
		const struct image_change change = {
			.leaf = (entry->at + i) / FORMAT_WORDS,
			.index = (uint16_t)((entry->at + i) % FORMAT_WORDS),
			.layer = entry->id,
			.word = get_le64(words + (size_t)i * 8),
		};
		uint32_t place = word_place(change.word);

		if (word_is_sound(change.word) &&
		    (!place || geometry_is_data(&image->geometry, place)))
			ret = add_change(image, &change);
		else
			note_impossible(image, number, "such a word", entry->id, entry->at + i);
	}
	return ret;
}

static int apply_entry(struct image *image, uint64_t number, const struct journal_entry *entry)
{
	const struct image_change drop = {
		.leaf = entry->at, .layer = entry->id, .kind = IMAGE_DROP};

	if (entry->kind == FORMAT_ENTRY_RECORD)
		return apply_record(image, number, entry);
	if (!check_target(image, number, entry))
		return 0;
	return entry->kind == FORMAT_ENTRY_DROP ? add_change(image, &drop)
						: apply_words(image, number, entry);
}

static int apply_block(struct image *image, uint64_t number, const void *data)
{
	struct journal_entry entry;
	uint32_t offset = 0;
	int ret;

	while ((ret = journal_next_entry(data, &offset, &entry)) == 1) {
		ret = apply_entry(image, number, &entry);
		if (ret != 0)
			return ret;
	}
	if (ret < 0)
		note_impossible(image, number, "it does not end where it should", 0, offset);
	return 0;
}

static int compare_changes(const void *a, const void *b)
{
	const struct image_change *left = a;
	const struct image_change *right = b;

	if (left->leaf != right->leaf)
		return left->leaf < right->leaf ? -1 : 1;
	if (left->layer != right->layer)
		return left->layer < right->layer ? -1 : 1;
	return (left->order > right->order) - (left->order < right->order);
}

static int apply_records(struct image *image, const uint8_t *states)
{
	uint64_t first = image->journal.first;

	for (uint64_t at = first; at < image->journal_end; at += BATCH_PAGES) {
		uint64_t count = MIN(image->journal_end - at, (uint64_t)BATCH_PAGES);
		int ret = read_records(image, at, count);

		for (uint64_t i = 0; ret == 0 && i < count; i++) {
			const void *data = image->batch.pages[i].data;

			if (data && (states[at - first + i] & RECORD_WHOLE))
				ret = apply_block(image, at + i, data);
		}
		if (ret != 0)
			return ret;
	}
	if (image->change_count > 1)
		qsort(image->changes, image->change_count, sizeof(*image->changes),
		      compare_changes);
	return 0;
}

/*
 * After a flush that failed, a page of its own says where the journal ends and that no boot is
 * trusted (store/loss.h): how many records of the ring can count.
 */
static uint64_t find_limit(struct image *image)
{
	_Alignas(FORMAT_BLOCK_BYTES) struct format_words page;
	struct journal *journal = &image->journal;
	struct format_identity identity = {
		.kind = FORMAT_LOSS, .block = FORMAT_LOSS_BLOCK, .owner = journal->epoch};

	if (offline_read(image->offline, FORMAT_LOSS_BLOCK, &page) != 0)
		return journal->block_count;
	identity.index = get_le64(&page.header.index);
	if (format_check(&page, &identity, &image->uuid, NULL) != 0)
		return journal->block_count;
	journal->boot = 0;
	return identity.index < journal->first
		       ? 0
		       : MIN(identity.index - journal->first, journal->block_count);
}

int image_read_journal(struct image *image)
{
	uint64_t limit = find_limit(image);
	uint8_t *states;
	int ret;

	assert(image->journal.block_count > 0);
	states = calloc(image->journal.block_count, 1);
	ret = states ? scan_records(image, states) : -ENOMEM;

	if (ret == 0) {
		memset(states + limit, 0, image->journal.block_count - limit);
		plan_replay(image, states);
		ret = apply_records(image, states);
	}
	free(states);
	return ret;
}
