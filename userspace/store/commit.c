/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capture -> flush data -> write records -> flush records -> wake. An unsealed commit leaves out
 * both flushes. Steps without work are left out: without new data (and with nothing unsealed) there
 * is no first flush, without changes (and with nothing unsealed) no record. So whatever is in front
 * of a sealed commit was durable before it was written: a hole there is damage (store/replay.c). A
 * few sealed records are written durably by themselves (FUA), which spares the last flush.
 *
 * The last quarter of the ring belongs to commits that begin a checkpoint: that is how a full
 * journal empties itself while everybody else waits.
 */
#include "store/commit.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/bitmap.h"
#include "store/state.h"

#define FORCED_RECORDS 8 /* beyond that a flush is the cheaper way */

static void commit_flushed(struct block_io *io, int result);
static void commit_written(struct block_io *io, int result);
static void commit_recorded(struct block_io *io, int result);

void commit_init(struct commit *commit)
{
	*commit = (struct commit){0};
	list_init(&commit->next);
	list_init(&commit->now);
	list_init(&commit->kept_next);
	list_init(&commit->kept_now);
}

static bool commit_has_changes(const struct pool *pool)
{
	return pool->cache.changed_words > 0 || pool->commit.record_count > 0 ||
	       pool->commit.drop_count > 0;
}

static bool commit_has_work(const struct pool *pool)
{
	return commit_has_changes(pool) || pool->commit.has_unsealed ||
	       pool->commit.writes_done != pool->commit.writes_durable;
}

void commit_join(struct pool *pool, struct waiter *waiter)
{
	if (!pool_is_writable(pool)) {
		waiter_wake(&pool->runner, waiter, -EIO);
		return;
	}
	if (!pool->commit.is_running && !commit_has_work(pool)) {
		waiter_wake(&pool->runner, waiter, 0);
		return;
	}
	list_append(&pool->commit.next, &waiter->link);
	commit_kick(pool);
}

void commit_join_kept(struct pool *pool, struct waiter *waiter)
{
	if (!pool_is_writable(pool)) {
		waiter_wake(&pool->runner, waiter, -EIO);
		return;
	}
	list_append(&pool->commit.kept_next, &waiter->link);
	commit_kick(pool);
}

void commit_want(struct pool *pool)
{
	pool->commit.is_wanted = true;
	commit_kick(pool);
}

void commit_add_record(struct pool *pool, uint32_t id)
{
	struct commit *commit = &pool->commit;

	assert(commit->record_count < COMMIT_RECORDS);
	commit->record_ids[commit->record_count++] = id;
}

void commit_add_drop(struct pool *pool, uint32_t layer, uint64_t leaf)
{
	struct commit *commit = &pool->commit;

	assert(commit->drop_count < COMMIT_DROPS);
	commit->drops[commit->drop_count].layer = layer;
	commit->drops[commit->drop_count++].leaf = leaf;
}

static void capture_leaf(struct pool *pool, struct leaf *leaf)
{
	uint64_t first = leaf->number * FORMAT_WORDS;

	for (uint64_t i = bitmap_find_set(leaf->changed, 0, FORMAT_WORDS); i < FORMAT_WORDS;
	     i = bitmap_find_set(leaf->changed, i + 1, FORMAT_WORDS))
		journal_put_word(&pool->journal, leaf->layer->id, first + i,
				 leaf_word(leaf, (unsigned)i));
	leaf_commit(&pool->cache, leaf);
}

/*
 * Words of a layer that is being merged away come first: an extent that moves into the layer above
 * is let go of before it is claimed, however often the journal is replayed.
 */
static void capture_words(struct pool *pool)
{
	struct list *changed = &pool->cache.changed;
	struct list_node *next;

	for (struct list_node *node = changed->head.next; node != &changed->head; node = next) {
		struct leaf *leaf = list_entry(node, struct leaf, changed_link);

		next = node->next;
		if (leaf->layer->is_merging)
			capture_leaf(pool, leaf);
	}
	while (!list_is_empty(changed))
		capture_leaf(pool, list_entry(changed->head.next, struct leaf, changed_link));
}

/* Records come first: a new layer must be known before its words. */
static void commit_capture(struct pool *pool)
{
	struct commit *commit = &pool->commit;

	journal_begin(&pool->journal);
	leaf_commit_begin(&pool->cache);
	for (uint32_t i = 0; i < commit->record_count; i++) {
		union format_record record;

		catalogue_encode(&pool->catalogue, commit->record_ids[i], &record);
		journal_put_record(&pool->journal, commit->record_ids[i], &record);
	}
	for (uint32_t i = 0; i < commit->drop_count; i++)
		journal_put_drop(&pool->journal, commit->drops[i].layer, commit->drops[i].leaf);
	capture_words(pool);
	commit->record_count = 0;
	commit->drop_count = 0;
	if (commit->is_sealed) {
		commit->writes_captured = commit->writes_done;
		space_capture(&pool->space);
		if (commit->has_unsealed)
			journal_put_nothing(&pool->journal);
	}
	(void)journal_end(&pool->journal, commit->is_sealed); /* its count is kept there */
}

/* Freed extents may be reused, and a flush has its meaning, only after a sealed commit. */
static void commit_succeed(struct pool *pool)
{
	struct commit *commit = &pool->commit;

	if (commit->is_sealed) {
		commit->writes_durable = commit->writes_captured;
		commit->has_unsealed = false;
		loss_sealed(pool);
		space_commit(&pool->space);
		punch_kick(pool);
	} else if (pool->journal.count > 0) {
		commit->has_unsealed = true;
	}
	waiter_wake_all(&pool->runner, &commit->now, 0);
	waiter_wake_all(&pool->runner, &commit->kept_now, 0);
	admission_retry(pool);
	if (commit->has_checkpoint)
		checkpoint_write(pool);
	commit_kick(pool);
}

static void commit_end(struct pool *pool, int result, const char *what)
{
	struct commit *commit = &pool->commit;

	commit->is_running = false;
	leaf_commit_end(&pool->cache);
	if (result != 0) {
		pool_degrade(pool, POOL_READ_ONLY, what, result);
		waiter_wake_all(&pool->runner, &commit->now, -EIO);
		waiter_wake_all(&pool->runner, &commit->kept_now, -EIO);
		if (commit->has_checkpoint)
			checkpoint_abort(pool); /* an earlier one, under way, sees it itself */
	} else {
		commit_succeed(pool);
	}
	runner_run(&pool->runner);
	pool_close_kick(pool);
}

/*
 * Once the pool is degraded no step counts as done: a flush of a checkpoint that failed
 * may have lost what this commit wrote, and the next flush would not tell.
 */
static int commit_result(const struct pool *pool, int result)
{
	return result == 0 && !pool_is_writable(pool) ? -EIO : result;
}

static void commit_flush(struct pool *pool, void (*done)(struct block_io *io, int result))
{
	pool->commit.flush = (struct block_io){.kind = BLOCK_FLUSH, .done = done};
	block_submit(pool->disk, &pool->commit.flush);
}

/* True if it can and shall begin a checkpoint; *out_fits false: it must wait for one. */
static bool commit_plan(const struct pool *pool, bool *out_fits)
{
	const struct journal *journal = &pool->journal;
	uint64_t need = journal_blocks_for(pool->cache.changed_words);
	uint64_t room = journal_room(journal);
	bool wants = pool->checkpoint.is_wanted || room < need + journal->block_count / 2 ||
		     pool->cache.dirty_count > pool->cache.dirty_limit / 2;

	if (wants && !pool->checkpoint.is_running) {
		*out_fits = true;
		return true;
	}
	*out_fits = room >= need + journal->buffer_blocks;
	return false;
}

/* The data of unsealed records is among the writes that are not durable yet. */
static bool commit_needs_flush(const struct pool *pool)
{
	const struct commit *commit = &pool->commit;

	return commit->is_sealed && !pool->faults.skips_data_flush &&
	       (commit->writes_captured != commit->writes_durable || commit->has_unsealed);
}

static bool commit_can_force(const struct pool *pool)
{
	const struct journal *journal = &pool->journal;
	uint64_t first = (journal->next - journal->count) % journal->block_count;

	return pool->commit.is_sealed && journal->count <= FORCED_RECORDS &&
	       first + journal->count <= journal->block_count && !pool->faults.skips_journal_flush;
}

static void commit_start(struct pool *pool)
{
	struct commit *commit = &pool->commit;
	bool fits;
	int ret = 0;

	commit->has_checkpoint = commit_plan(pool, &fits);
	if (!fits)
		return;
	commit->is_running = true;
	commit->is_sealed =
		commit->has_checkpoint || commit->is_wanted || !list_is_empty(&commit->next);
	commit->is_wanted = false;
	list_append_all(&commit->now, &commit->next);
	list_append_all(&commit->kept_now, &commit->kept_next);
	commit_capture(pool);
	commit->is_forced = commit_can_force(pool);
	if (commit->has_checkpoint)
		ret = checkpoint_capture(pool);
	if (ret != 0)
		commit_end(pool, ret, "could not prepare a checkpoint");
	else if (commit_needs_flush(pool))
		commit_flush(pool, commit_flushed);
	else
		commit_flushed(&commit->flush, 0);
}

void commit_kick(struct pool *pool)
{
	struct commit *commit = &pool->commit;
	bool is_wanted = commit->is_wanted && commit_has_work(pool);

	if (commit->is_running || !pool_is_writable(pool))
		return;
	if (pool->checkpoint.is_wanted && !pool->checkpoint.is_running)
		is_wanted = true;
	if (is_wanted || !list_is_empty(&commit->next) || !list_is_empty(&commit->kept_next))
		commit_start(pool);
}

static void commit_write(struct pool *pool, struct commit_part *part, uint32_t skip, uint32_t count)
{
	const struct journal *journal = &pool->journal;
	uint64_t number = journal->next - journal->count + skip;

	part->pool = pool;
	part->iov = (struct iovec){
		.iov_base = journal->buffer + (size_t)skip * FORMAT_BLOCK_BYTES,
		.iov_len = (size_t)count * FORMAT_BLOCK_BYTES,
	};
	part->io = (struct block_io){
		.kind = BLOCK_WRITE,
		.fua = pool->commit.is_forced,
		.offset = journal_block_of(journal, number) * FORMAT_BLOCK_BYTES,
		.length = part->iov.iov_len,
		.iov = &part->iov,
		.iov_count = 1,
		.done = commit_written,
	};
	pool->commit.writes_in_flight++;
	block_submit(pool->disk, &part->io);
}

/* The data is durable, as far as it must be; now the records that point to it. */
static void commit_flushed(struct block_io *io, int result)
{
	struct pool *pool = container_of(io, struct pool, commit.flush);
	const struct journal *journal = &pool->journal;
	uint64_t first = (journal->next - journal->count) % journal->block_count;
	uint32_t count = journal->count;

	if (result != 0)
		loss_happened(pool, "flushing data failed", result);
	result = commit_result(pool, result);
	if (result != 0 || count == 0) {
		commit_end(pool, result, "flushing data failed");
		return;
	}
	pool->commit.result = 0;
	if (first + count <= journal->block_count) {
		commit_write(pool, &pool->commit.parts[0], 0, count);
	} else {
		uint32_t before_end = (uint32_t)(journal->block_count - first);

		commit_write(pool, &pool->commit.parts[0], 0, before_end);
		commit_write(pool, &pool->commit.parts[1], before_end, count - before_end);
	}
}

static void commit_written(struct block_io *io, int result)
{
	struct pool *pool = container_of(io, struct commit_part, io)->pool;
	struct commit *commit = &pool->commit;

	if (result != 0 && result != -ENXIO && io->fua)
		loss_happened(pool, "writing the journal failed", result); /* its flush, maybe */
	if (result != 0)
		commit->result = result;
	if (--commit->writes_in_flight > 0)
		return;
	commit->result = commit_result(pool, commit->result);
	if (commit->result != 0)
		commit_end(pool, commit->result, "writing the journal failed");
	else if (!commit->is_sealed || commit->is_forced || pool->faults.skips_journal_flush)
		commit_recorded(&commit->flush, 0);
	else
		commit_flush(pool, commit_recorded);
}

static void commit_recorded(struct block_io *io, int result)
{
	struct pool *pool = container_of(io, struct pool, commit.flush);

	if (result != 0)
		loss_happened(pool, "flushing the journal failed", result);
	commit_end(pool, commit_result(pool, result), "flushing the journal failed");
}
