/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run is what one request reads: blocks that lie close together, with the few unwanted ones
 * between them. Its place in the batch's memory is fixed before anything is read, so pages are
 * used where they were read to.
 */
#include "store/offline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "store/array.h"
#include "store/format.h"

#define RUN_BLOCKS 256 /* 1 MiB */
#define RUN_GAP	   8   /* blocks: reading so many for nothing beats another request */
#define RUN_DEPTH  32

struct run {
	struct block_io io;
	struct iovec iov;
	struct reading *reading;
};

struct reading {
	struct offline *offline;
	struct batch *batch;
	uint64_t next; /* in batch->order */
	uint64_t memory_used;
	uint64_t disk_blocks;
	uint32_t run_blocks;
	uint32_t in_flight;
	struct run runs[RUN_DEPTH];
	struct run *idle[RUN_DEPTH];
	uint32_t idle_count;
};

static void offline_ended(struct offline *offline)
{
	if (offline->ended)
		offline->ended(offline);
}

void batch_clear(struct batch *batch)
{
	batch->count = 0;
}

void batch_fini(struct batch *batch)
{
	free(batch->pages);
	free(batch->order);
	free(batch->memory);
	*batch = (struct batch){0};
}

int batch_add(struct batch *batch, uint64_t block, uint64_t tag)
{
	int ret = array_reserve(&batch->pages, &batch->capacity, batch->count + 1,
				sizeof(*batch->pages));

	if (ret == 0)
		batch->pages[batch->count++] = (struct batch_page){.block = block, .tag = tag};
	return ret;
}

static int compare_blocks(const void *a, const void *b, void *owner)
{
	const struct batch *batch = owner;
	uint64_t left = batch->pages[*(const uint32_t *)a].block;
	uint64_t right = batch->pages[*(const uint32_t *)b].block;

	return (left > right) - (left < right);
}

static struct batch_page *page_at(const struct reading *reading, uint64_t position)
{
	return &reading->batch->pages[reading->batch->order[position]];
}

/* One past the last page (in order) of the run that begins at `start`; its length in blocks. */
static uint64_t run_end(const struct reading *reading, uint64_t start, uint64_t *out_blocks)
{
	uint64_t first = page_at(reading, start)->block;
	uint64_t last = first;
	uint64_t end = start + 1;

	for (; end < reading->batch->count; end++) {
		uint64_t block = page_at(reading, end)->block;

		if (block - last > RUN_GAP || block - first >= reading->run_blocks ||
		    block >= reading->disk_blocks)
			break;
		last = block;
	}
	*out_blocks = last - first + 1;
	return end;
}

static void run_done(struct block_io *io, int result)
{
	struct run *run = container_of(io, struct run, io);
	struct reading *reading = run->reading;
	struct batch *batch = reading->batch;
	uint64_t first = io->offset / FORMAT_BLOCK_BYTES;
	uint64_t count = io->length / FORMAT_BLOCK_BYTES;

	for (uint64_t i = 0; result != 0 && i < batch->count; i++) {
		struct batch_page *page = &batch->pages[i];

		if (page->block >= first && page->block - first < count)
			page->data = NULL;
	}
	reading->in_flight--;
	reading->idle[reading->idle_count++] = run;
	offline_ended(reading->offline);
}

static void run_start(struct reading *reading)
{
	struct run *run = reading->idle[--reading->idle_count];
	uint64_t first = page_at(reading, reading->next)->block;
	uint8_t *memory = reading->batch->memory + reading->memory_used;
	uint64_t blocks;
	uint64_t end = run_end(reading, reading->next, &blocks);

	for (uint64_t i = reading->next; i < end; i++) {
		struct batch_page *page = page_at(reading, i);

		page->data = memory + (page->block - first) * FORMAT_BLOCK_BYTES;
	}
	reading->next = end;
	reading->memory_used += blocks * FORMAT_BLOCK_BYTES;
	run->reading = reading;
	run->iov = (struct iovec){.iov_base = memory, .iov_len = blocks * FORMAT_BLOCK_BYTES};
	run->io = (struct block_io){
		.kind = BLOCK_READ,
		.offset = first * FORMAT_BLOCK_BYTES,
		.length = run->iov.iov_len,
		.iov = &run->iov,
		.iov_count = 1,
		.done = run_done,
	};
	reading->in_flight++;
	block_submit(reading->offline->disk, &run->io);
}

/* The order of the disk, and memory for all runs; blocks past its end come last and get none. */
static int reading_plan(struct reading *reading)
{
	struct batch *batch = reading->batch;
	uint64_t bytes = 0;
	uint64_t blocks;
	int ret = array_reserve(&batch->order, &batch->order_capacity, batch->count,
				sizeof(*batch->order));

	for (uint64_t i = 0; ret == 0 && i < batch->count; i++) {
		batch->order[i] = (uint32_t)i;
		batch->pages[i].data = NULL;
	}
	if (ret != 0 || batch->count == 0)
		return ret;
	qsort_r(batch->order, batch->count, sizeof(*batch->order), compare_blocks, batch);
	for (uint64_t i = 0; i < batch->count && page_at(reading, i)->block < reading->disk_blocks;
	     bytes += blocks * FORMAT_BLOCK_BYTES)
		i = run_end(reading, i, &blocks);
	if (bytes <= batch->memory_bytes)
		return 0;
	free(batch->memory);
	batch->memory_bytes = 0;
	batch->memory = aligned_alloc(FORMAT_BLOCK_BYTES, bytes);
	if (!batch->memory)
		return -ENOMEM;
	batch->memory_bytes = bytes;
	return 0;
}

static void reading_run(struct reading *reading)
{
	const struct batch *batch = reading->batch;

	for (;;) {
		while (reading->idle_count > 0 && reading->next < batch->count &&
		       page_at(reading, reading->next)->block < reading->disk_blocks)
			run_start(reading);
		if (reading->in_flight == 0)
			return;
		reading->offline->turn(reading->offline);
	}
}

/* True if a page within the disk is still without data. */
static bool reading_has_failed(const struct reading *reading)
{
	for (uint64_t i = 0; i < reading->batch->count; i++) {
		const struct batch_page *page = &reading->batch->pages[i];

		if (!page->data && page->block < reading->disk_blocks)
			return true;
	}
	return false;
}

int batch_read(struct batch *batch, struct offline *offline)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	struct block_limits limits;
	int ret;

	if (!reading)
		return -ENOMEM;
	block_describe(offline->disk, &limits);
	reading->offline = offline;
	reading->batch = batch;
	reading->disk_blocks = limits.size_bytes / FORMAT_BLOCK_BYTES;
	reading->run_blocks = (uint32_t)MIN((uint64_t)RUN_BLOCKS,
					    (uint64_t)limits.max_io_bytes / FORMAT_BLOCK_BYTES);
	for (uint32_t i = 0; i < RUN_DEPTH; i++)
		reading->idle[reading->idle_count++] = &reading->runs[i];
	ret = reading_plan(reading);
	if (ret == 0)
		reading_run(reading);
	if (ret == 0 && reading_has_failed(reading)) {
		reading->run_blocks = 1;
		reading->next = 0;
		reading->memory_used = 0;
		ret = reading_plan(reading);
		if (ret == 0)
			reading_run(reading);
	}
	free(reading);
	return ret;
}

struct single {
	struct offline *offline;
	struct block_io io;
	struct iovec iov;
	bool is_done;
	int result;
};

static void single_done(struct block_io *io, int result)
{
	struct single *single = container_of(io, struct single, io);

	single->is_done = true;
	single->result = result;
	offline_ended(single->offline);
}

static int single_run(struct offline *offline, enum block_kind kind, uint64_t block, void *data)
{
	struct single single = {
		.offline = offline,
		.iov = {.iov_base = data, .iov_len = FORMAT_BLOCK_BYTES},
		.io = {.kind = kind,
		       .offset = block * FORMAT_BLOCK_BYTES,
		       .length = data ? FORMAT_BLOCK_BYTES : 0,
		       .iov_count = data ? 1 : 0,
		       .done = single_done},
	};

	single.io.iov = &single.iov;
	block_submit(offline->disk, &single.io);
	while (!single.is_done)
		offline->turn(offline);
	return single.result;
}

int offline_read(struct offline *offline, uint64_t block, void *data)
{
	return single_run(offline, BLOCK_READ, block, data);
}

int offline_write(struct offline *offline, uint64_t block, const void *data)
{
	return single_run(offline, BLOCK_WRITE, block, (void *)data); /* it is only read */
}

int offline_flush(struct offline *offline)
{
	return single_run(offline, BLOCK_FLUSH, 0, NULL);
}
