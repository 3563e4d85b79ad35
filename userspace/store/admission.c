/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/admission.h"

#include <assert.h>
#include <errno.h>

#include "store/state.h"

void admission_init(struct admission *admission)
{
	*admission = (struct admission){0};
	list_init(&admission->waiting);
	list_init(&admission->waiting_space);
}

static bool has_words(const struct pool *pool, uint32_t words)
{
	uint32_t wanted = pool->admission.words + words;

	return pool->cache.changed_words + wanted <= journal_word_limit(&pool->journal) &&
	       wanted <= space_freed_room(&pool->space);
}

static bool has_leaves(const struct pool *pool, uint32_t leaves)
{
	return pool->cache.dirty_count + pool->admission.leaves + leaves <= pool->cache.dirty_limit;
}

int admission_enter(struct pool *pool, uint32_t words, uint32_t leaves, struct waiter *waiter)
{
	struct admission *admission = &pool->admission;

	if (!pool_is_writable(pool))
		return -EROFS;
	if (has_words(pool, words) && has_leaves(pool, leaves) &&
	    slot_budget_may_dirty(pool, leaves)) {
		admission->words += words;
		admission->leaves += leaves;
		return 0;
	}
	list_append(&admission->waiting, &waiter->link);
	if (!has_leaves(pool, leaves) || has_words(pool, words))
		checkpoint_want(pool);
	else
		commit_want(pool);
	return -EAGAIN;
}

void admission_leave(struct pool *pool, uint32_t words, uint32_t leaves)
{
	assert(pool->admission.words >= words && pool->admission.leaves >= leaves);
	pool->admission.words -= words;
	pool->admission.leaves -= leaves;
	waiter_wake_all(&pool->runner, &pool->admission.waiting, 0);
}

int admission_wait_space(struct pool *pool, struct waiter *waiter)
{
	if (!space_has_pending(&pool->space))
		return -ENOSPC;
	list_append(&pool->admission.waiting_space, &waiter->link);
	commit_want(pool);
	return -EAGAIN;
}

void admission_retry(struct pool *pool)
{
	waiter_wake_all(&pool->runner, &pool->admission.waiting, 0);
	waiter_wake_all(&pool->runner, &pool->admission.waiting_space, 0);
	threshold_want(pool);
}
