/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads or writes a list of metadata blocks, a few at a time, neighbours together. */
#ifndef STORE_PAGE_TRANSFER_H
#define STORE_PAGE_TRANSFER_H

#include "block/block.h"
#include "store/page_list.h"

#define PAGE_TRANSFER_DEPTH 32
#define PAGE_TRANSFER_RUN   16 /* blocks in one request */

struct page_transfer;

struct page_transfer_part {
	struct page_transfer *transfer;
	struct block_io io;
	struct iovec iov[PAGE_TRANSFER_RUN];
};

struct page_transfer {
	struct block *disk;
	enum block_kind kind;
	const struct page_list *list;
	void (*done)(struct page_transfer *transfer, int result);
	uint32_t next;
	uint32_t in_flight;
	int result;
	struct page_transfer_part parts[PAGE_TRANSFER_DEPTH];
};

/*
 * `kind` is BLOCK_READ or BLOCK_WRITE. `done` runs once all are done, with the first error;
 * from inside this call only if the list is empty. The list must stay as it is until then.
 */
void page_transfer_start(struct page_transfer *transfer, struct block *disk, enum block_kind kind,
			 const struct page_list *list,
			 void (*done)(struct page_transfer *transfer, int result));

#endif
