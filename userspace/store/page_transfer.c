/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/page_transfer.h"

#include "store/format.h"

static void part_done(struct block_io *io, int result);

static void part_start(struct page_transfer *transfer, struct page_transfer_part *part)
{
	const struct page *pages = transfer->list->pages;
	uint32_t first = transfer->next;
	int count = 0;

	while (transfer->next < transfer->list->count && count < PAGE_TRANSFER_RUN &&
	       pages[transfer->next].block == pages[first].block + (uint64_t)count) {
		part->iov[count++] = (struct iovec){.iov_base = pages[transfer->next++].data,
						    .iov_len = FORMAT_BLOCK_BYTES};
	}
	part->transfer = transfer;
	part->io = (struct block_io){
		.kind = transfer->kind,
		.offset = pages[first].block * FORMAT_BLOCK_BYTES,
		.length = (uint64_t)count * FORMAT_BLOCK_BYTES,
		.iov = part->iov,
		.iov_count = count,
		.done = part_done,
	};
	transfer->in_flight++;
	block_submit(transfer->disk, &part->io);
}

static void part_done(struct block_io *io, int result)
{
	struct page_transfer_part *part = container_of(io, struct page_transfer_part, io);
	struct page_transfer *transfer = part->transfer;

	transfer->in_flight--;
	if (result != 0 && transfer->result == 0)
		transfer->result = result;
	if (transfer->result == 0 && transfer->next < transfer->list->count)
		part_start(transfer, part);
	else if (transfer->in_flight == 0)
		transfer->done(transfer, transfer->result);
}

void page_transfer_start(struct page_transfer *transfer, struct block *disk, enum block_kind kind,
			 const struct page_list *list,
			 void (*done)(struct page_transfer *transfer, int result))
{
	transfer->disk = disk;
	transfer->kind = kind;
	transfer->list = list;
	transfer->done = done;
	transfer->next = 0;
	transfer->in_flight = 0;
	transfer->result = 0;
	if (list->count == 0) {
		done(transfer, 0);
		return;
	}
	for (int i = 0; i < PAGE_TRANSFER_DEPTH && transfer->next < list->count; i++)
		part_start(transfer, &transfer->parts[i]);
}
