/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two walks over the journal. The first finds its end: the last record that is sealed, or, if
 * this boot's process wrote it, the last that is whole. Unsealed records of another boot say
 * where data was going to be that may not have got there, so they count only where a sealed one
 * comes after them. A commit of several records counts only if its last one is there. The second
 * walk applies what is before that end.
 *
 * The journal is applied entry by entry and word by word, waiting where a leaf has to be read.
 * Every entry says how things are, not how they change, so a record may be applied twice: when
 * the cache is full of changed leaves, a checkpoint in the midst of a record keeps the whole
 * record to be replayed after a crash. Such a checkpoint must not put metadata into an extent that
 * the rest of the journal has data in: the first walk reserves all that the records name.
 *
 * What cannot be applied because a page cannot be read is as good as lost, for good: were the page
 * to be read again one day, it would be an old one. It is marked, and the others are served.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "store/record.h"
#include "store/recovery.h"
#include "store/state.h"
#include "store/word.h"

#define RECORDS_PER_READ 512
#define RECORDS_BEHIND	 64 /* looked at behind the end */
#define FRAMES_SPARE	 8  /* of the cache: pinned, or for what lies between two checks */

static void replay_read(struct recovery *recovery);
static void replay_run(struct recovery *recovery);

static int replay_impossible(struct recovery *recovery)
{
	return error_set(&recovery->request->error, -ENODATA,
			 "journal record %" PRIu64 " at byte %" PRIu64 " of the disk is impossible",
			 recovery->replay.number,
			 journal_block_of(&recovery->pool->journal, recovery->replay.number) *
				 FORMAT_BLOCK_BYTES);
}

static void replay_resume(struct waiter *waiter, int result)
{
	struct recovery *recovery = container_of(waiter, struct recovery, waiter);

	recovery->replay.leaf_result = result;
	if (result != 0 && result != -ENODATA && result != -EIO)
		recovery_end(recovery, result);
	else
		replay_run(recovery);
}

/* The word's extent is its own from now on, the old one nobody's. */
static int replay_move(struct recovery *recovery, struct layer *layer, uint32_t old_place,
		       uint32_t place)
{
	struct space *space = &recovery->pool->space;

	if (old_place == place)
		return 0;
	if (old_place && !space_disclaim(space, old_place))
		return replay_impossible(recovery);
	if (place && !space_claim(space, place))
		return replay_impossible(recovery);
	layer->mapped_extents -= old_place != 0;
	layer->mapped_extents += place != 0;
	return 0;
}

/* What the journal has of this leaf cannot be put into it: it must never be read again. */
static int replay_lose(struct recovery *recovery, struct layer *layer, uint64_t number)
{
	uint64_t place;

	recovery->replay.leaf_result = 0;
	layer->is_damaged = true;
	if (layer->is_lost) {
		layer->root = FORMAT_PLACE_LOST;
		return 0;
	}
	place = tree_place(&layer->tree, number);
	if (place == FORMAT_PLACE_LOST)
		return 0;
	if (tree_touch(&layer->tree, number) != 0)
		return -ENOMEM;
	slot_map_drop_place(&recovery->pool->slots, place);
	tree_set(&layer->tree, number, FORMAT_PLACE_LOST);
	return 0;
}

/* One word of the present entry. What it says of a leaf that is lost keeps its extent taken. */
static int replay_word(struct recovery *recovery, struct layer *layer)
{
	struct replay *replay = &recovery->replay;
	struct leaf_cache *cache = &recovery->pool->cache;
	uint64_t extent = replay->entry.at + replay->word;
	uint64_t word = get_le64((const uint8_t *)replay->entry.data + (size_t)replay->word * 8);
	unsigned index = (unsigned)(extent % FORMAT_WORDS);
	struct leaf *leaf;
	int ret;

	if (extent / FORMAT_WORDS >= layer->tree.leaf_count || !word_is_sound(word))
		return replay_impossible(recovery);
	if (layer->is_lost || replay->leaf_result != 0) {
		(void)space_claim(&recovery->pool->space, word_place(word)); /* if it is not yet */
		return replay_lose(recovery, layer, extent / FORMAT_WORDS);
	}
	ret = leaf_get(cache, layer, extent / FORMAT_WORDS, LEAF_FOR_REPLAY, &recovery->waiter,
		       &leaf);
	if (ret != 0)
		return ret;
	ret = replay_move(recovery, layer, word_place(leaf_word(leaf, index)), word_place(word));
	if (ret == 0)
		leaf_replay(cache, leaf, index, word);
	leaf_put(cache, leaf);
	return ret;
}

static void replay_checkpointed(struct waiter *waiter, int result)
{
	struct recovery *recovery = container_of(waiter, struct recovery, waiter);

	recovery->waiter.run = replay_resume;
	if (result != 0) {
		recovery->request->error = recovery->pool->reason;
		recovery_end(recovery, result);
	} else {
		replay_resume(waiter, 0);
	}
}

/* The cache is full of changed leaves. -EAGAIN, or an error. */
static int replay_checkpoint(struct recovery *recovery)
{
	struct pool *pool = recovery->pool;
	int ret;

	if (recovery->settings.is_read_only)
		return error_set(&recovery->request->error, -ENOBUFS,
				 "the journal has more than fits the cache: give it more memory");
	ret = slot_budget_prepare(pool);
	if (ret != 0)
		return error_set(&recovery->request->error, ret,
				 "the pool has no room for its metadata: give it more memory");
	pool->journal.next = recovery->replay.number;
	recovery->waiter.run = replay_checkpointed;
	list_append(&pool->checkpoint.next, &recovery->waiter.link);
	ret = checkpoint_capture(pool);
	if (ret != 0)
		return ret;
	checkpoint_write(pool);
	return -EAGAIN;
}

static int replay_words(struct recovery *recovery, struct layer *layer)
{
	struct replay *replay = &recovery->replay;

	while (replay->word < replay->entry.count) {
		int ret;

		if (recovery->pool->cache.dirty_count + FRAMES_SPARE >= recovery->pool->cache.count)
			return replay_checkpoint(recovery);
		ret = replay_word(recovery, layer);
		if (ret != 0)
			return ret;
		replay->word++;
	}
	return 0;
}

static int replay_drop(struct recovery *recovery, struct layer *layer)
{
	struct pool *pool = recovery->pool;
	uint64_t number = recovery->replay.entry.at;
	struct leaf *leaf = NULL;
	uint64_t place;
	int ret = 0;

	if (number >= layer->tree.leaf_count)
		return replay_impossible(recovery);
	if (layer->is_lost)
		return replay_lose(recovery, layer, number);
	if (recovery->replay.leaf_result == 0)
		ret = leaf_get(&pool->cache, layer, number, LEAF_IF_THERE, &recovery->waiter,
			       &leaf);
	recovery->replay.leaf_result = 0;
	if (ret != 0)
		return ret;
	for (unsigned i = 0; leaf && i < FORMAT_WORDS; i++) {
		if (replay_move(recovery, layer, word_place(leaf_word(leaf, i)), 0) != 0)
			return -ENODATA;
	}
	if (leaf)
		leaf_discard(&pool->cache, leaf);
	place = tree_place(&layer->tree, number);
	if (!place || place == FORMAT_PLACE_LOST)
		return 0;
	if (tree_touch(&layer->tree, number) != 0)
		return -ENOMEM;
	slot_map_drop_place(&pool->slots, place);
	tree_set(&layer->tree, number, 0);
	return 0;
}

static int replay_entry(struct recovery *recovery)
{
	struct replay *replay = &recovery->replay;
	struct layer *layer = catalogue_layer(&recovery->pool->catalogue, replay->entry.id);
	union format_record record;

	if (replay->entry.kind == FORMAT_ENTRY_RECORD) {
		memcpy(&record, replay->entry.data, sizeof(record));
		return record_apply(recovery->pool, replay->entry.id, &record, true,
				    &recovery->request->error);
	}
	if (!layer)
		return replay_impossible(recovery);
	layer->is_replayed = true;
	return replay->entry.kind == FORMAT_ENTRY_DROP ? replay_drop(recovery, layer)
						       : replay_words(recovery, layer);
}

/* All entries of the present record. */
static int replay_record(struct recovery *recovery, const void *data)
{
	struct replay *replay = &recovery->replay;
	int ret;

	for (;;) {
		if (!replay->has_entry) {
			ret = journal_next_entry(data, &replay->offset, &replay->entry);
			if (ret < 0)
				return replay_impossible(recovery);
			if (ret == 0)
				return 0;
			replay->has_entry = true;
			replay->word = 0;
		}
		ret = replay_entry(recovery);
		if (ret != 0)
			return ret;
		replay->has_entry = false;
	}
}

/* The first walk is over: begin the second. */
static void replay_apply(struct recovery *recovery)
{
	struct replay *replay = &recovery->replay;

	replay->is_scanning = false;
	replay->number = recovery->pool->journal.first;
	replay_read(recovery);
}

/* No metadata may be put into the extents that a record names. */
static void replay_reserve(struct recovery *recovery, const void *data)
{
	struct journal_entry entry;
	uint32_t offset = 0;

	while (journal_next_entry(data, &offset, &entry) > 0) {
		for (uint32_t i = 0; entry.kind == FORMAT_ENTRY_WORDS && i < entry.count; i++) {
			uint64_t word = get_le64((const uint8_t *)entry.data + (size_t)i * 8);

			if (word_place(word))
				space_reserve(&recovery->pool->space, word_place(word));
		}
	}
}

/*
 * Page `at` of the list is not the record that should be there. It was one, and has been damaged,
 * if behind its commit there is a sealed record: that was written when all before were durable.
 */
static bool replay_has_gap(const struct recovery *recovery, uint32_t at)
{
	const struct journal *journal = &recovery->pool->journal;
	uint64_t number = recovery->replay.number;
	bool has_end = false;

	for (uint32_t i = at + 1; i < recovery->list.count; i++) {
		const void *data = recovery->list.pages[i].data;

		if (!journal_is_record(journal, data, number + (i - at)))
			continue;
		if (has_end && journal_is_sealed(data))
			return true;
		has_end |= journal_is_last(data);
	}
	return false;
}

/* The journal ends before page `at` of the list, or is damaged there. */
static void replay_found_end(struct recovery *recovery, uint32_t at)
{
	if (at > 0 && at + RECORDS_BEHIND > recovery->list.count)
		replay_read(recovery); /* more of what comes behind */
	else if (replay_has_gap(recovery, at))
		recovery_end(recovery,
			     error_set(&recovery->request->error, -ENODATA,
				       "journal record %" PRIu64 " at byte %" PRIu64
				       " of the disk is damaged: later ones are there",
				       recovery->replay.number,
				       recovery->list.pages[at].block * FORMAT_BLOCK_BYTES));
	else
		replay_apply(recovery);
}

static void replay_scan(struct recovery *recovery)
{
	const struct journal *journal = &recovery->pool->journal;
	struct replay *replay = &recovery->replay;

	for (uint32_t i = 0; i < recovery->list.count; i++) {
		const void *data = recovery->list.pages[i].data;

		if (replay->number >= recovery->pool->loss.end) {
			replay_apply(recovery);
			return;
		}
		if (!journal_is_record(journal, data, replay->number)) {
			replay_found_end(recovery, i);
			return;
		}
		replay_reserve(recovery, data);
		replay->number++;
		if (journal_is_trusted(journal, data) && journal_is_last(data))
			replay->end = replay->number;
	}
	replay_read(recovery);
}

static void replay_end(struct recovery *recovery)
{
	recovery->pool->journal.next = recovery->replay.number;
	recovery_replayed(recovery);
}

/*
 * Between two commits a checkpoint is better than within one: so that no crash, whatever comes of
 * the records behind it, finds half of one in it.
 */
static int replay_rest(struct recovery *recovery)
{
	const struct leaf_cache *cache = &recovery->pool->cache;
	struct replay *replay = &recovery->replay;

	if (replay->is_within || replay->offset > 0 || replay->has_entry ||
	    recovery->settings.is_read_only || cache->dirty_count < cache->count / 2)
		return 0;
	return replay_checkpoint(recovery);
}

/* Go on where it stopped, to the end of what was read. */
static void replay_run(struct recovery *recovery)
{
	struct replay *replay = &recovery->replay;

	for (; replay->record < recovery->list.count; replay->record++) {
		const void *data = recovery->list.pages[replay->record].data;
		int ret;

		if (replay->number == replay->end) {
			replay_end(recovery);
			return;
		}
		ret = replay_rest(recovery);
		if (ret == 0)
			ret = replay_record(recovery, data);
		if (ret == -EAGAIN)
			return;
		if (ret != 0) {
			recovery_end(recovery, ret);
			return;
		}
		replay->is_within = !journal_is_last(data);
		replay->offset = 0;
		replay->number++;
	}
	replay_read(recovery);
}

/*
 * Blocks that cannot be read do no harm behind the end of the journal. So only where the very next
 * record would be is it given up: it may be one that was durable.
 */
static void replay_read_failed(struct recovery *recovery, int result)
{
	struct replay *replay = &recovery->replay;

	if (!replay->is_careful) {
		replay->is_careful = true;
		replay_read(recovery);
		return;
	}
	recovery_end(recovery,
		     error_set(&recovery->request->error, result,
			       "reading the journal failed, at byte %" PRIu64 " of the disk: %s",
			       journal_block_of(&recovery->pool->journal, replay->number) *
				       FORMAT_BLOCK_BYTES,
			       strerror(-result)));
}

static void replay_was_read(struct page_transfer *transfer, int result)
{
	struct recovery *recovery = container_of(transfer, struct recovery, transfer);

	if (result != 0) {
		replay_read_failed(recovery, result);
		return;
	}
	recovery->replay.record = 0;
	if (recovery->replay.is_scanning)
		replay_scan(recovery);
	else
		replay_run(recovery);
	runner_run(&recovery->pool->runner);
}

static void replay_read(struct recovery *recovery)
{
	const struct journal *journal = &recovery->pool->journal;
	const struct replay *replay = &recovery->replay;
	uint64_t first = replay->number;
	uint64_t count = replay->is_careful ? 1 : RECORDS_PER_READ;

	if (!replay->is_scanning && replay->number == replay->end) {
		replay_end(recovery);
		return;
	}
	page_list_fini(&recovery->list);
	for (uint64_t i = 0; i < MIN(journal->block_count, count); i++) {
		if (!page_list_add(&recovery->list, journal_block_of(journal, first + i), NULL)) {
			recovery_end(recovery, -ENOMEM);
			return;
		}
	}
	page_transfer_start(&recovery->transfer, recovery->disk, BLOCK_READ, &recovery->list,
			    replay_was_read);
}

void replay_start(struct recovery *recovery)
{
	recovery->waiter.run = replay_resume;
	recovery->replay = (struct replay){
		.is_scanning = true,
		.number = recovery->pool->journal.first,
		.end = recovery->pool->journal.first,
	};
	replay_read(recovery);
}
