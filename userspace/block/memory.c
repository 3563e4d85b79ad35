/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One anonymous mapping: the kernel gives pages as they are touched and takes them back
 * (madvise) when whole pages are unmapped, so a large empty disk costs nothing.
 */
#include "block/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/size.h"
#include "block/request.h"

#define PAGE_BYTES 4096

struct memory_disk {
	struct block block;
	struct block_queue *queue;
	uint8_t *bytes;
	uint64_t size_bytes;
	uint32_t logical_block_bytes;
};

static void memory_describe(struct block *block, struct block_limits *out_limits)
{
	const struct memory_disk *disk = container_of(block, struct memory_disk, block);

	*out_limits = (struct block_limits){
		.size_bytes = disk->size_bytes,
		.logical_block_bytes = disk->logical_block_bytes,
		.physical_block_bytes = PAGE_BYTES,
		.memory_align_bytes = 1,
		.max_io_bytes = 32 * MIB,
		.max_unmap_bytes = GIB,
		.unmap_granule_bytes = PAGE_BYTES,
		.is_thin = true,
	};
}

static void memory_clear(struct memory_disk *disk, uint64_t offset, uint64_t length)
{
	uint64_t first = (offset + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	uint64_t end = (offset + length) / PAGE_BYTES * PAGE_BYTES;

	if (first >= end || madvise(disk->bytes + first, end - first, MADV_DONTNEED) != 0) {
		memset(disk->bytes + offset, 0, length);
		return;
	}
	memset(disk->bytes + offset, 0, first - offset);
	memset(disk->bytes + end, 0, offset + length - end);
}

static void memory_submit(struct block *block, struct block_io *io)
{
	struct memory_disk *disk = container_of(block, struct memory_disk, block);
	struct block_limits limits;
	int ret;

	memory_describe(block, &limits);
	ret = block_io_check(io, &limits);
	if (ret == 0 && io->kind == BLOCK_READ)
		block_iov_write(io->iov, 0, disk->bytes + io->offset, io->length);
	else if (ret == 0 && io->kind == BLOCK_WRITE)
		block_iov_read(io->iov, 0, disk->bytes + io->offset, io->length);
	else if (ret == 0 && (io->kind == BLOCK_UNMAP || io->kind == BLOCK_WRITE_ZEROES))
		memory_clear(disk, io->offset, io->length);
	else if (ret == 0 && io->kind == BLOCK_MAP)
		io->is_mapped = true;
	block_queue_complete(disk->queue, io, ret);
}

static void memory_close(struct block *block, void (*closed)(void *owner), void *owner)
{
	struct memory_disk *disk = container_of(block, struct memory_disk, block);

	(void)munmap(disk->bytes, disk->size_bytes); /* ours, whole: cannot fail */
	free(disk);
	closed(owner);
}

static const struct block_ops memory_ops = {
	.submit = memory_submit,
	.describe = memory_describe,
	.close = memory_close,
};

int memory_disk_new(uint64_t size_bytes, uint32_t logical_block_bytes, struct block_queue *queue,
		    struct block **out_disk)
{
	struct memory_disk *disk;

	if ((logical_block_bytes != 512 && logical_block_bytes != 4096) || size_bytes == 0 ||
	    size_bytes % logical_block_bytes != 0)
		return -EINVAL;
	disk = calloc(1, sizeof(*disk));
	if (!disk)
		return -ENOMEM;
	disk->block.ops = &memory_ops;
	disk->block.queue = queue;
	disk->queue = queue;
	disk->size_bytes = size_bytes;
	disk->logical_block_bytes = logical_block_bytes;
	disk->bytes = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (disk->bytes == MAP_FAILED) {
		free(disk);
		return -ENOMEM;
	}
	*out_disk = &disk->block;
	return 0;
}

int memory_disk_grow(struct block *block, uint64_t size_bytes)
{
	struct memory_disk *disk = container_of(block, struct memory_disk, block);
	void *bytes;

	if (size_bytes < disk->size_bytes || size_bytes % disk->logical_block_bytes != 0)
		return -EINVAL;
	bytes = mremap(disk->bytes, disk->size_bytes, size_bytes, MREMAP_MAYMOVE);
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	disk->bytes = bytes;
	disk->size_bytes = size_bytes;
	return 0;
}
