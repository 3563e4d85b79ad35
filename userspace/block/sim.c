/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two images: `seen` is what reads get, `durable` what surely survives. A write that has ended
 * is in `seen` and, until a flush that was submitted after its end has ended, in the list of
 * pending ones, in order. A failed flush drops them from the list: the disk has forgotten that
 * it has them to write, as kernels do after a failed write-back.
 *
 * Memory that runs out ends the test (assertion).
 */
#include "block/sim_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/size.h"
#include "block/request.h"

static void sim_describe(struct block *block, struct block_limits *out_limits)
{
	const struct sim_disk *disk = container_of(block, struct sim_disk, block);

	*out_limits = (struct block_limits){
		.size_bytes = disk->size_bytes,
		.logical_block_bytes = disk->logical_block_bytes,
		.physical_block_bytes = 4096,
		.memory_align_bytes = 512,
		.max_io_bytes = 8 * MIB,
		.max_unmap_bytes = 64 * MIB,
		.unmap_granule_bytes = 4096,
		.is_thin = true,
		.has_write_cache = true,
	};
}

static bool sim_is_write(const struct block_io *io)
{
	return io->kind == BLOCK_WRITE || io->kind == BLOCK_UNMAP || io->kind == BLOCK_WRITE_ZEROES;
}

static void sim_submit(struct block *block, struct block_io *io)
{
	struct sim_disk *disk = container_of(block, struct sim_disk, block);
	struct block_limits limits;
	int ret;

	sim_describe(block, &limits);
	ret = block_io_check(io, &limits);
	if (ret != 0) {
		block_queue_complete(block->queue, io, ret);
		return;
	}
	io->scratch[0] = disk->ended; /* a flush covers what ended before it began */
	if (sim_is_write(io)) {
		struct sim_write *write = sim_write_new(io, ++disk->writes_begun);

		io->scratch[1] = (uintptr_t)write;
		list_append(&disk->writes, &write->link);
	}
	list_append(&disk->in_flight, &io->link);
	disk->in_flight_count++;
}

/* True if a flush that was submitted after `until` requests had ended is about it. */
static bool sim_is_flushed(const struct sim_write *write, uint64_t until)
{
	return write->ended_at != 0 && write->ended_at <= until;
}

/* In the order in which they ended, because the list is kept in that order. */
static void sim_flush(struct sim_disk *disk, uint64_t until)
{
	list_for_each_safe (&disk->writes, write, struct sim_write, link) {
		if (!sim_is_flushed(write, until))
			continue;
		sim_write_apply_all(disk->durable, write);
		sim_write_free(write);
	}
}

static void sim_restore(struct sim_disk *disk, uint64_t offset, uint64_t length)
{
	uint8_t bytes[SECTOR_BYTES];

	for (uint64_t end = offset + length; offset < end; offset += SECTOR_BYTES) {
		bool is_ok;

		sim_image_read(disk->durable, offset, bytes, SECTOR_BYTES);
		is_ok = sim_image_write(disk->seen, offset, bytes, SECTOR_BYTES);
		assert(is_ok);
	}
}

/* What the flush was about will never be durable; if it `forgets`, it is not seen either. */
static void sim_flush_fail(struct sim_disk *disk, uint64_t until, bool forgets)
{
	list_for_each_safe (&disk->writes, write, struct sim_write, link) {
		if (!sim_is_flushed(write, until))
			continue;
		if (forgets)
			sim_restore(disk, write->offset, write->length);
		sim_write_free(write);
	}
	list_for_each (&disk->writes, write, struct sim_write, link) {
		if (forgets && write->ended_at != 0)
			sim_write_apply_all(disk->seen, write);
	}
}

/* A write with FUA: it is durable, and so is whatever lies under it. */
static void sim_harden(struct sim_disk *disk, uint64_t offset, uint64_t length)
{
	list_for_each_safe (&disk->writes, write, struct sim_write, link) {
		if (write->ended_at == 0 || write->offset >= offset + length ||
		    write->offset + write->length <= offset)
			continue;
		sim_write_apply_all(disk->durable, write);
		sim_write_free(write);
	}
}

static int sim_end_read(struct sim_disk *disk, struct block_io *io, const enum sim_fault *fault)
{
	uint64_t offset = io->offset;
	uint64_t done = 0;

	if (fault && *fault == SIM_FAILS)
		return disk->faults.fail_result;
	if (fault && *fault == SIM_MISDIRECTS)
		offset = sim_fault_misdirect(disk, io->length);
	if (sim_image_is_spoilt(disk->seen, offset, io->length))
		return -EIO;
	for (int i = 0; i < io->iov_count; i++) {
		sim_image_read(disk->seen, offset + done, io->iov[i].iov_base, io->iov[i].iov_len);
		done += io->iov[i].iov_len;
	}
	if (fault && *fault == SIM_FLIPS)
		sim_fault_flip(disk, io->iov, io->offset, io->length);
	return 0;
}

static int sim_end_write(struct sim_disk *disk, struct block_io *io, const enum sim_fault *fault)
{
	struct sim_write *write = (struct sim_write *)(uintptr_t)io->scratch[1];
	bool fails = fault && *fault == SIM_FAILS;

	write->ended_at = disk->ended;
	list_remove(&write->link);
	list_append(&disk->writes, &write->link);
	if (fault && *fault == SIM_LOSES) {
		sim_write_free(write);
		return 0;
	}
	/* Even a write that failed may have reached the disk in part. */
	if (fails)
		write->length = random_below(&disk->random, write->length / SECTOR_BYTES + 1) *
				SECTOR_BYTES;
	if (fault && *fault == SIM_FLIPS) {
		const struct iovec iov = {write->bytes, write->length};

		sim_fault_flip(disk, &iov, write->offset, write->length);
	}
	if (fault && *fault == SIM_MISDIRECTS)
		write->offset = sim_fault_misdirect(disk, write->length);
	sim_write_apply_all(disk->seen, write);
	if (!fails && io->fua && !disk->faults.ignores_flushes)
		sim_harden(disk, write->offset, write->length);
	return fails ? disk->faults.fail_result : 0;
}

static int sim_end_flush(struct sim_disk *disk, struct block_io *io, const enum sim_fault *fault)
{
	if (disk->faults.ignores_flushes || (fault && *fault == SIM_LOSES))
		return 0;
	if (!fault) {
		sim_flush(disk, io->scratch[0]);
		return 0;
	}
	sim_flush_fail(disk, io->scratch[0], *fault == SIM_FORGETS);
	return disk->faults.fail_result;
}

static void sim_end(struct sim_disk *disk, struct block_io *io)
{
	enum sim_fault found;
	const enum sim_fault *fault;
	int result = 0;

	disk->ended++;
	fault = sim_fault_hits(disk, io, &found) ? &found : NULL;
	if (sim_is_write(io))
		result = sim_end_write(disk, io, fault);
	else if (io->kind == BLOCK_FLUSH)
		result = sim_end_flush(disk, io, fault);
	else if (io->kind == BLOCK_READ)
		result = sim_end_read(disk, io, fault);
	else
		io->is_mapped = true;
	io->done(io, result);
}

static bool sim_is_slow(const struct sim_disk *disk, const struct block_io *io)
{
	if (io->kind == BLOCK_READ)
		return disk->slowness.reads;
	return io->kind == BLOCK_WRITE && io->offset < disk->slowness.writes_below;
}

static struct block_io *sim_choose(struct sim_disk *disk)
{
	uint64_t chosen = random_below(&disk->random, disk->in_flight_count);

	list_for_each (&disk->in_flight, io, struct block_io, link) {
		if (chosen-- == 0)
			return io;
	}
	return NULL;
}

bool sim_disk_step(struct sim_disk *disk)
{
	struct block_io *io = NULL;

	if (disk->in_flight_count == 0)
		return false;
	for (int tries = 0; tries < 16; tries++) {
		io = sim_choose(disk);
		if (!sim_is_slow(disk, io))
			break;
	}
	list_remove(&io->link);
	disk->in_flight_count--;
	sim_end(disk, io);
	return true;
}

void sim_disk_slow_down(struct sim_disk *disk, const struct sim_slowness *slowness)
{
	disk->slowness = *slowness;
}

static void sim_close(struct block *block, void (*closed)(void *owner), void *owner)
{
	/* The test has the disk, and looks at its images after the pool is closed. */
	closed(owner);
}

static const struct block_ops sim_ops = {
	.submit = sim_submit,
	.describe = sim_describe,
	.close = sim_close,
};

struct sim_disk *sim_disk_new(struct sim_image *image, uint32_t logical_block_bytes,
			      struct block_queue *queue, uint64_t seed)
{
	struct sim_disk *disk = calloc(1, sizeof(*disk));

	if (!disk)
		return NULL;
	disk->block.ops = &sim_ops;
	disk->block.queue = queue;
	disk->durable = image;
	disk->seen = sim_image_copy(image);
	disk->size_bytes = sim_image_size(image);
	disk->logical_block_bytes = logical_block_bytes;
	disk->random.state = seed;
	list_init(&disk->in_flight);
	list_init(&disk->writes);
	if (!disk->seen) {
		free(disk);
		return NULL;
	}
	return disk;
}

void sim_disk_free(struct sim_disk *disk)
{
	if (!disk)
		return;
	list_for_each_safe (&disk->writes, write, struct sim_write, link)
		sim_write_free(write);
	sim_image_free(disk->seen);
	sim_image_free(disk->durable);
	free(disk);
}

struct block *sim_disk_block(struct sim_disk *disk)
{
	return &disk->block;
}

bool sim_disk_spoil(struct sim_disk *disk, uint64_t offset, uint64_t len)
{
	return sim_image_spoil(disk->seen, offset, len) &&
	       sim_image_spoil(disk->durable, offset, len);
}

uint64_t sim_disk_hash(const struct sim_disk *disk)
{
	struct random random = {.state = sim_image_hash(disk->seen)};

	return random_next(&random) ^ sim_image_hash(disk->durable);
}

uint64_t sim_disk_ended(const struct sim_disk *disk)
{
	return disk->ended;
}

bool sim_disk_grow(struct sim_disk *disk, uint64_t size_bytes)
{
	disk->size_bytes = size_bytes;
	return sim_image_grow(disk->seen, size_bytes) && sim_image_grow(disk->durable, size_bytes);
}
