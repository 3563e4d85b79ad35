/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page is written without a flush, for who opens the pool in the same boot: it is in the
 * cache that the records are in. After a power failure nobody needs it.
 */
#include "store/loss.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "store/state.h"

/* On its way to the disk; the pool may be gone before it is there. */
struct loss_page {
	struct block_io io;
	struct iovec iov;
	void *data;
};

static struct format_identity loss_identity(uint64_t epoch, uint64_t end)
{
	return (struct format_identity){
		.kind = FORMAT_LOSS, .block = FORMAT_LOSS_BLOCK, .owner = epoch, .index = end};
}

void loss_load(struct pool *pool, const void *page)
{
	const struct format_header *header = page;
	const struct format_identity identity =
		loss_identity(pool->journal.epoch, get_le64(&header->index));

	pool->loss = (struct loss){.epoch = pool->journal.epoch, .end = UINT64_MAX};
	if (format_check(page, &identity, &pool->uuid, NULL) != 0)
		return; /* zeros, or about an older journal */
	pool->loss.end = identity.index;
	pool->journal.boot = 0; /* no boot is trusted in this replay */
}

void loss_sealed(struct pool *pool)
{
	pool->loss.end = pool->journal.next;
}

void loss_checkpointed(struct pool *pool)
{
	if (pool->loss.epoch == pool->journal.epoch)
		return;
	pool->loss = (struct loss){.epoch = pool->journal.epoch, .end = pool->journal.next};
}

static void loss_written(struct block_io *io, int result)
{
	struct loss_page *page = container_of(io, struct loss_page, io);

	(void)result; /* nothing more can be done */
	free(page->data);
	free(page);
}

void loss_happened(struct pool *pool, const char *what, int code)
{
	const struct format_identity identity = loss_identity(pool->loss.epoch, pool->loss.end);
	struct loss_page *page;

	if (pool->state == POOL_FAILED)
		return;
	pool_degrade(pool, POOL_FAILED, what, code);
	page = calloc(1, sizeof(*page));
	if (!page)
		return;
	page->data = aligned_alloc(FORMAT_BLOCK_BYTES, FORMAT_BLOCK_BYTES);
	if (!page->data) {
		free(page);
		return;
	}
	memset(page->data, 0, FORMAT_BLOCK_BYTES);
	format_seal(page->data, &identity, &pool->uuid, 0, 0);
	page->iov = (struct iovec){.iov_base = page->data, .iov_len = FORMAT_BLOCK_BYTES};
	page->io = (struct block_io){
		.kind = BLOCK_WRITE,
		.offset = (uint64_t)FORMAT_LOSS_BLOCK * FORMAT_BLOCK_BYTES,
		.length = FORMAT_BLOCK_BYTES,
		.iov = &page->iov,
		.iov_count = 1,
		.done = loss_written,
	};
	block_submit(pool->disk, &page->io);
}
