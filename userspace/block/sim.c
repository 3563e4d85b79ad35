/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two images: `seen` is what reads get, `durable` what surely survives. A write that has ended
 * is in `seen` and, until a flush that was submitted after its end has ended, in the list of
 * pending ones, in order. A failed flush drops them from the list: the disk has forgotten that
 * it has them to write, as kernels do after a failed write-back.
 *
 * Zeroing is a write of zeros in pieces. Memory that runs out ends the test (assertion).
 */
#include "block/sim.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "block/request.h"

#define SECTOR_BYTES 512

/* A write, from its submission until it is durable. */
struct sim_write {
	struct list_node link;
	uint64_t offset;
	uint64_t length;
	uint64_t ended_at; /* when it ended, counted in ended requests; 0: in flight */
	struct block_io *io;
	uint8_t *bytes; /* NULL: zeros */
};

struct sim_disk {
	struct block block;
	struct sim_image *seen;
	struct sim_image *durable;
	uint64_t size_bytes;
	uint32_t logical_block_bytes;
	struct random random;
	struct sim_faults faults;
	struct sim_slowness slowness;
	struct list in_flight; /* block_io */
	uint32_t in_flight_count;
	uint64_t ended;
	struct list writes; /* sim_write, those in flight first or last alike */
};

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

static void sim_write_free(struct sim_write *write)
{
	list_remove(&write->link);
	free(write->bytes);
	free(write);
}

static void sim_write_add(struct sim_disk *disk, struct block_io *io)
{
	struct sim_write *write = calloc(1, sizeof(*write));

	assert(write);
	write->offset = io->offset;
	write->length = io->length;
	write->io = io;
	if (io->kind == BLOCK_WRITE) {
		write->bytes = malloc(io->length);
		assert(write->bytes);
		block_iov_read(io->iov, 0, write->bytes, io->length);
	}
	io->scratch[1] = (uintptr_t)write;
	list_append(&disk->writes, &write->link);
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
	if (sim_is_write(io))
		sim_write_add(disk, io);
	list_append(&disk->in_flight, &io->link);
	disk->in_flight_count++;
}

/* The sectors [first, first + count) of a write into an image. */
static void sim_apply(struct sim_image *image, const struct sim_write *write, uint64_t first,
		      uint64_t count)
{
	static const uint8_t zeros[64 * 1024];
	uint64_t offset = first * SECTOR_BYTES;
	uint64_t end = offset + count * SECTOR_BYTES;

	while (offset < end) {
		uint64_t piece = MIN(end - offset, (uint64_t)sizeof(zeros));
		bool is_ok = sim_image_write(image, write->offset + offset,
					     write->bytes ? write->bytes + offset : zeros, piece);

		assert(is_ok);
		offset += piece;
	}
}

static void sim_apply_all(struct sim_image *image, const struct sim_write *write)
{
	sim_apply(image, write, 0, write->length / SECTOR_BYTES);
}

/* In the order in which they ended, because the list is kept in that order. */
static void sim_flush(struct sim_disk *disk, uint64_t until, bool keeps)
{
	list_for_each_safe (&disk->writes, write, struct sim_write, link) {
		if (write->ended_at == 0 || write->ended_at > until)
			continue;
		if (keeps)
			sim_apply_all(disk->durable, write);
		sim_write_free(write);
	}
}

/* A write with FUA: it is durable, and so is whatever lies under it. */
static void sim_harden(struct sim_disk *disk, uint64_t offset, uint64_t length)
{
	list_for_each_safe (&disk->writes, write, struct sim_write, link) {
		if (write->ended_at == 0 || write->offset >= offset + length ||
		    write->offset + write->length <= offset)
			continue;
		sim_apply_all(disk->durable, write);
		sim_write_free(write);
	}
}

static void sim_read(struct sim_disk *disk, struct block_io *io)
{
	uint64_t done = 0;

	for (int i = 0; i < io->iov_count; i++) {
		sim_image_read(disk->seen, io->offset + done, io->iov[i].iov_base,
			       io->iov[i].iov_len);
		done += io->iov[i].iov_len;
	}
}

static bool sim_fails(const struct sim_disk *disk)
{
	const struct sim_faults *faults = &disk->faults;

	if (faults->fail_at == 0 || disk->ended < faults->fail_at)
		return false;
	return disk->ended == faults->fail_at || faults->fails_on;
}

static void sim_end_write(struct sim_disk *disk, struct block_io *io, bool fails)
{
	struct sim_write *write = (struct sim_write *)(uintptr_t)io->scratch[1];

	/* Even a write that failed may have reached the disk in part. */
	write->io = NULL;
	write->ended_at = disk->ended;
	list_remove(&write->link);
	list_append(&disk->writes, &write->link);
	if (fails) {
		uint64_t sectors = write->length / SECTOR_BYTES;

		write->length = random_below(&disk->random, sectors + 1) * SECTOR_BYTES;
		sim_apply_all(disk->seen, write);
		return;
	}
	sim_apply_all(disk->seen, write);
	if (io->fua && !disk->faults.ignores_flushes)
		sim_harden(disk, write->offset, write->length);
}

static void sim_end(struct sim_disk *disk, struct block_io *io)
{
	bool fails;

	disk->ended++;
	fails = sim_fails(disk);
	if (sim_is_write(io))
		sim_end_write(disk, io, fails);
	else if (io->kind == BLOCK_FLUSH && !disk->faults.ignores_flushes)
		sim_flush(disk, io->scratch[0], !fails);
	else if (io->kind == BLOCK_READ && !fails)
		sim_read(disk, io);
	else if (io->kind == BLOCK_MAP)
		io->is_mapped = true;
	io->done(io, fails ? disk->faults.fail_result : 0);
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

/* The chance, out of 16, of each run of sectors that it is not lost. */
static uint64_t sim_crash_chance(struct random *random)
{
	static const uint64_t chances[] = {0, 1, 8, 8, 15, 16};

	return chances[random_below(random, ARRAY_SIZE(chances))];
}

/* Runs of sectors: whole pages as often as torn ones, and large zeroing fast. */
static uint64_t sim_crash_run(struct random *random, uint64_t sectors)
{
	return MIN(UINT64_C(1) << random_below(random, 8), sectors);
}

static void sim_crash_write(struct sim_image *image, const struct sim_write *write, uint64_t chance,
			    struct random *random)
{
	uint64_t sectors = write->length / SECTOR_BYTES;

	for (uint64_t i = 0, run; i < sectors; i += run) {
		run = sim_crash_run(random, sectors - i);
		if (random_below(random, 16) < chance)
			sim_apply(image, write, i, run);
	}
}

struct sim_image *sim_disk_crash(struct sim_disk *disk, struct random *random)
{
	uint64_t chance = sim_crash_chance(random);
	struct sim_image *image = sim_image_copy(disk->durable);

	if (!image)
		return NULL;
	/* In any order: twice over the list, each write in one of the two rounds. */
	for (uint64_t round = 0; round < 2; round++) {
		uint64_t order = random_next(random);
		uint64_t i = 0;

		list_for_each (&disk->writes, write, struct sim_write, link) {
			if ((order >> (i++ % 64) & 1) == round || round == 1)
				sim_crash_write(image, write, chance, random);
		}
	}
	return image;
}

/* `count` sectors of a write, as one that has ended on another disk. */
static void sim_write_take(struct sim_disk *disk, const struct sim_write *write, uint64_t first,
			   uint64_t count)
{
	struct sim_write *taken = calloc(1, sizeof(*taken));

	assert(taken);
	taken->offset = write->offset + first * SECTOR_BYTES;
	taken->length = count * SECTOR_BYTES;
	taken->ended_at = write->ended_at ? write->ended_at : disk->ended;
	if (write->bytes) {
		taken->bytes = malloc(taken->length);
		assert(taken->bytes || taken->length == 0);
		memcpy(taken->bytes, write->bytes + first * SECTOR_BYTES, taken->length);
	}
	list_append(&disk->writes, &taken->link);
	if (write->ended_at == 0)
		sim_apply_all(disk->seen, taken);
}

struct sim_disk *sim_disk_restart(struct sim_disk *disk, struct block_queue *queue,
				  struct random *random)
{
	struct sim_disk *next = sim_disk_new(sim_image_copy(disk->durable),
					     disk->logical_block_bytes, queue, random_next(random));
	uint64_t chance = sim_crash_chance(random);

	if (!next)
		return NULL;
	sim_image_free(next->seen);
	next->seen = sim_image_copy(disk->seen);
	assert(next->seen);
	next->ended = disk->ended + 1; /* what was in flight ended last */
	list_for_each (&disk->writes, write, struct sim_write, link) {
		if (write->ended_at != 0)
			sim_write_take(next, write, 0, write->length / SECTOR_BYTES);
	}
	list_for_each (&disk->writes, write, struct sim_write, link) {
		uint64_t sectors = write->length / SECTOR_BYTES;

		for (uint64_t i = 0, run; write->ended_at == 0 && i < sectors; i += run) {
			run = sim_crash_run(random, sectors - i);
			if (random_below(random, 16) < chance)
				sim_write_take(next, write, i, run);
		}
	}
	return next;
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

void sim_disk_set_faults(struct sim_disk *disk, const struct sim_faults *faults)
{
	disk->faults = *faults;
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
