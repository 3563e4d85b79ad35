/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a pool: the metadata area is claimed (zeros), the journal written once from end to
 * end (a flush into space that was never written costs twice as much), and then the two
 * superblocks. An empty pool has no other page.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/size.h"
#include "store/geometry.h"
#include "store/recovery.h"
#include "block/queue.h"

#define CHUNK_BYTES	  (256 * KIB)
#define JOURNAL_BYTES_MIN (4 * MIB)
#define JOURNAL_SHARE	  256 /* of the disk, if nothing is asked for */

struct format_job {
	struct block *disk;
	struct store_request *request;
	struct geometry geometry;
	struct page_list supers;
	struct page_transfer transfer;
	struct block_io io;
	struct iovec iov;
	void *zeros;
	uint64_t cursor;
	unsigned super; /* next copy to write */
	char name[NAME_SIZE];
	struct uuid uuid;
};

static void job_zero_zone(struct format_job *job);
static void job_zero_journal(struct format_job *job);
static void job_write_super(struct format_job *job);

static void job_ended(struct block_io *io, int result)
{
	struct format_job *job = container_of(io, struct format_job, io);
	struct store_request *request = job->request;

	if (result != 0 && request->error.code == 0)
		(void)error_set(&request->error, result, "writing pool '%s' failed: %s", job->name,
				strerror(-result)); /* returns the code */
	page_list_fini(&job->supers);
	free(job->zeros);
	free(job);
	request->done(request, result);
}

static void job_end(struct format_job *job, int result)
{
	job->io.done = job_ended;
	block_queue_complete(job->disk->queue, &job->io, result);
}

static void job_super_flushed(struct block_io *io, int result)
{
	struct format_job *job = container_of(io, struct format_job, io);

	if (result != 0 || job->super == job->supers.count)
		job_end(job, result);
	else
		job_write_super(job);
}

static void job_super_written(struct block_io *io, int result)
{
	struct format_job *job = container_of(io, struct format_job, io);

	if (result != 0) {
		job_end(job, result);
		return;
	}
	job->io = (struct block_io){.kind = BLOCK_FLUSH, .done = job_super_flushed};
	block_submit(job->disk, &job->io);
}

static void job_write_super(struct format_job *job)
{
	const struct page *page = &job->supers.pages[job->super++];

	job->iov = (struct iovec){.iov_base = page->data, .iov_len = FORMAT_BLOCK_BYTES};
	job->io = (struct block_io){
		.kind = BLOCK_WRITE,
		.offset = page->block * FORMAT_BLOCK_BYTES,
		.length = FORMAT_BLOCK_BYTES,
		.iov = &job->iov,
		.iov_count = 1,
		.done = job_super_written,
	};
	block_submit(job->disk, &job->io);
}

static void job_encode_supers(struct format_job *job)
{
	for (uint32_t i = 0; i < job->supers.count; i++) {
		struct format_super *super = job->supers.pages[i].data;
		const struct format_identity identity = {.kind = FORMAT_SUPER,
							 .block = job->supers.pages[i].block};

		memset(super, 0, sizeof(*super));
		put_le32(&super->version, FORMAT_VERSION);
		put_le32(&super->extent_bytes, STORE_EXTENT_BYTES);
		put_le64(&super->extent_count, job->geometry.extent_count);
		put_le64(&super->journal_extents, job->geometry.journal_extents);
		put_le64(&super->journal_epoch, 1);
		put_le64(&super->journal_first, 1);
		put_le64(&super->catalogue_pages, 1);
		memcpy(super->name, job->name, strlen(job->name));
		format_seal(super, &identity, &job->uuid, 1, 0);
	}
}

static void job_areas_flushed(struct block_io *io, int result)
{
	struct format_job *job = container_of(io, struct format_job, io);

	if (result != 0) {
		job_end(job, result);
		return;
	}
	job_encode_supers(job);
	job_write_super(job);
}

static void job_journal_done(struct block_io *io, int result)
{
	struct format_job *job = container_of(io, struct format_job, io);

	if (result != 0)
		job_end(job, result);
	else
		job_zero_journal(job);
}

static void job_zero_journal(struct format_job *job)
{
	uint64_t bytes = job->geometry.journal_extents * STORE_EXTENT_BYTES;

	if (job->cursor == bytes) {
		job->io = (struct block_io){.kind = BLOCK_FLUSH, .done = job_areas_flushed};
		block_submit(job->disk, &job->io);
		return;
	}
	job->iov = (struct iovec){.iov_base = job->zeros,
				  .iov_len = MIN(bytes - job->cursor, CHUNK_BYTES)};
	job->io = (struct block_io){
		.kind = BLOCK_WRITE,
		.offset = JOURNAL_EXTENT * STORE_EXTENT_BYTES + job->cursor,
		.length = job->iov.iov_len,
		.iov = &job->iov,
		.iov_count = 1,
		.done = job_journal_done,
	};
	job->cursor += job->iov.iov_len;
	block_submit(job->disk, &job->io);
}

static void job_zone_done(struct block_io *io, int result)
{
	struct format_job *job = container_of(io, struct format_job, io);

	if (result != 0)
		job_end(job, result);
	else
		job_zero_zone(job);
}

static void job_zero_zone(struct format_job *job)
{
	uint64_t first = job->cursor;

	if (first >= job->geometry.extent_count) {
		job->cursor = 0;
		job_zero_journal(job);
		return;
	}
	job->io = (struct block_io){
		.kind = BLOCK_WRITE_ZEROES,
		.offset = first * STORE_EXTENT_BYTES,
		.length = MIN(job->geometry.extent_count - first, (uint64_t)ZONE_SLOT_EXTENTS) *
			  STORE_EXTENT_BYTES,
		.done = job_zone_done,
	};
	job->cursor += ZONE_EXTENTS;
	block_submit(job->disk, &job->io);
}

static void job_supers_read(struct page_transfer *transfer, int result)
{
	struct format_job *job = container_of(transfer, struct format_job, transfer);
	const struct format_super *super;

	if (result != 0) {
		job_end(job, result);
		return;
	}
	if (super_choose(job->supers.pages[0].data, job->supers.pages[1].data, &super, NULL) == 0) {
		job_end(job, error_set(&job->request->error, -EEXIST,
				       "there is a berth pool on this disk already ('%.64s'); "
				       "wipe its first 2 MiB if it is to go",
				       super->name));
		return;
	}
	job_zero_zone(job);
}

static int job_plan(struct format_job *job, const struct pool_format *format)
{
	struct error *err = &job->request->error;
	struct block_limits limits;
	uint64_t journal = format->journal_bytes;
	char text[SIZE_TEXT_MAX];
	int ret = name_check("pool", format->name, err);

	if (ret != 0)
		return ret;
	block_describe(job->disk, &limits);
	if (limits.size_bytes < POOL_BYTES_MIN)
		return error_set(err, -EINVAL, "a pool needs at least 64 MiB, the disk has %s",
				 size_format(limits.size_bytes, text));
	job->geometry.extent_count = MIN(limits.size_bytes / STORE_EXTENT_BYTES, POOL_EXTENTS_MAX);
	if (journal == 0)
		journal = MAX(limits.size_bytes / JOURNAL_SHARE, JOURNAL_BYTES_MIN);
	job->geometry.journal_extents =
		MIN(journal / STORE_EXTENT_BYTES, (uint64_t)JOURNAL_EXTENTS_MAX);
	if (job->geometry.journal_extents < JOURNAL_EXTENTS_MIN ||
	    job->geometry.journal_extents > job->geometry.extent_count / 4)
		return error_set(err, -EINVAL,
				 "a journal of %s does not fit: 256 KiB at least, a quarter of the "
				 "disk at most",
				 size_format(journal, text));
	memcpy(job->name, format->name, sizeof(job->name));
	uuid_generate(&job->uuid);
	return 0;
}

void pool_format(struct block *disk, const struct pool_format *format,
		 struct store_request *request)
{
	struct format_job *job = calloc(1, sizeof(*job));
	int ret;

	assert(job); /* a few KiB: without them nothing else would work */
	request->error = (struct error){0};
	job->disk = disk;
	job->request = request;
	job->zeros = aligned_alloc(FORMAT_BLOCK_BYTES, CHUNK_BYTES);
	ret = job_plan(job, format);
	if (ret == 0 && (!job->zeros || !page_list_add(&job->supers, FORMAT_SUPER_A_BLOCK, NULL) ||
			 !page_list_add(&job->supers, FORMAT_SUPER_B_BLOCK, NULL)))
		ret = -ENOMEM;
	if (ret != 0) {
		job_end(job, ret);
		return;
	}
	memset(job->zeros, 0, CHUNK_BYTES);
	page_transfer_start(&job->transfer, disk, BLOCK_READ, &job->supers, job_supers_read);
}
