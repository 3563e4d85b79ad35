/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request is one loop operation from a fixed number of slots; what comes beyond them waits.
 * A short read or write goes on where it ended: `moved` bytes are done, and the pieces of
 * memory that are left are kept in the slot.
 *
 * UNMAP of a device is a discard, which the ring cannot do on every kernel: a thread does it,
 * for that request alone, and is joined when it has posted its end.
 */
#include "store/file_disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "base/slots.h"
#include "block/request.h"

#define FILE_DISK_SLOTS 512
#define FILE_DISK_IOVS	64

struct file_disk {
	struct block block;
	struct loop *loop;
	struct slots slots;
	struct list waiting; /* block_io beyond the slots */
	int fd;
	bool is_device;
	bool has_no_zero_range; /* the file system refused it once */
	uint64_t least_bytes;	/* a file's largest size so far: it never has less */
	uint32_t logical_block_bytes;
	uint32_t memory_align_bytes;
	void (*closed)(void *owner);
	void *owner;
	bool is_closing;
};

/* A request under way. */
struct file_op {
	struct loop_op op;
	struct file_disk *disk;
	struct block_io *io;
	uint64_t moved; /* bytes of a READ or WRITE that are done */
	enum {
		FILE_STEP_MOVE,
		FILE_STEP_PUNCH,
		FILE_STEP_CLAIM,
		FILE_STEP_SYNC
	} step;
	pthread_t discarder;
	bool has_discarder;
	struct loop_task discarded;
	int discard_result;
	struct iovec iov[FILE_DISK_IOVS];
};

static void file_op_step(struct file_op *op);

static uint64_t file_disk_size(const struct file_disk *disk)
{
	struct stat facts;
	uint64_t bytes = 0;

	if (disk->is_device)
		return ioctl(disk->fd, BLKGETSIZE64, &bytes) == 0 ? bytes : 0;
	return fstat(disk->fd, &facts) == 0 ? (uint64_t)facts.st_size : 0;
}

/*
 * Somebody has made the file shorter. A write would make it longer again, and what was cut off
 * would read as zeros; so there are none, and reads behind the end go on to fail.
 */
static bool file_disk_is_cut(struct file_disk *disk)
{
	uint64_t size_bytes = disk->is_device ? UINT64_MAX : file_disk_size(disk);

	if (size_bytes >= disk->least_bytes)
		disk->least_bytes = size_bytes;
	return size_bytes < disk->least_bytes;
}

static void file_disk_limits(const struct file_disk *disk, struct block_limits *out_limits)
{
	*out_limits = (struct block_limits){
		.size_bytes = UINT64_MAX,
		.logical_block_bytes = disk->logical_block_bytes,
		.physical_block_bytes = 4096,
		.memory_align_bytes = disk->memory_align_bytes,
		.max_io_bytes = 4 * MIB,
		.max_unmap_bytes = GIB,
		.unmap_granule_bytes = 4096,
		.is_thin = true,
		.has_write_cache = true,
	};
}

static void file_disk_describe(struct block *block, struct block_limits *out_limits)
{
	const struct file_disk *disk = container_of(block, struct file_disk, block);

	file_disk_limits(disk, out_limits);
	out_limits->size_bytes =
		file_disk_size(disk) / disk->logical_block_bytes * disk->logical_block_bytes;
}

static void file_disk_free(struct file_disk *disk)
{
	void (*closed)(void *owner) = disk->closed;
	void *owner = disk->owner;

	/* The ring's workers may have hold of the file a little longer: the lock goes now. */
	(void)flock(disk->fd, LOCK_UN);
	(void)close(disk->fd); /* everything that must be durable was synced */
	slots_fini(&disk->slots);
	free(disk);
	closed(owner);
}

static void file_op_start(struct file_disk *disk, struct block_io *io)
{
	struct file_op *op = slots_get(&disk->slots);

	op->disk = disk;
	op->io = io;
	op->moved = 0;
	op->step = FILE_STEP_MOVE;
	file_op_step(op);
}

static void file_op_end(struct file_op *op, int result)
{
	struct file_disk *disk = op->disk;
	struct block_io *io = op->io;
	struct list_node *node = list_take_first(&disk->waiting);

	slots_put(&disk->slots, op);
	if (node)
		file_op_start(disk, list_entry(node, struct block_io, link));
	io->done(io, result);
	if (disk->is_closing && slots_used(&disk->slots) == 0 && list_is_empty(&disk->waiting)) {
		disk->is_closing = false;
		file_disk_free(disk);
	}
}

/* What follows a step that succeeded. */
static void file_op_advance(struct file_op *op)
{
	const struct block_io *io = op->io;
	bool is_whole =
		io->kind == BLOCK_READ || io->kind == BLOCK_WRITE ? op->moved == io->length : true;

	if (!is_whole) {
		file_op_step(op);
	} else if (op->step == FILE_STEP_PUNCH && io->kind == BLOCK_WRITE_ZEROES) {
		op->step = FILE_STEP_CLAIM;
		file_op_step(op);
	} else if (io->fua && op->step != FILE_STEP_SYNC && io->kind != BLOCK_READ &&
		   io->kind != BLOCK_WRITE) {
		op->step = FILE_STEP_SYNC;
		file_op_step(op);
	} else {
		file_op_end(op, 0);
	}
}

static void file_op_done(struct loop_op *loop_op, int result)
{
	struct file_op *op = container_of(loop_op, struct file_op, op);
	bool moves = op->io->kind == BLOCK_READ || op->io->kind == BLOCK_WRITE;

	if (result == -EINTR || result == -EAGAIN) {
		file_op_step(op);
	} else if (result == -EOPNOTSUPP && op->step == FILE_STEP_MOVE &&
		   op->io->kind == BLOCK_WRITE_ZEROES) {
		/* tmpfs and others: punch, then claim the room. */
		op->disk->has_no_zero_range = true;
		op->step = FILE_STEP_PUNCH;
		file_op_step(op);
	} else if (result == -EOPNOTSUPP && op->io->kind == BLOCK_UNMAP) {
		file_op_end(op, -EOPNOTSUPP);
	} else if (result < 0) {
		file_op_end(op, result == -ENOSPC ? -ENOSPC : -EIO);
	} else if (moves && op->step == FILE_STEP_MOVE && result == 0) {
		file_op_end(op, -ENXIO); /* the file ends before its end */
	} else {
		if (moves && op->step == FILE_STEP_MOVE)
			op->moved += (uint64_t)result;
		file_op_advance(op);
	}
}

static void file_op_move(struct file_op *op)
{
	struct block_io *io = op->io;
	struct file_disk *disk = op->disk;
	uint64_t covered;
	int count = block_iov_slice(io->iov, op->moved, io->length - op->moved, op->iov,
				    FILE_DISK_IOVS, &covered);

	if (io->kind == BLOCK_READ)
		loop_readv(disk->loop, &op->op, disk->fd, op->iov, count, io->offset + op->moved);
	else if (io->fua)
		loop_writev_durable(disk->loop, &op->op, disk->fd, op->iov, count,
				    io->offset + op->moved);
	else
		loop_writev(disk->loop, &op->op, disk->fd, op->iov, count, io->offset + op->moved);
}

static void file_op_allocate(struct file_op *op, int mode)
{
	loop_allocate(op->disk->loop, &op->op, op->disk->fd, mode, op->io->offset, op->io->length);
}

static void file_op_discarded(struct loop_task *task)
{
	struct file_op *op = container_of(task, struct file_op, discarded);

	if (op->has_discarder)
		(void)pthread_join(op->discarder, NULL); /* it has done its work */
	file_op_done(&op->op, op->discard_result);
}

static void *file_op_discard_run(void *data)
{
	struct file_op *op = data;
	uint64_t range[2] = {op->io->offset, op->io->length};

	op->discard_result = ioctl(op->disk->fd, BLKDISCARD, range) == 0 ? 0 : -errno;
	loop_post(op->disk->loop, &op->discarded);
	return NULL;
}

static void file_op_discard(struct file_op *op)
{
	op->discarded.run = file_op_discarded;
	op->has_discarder = pthread_create(&op->discarder, NULL, file_op_discard_run, op) == 0;
	if (op->has_discarder)
		return;
	op->discard_result = -EIO;
	loop_post(op->disk->loop, &op->discarded);
}

static void file_op_step(struct file_op *op)
{
	op->op.done = file_op_done;
	if (op->step == FILE_STEP_SYNC || op->io->kind == BLOCK_FLUSH) {
		loop_sync(op->disk->loop, &op->op, op->disk->fd);
		return;
	}
	if (op->io->kind == BLOCK_READ || op->io->kind == BLOCK_WRITE) {
		file_op_move(op);
		return;
	}
	if (op->io->kind == BLOCK_UNMAP ||
	    (op->disk->has_no_zero_range && op->step == FILE_STEP_MOVE))
		op->step = FILE_STEP_PUNCH;
	if (op->io->kind == BLOCK_UNMAP && op->disk->is_device)
		file_op_discard(op);
	else if (op->step == FILE_STEP_PUNCH)
		file_op_allocate(op, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
	else if (op->step == FILE_STEP_CLAIM)
		file_op_allocate(op, op->disk->is_device ? FALLOC_FL_ZERO_RANGE : 0);
	else
		file_op_allocate(op, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE);
}

static void file_disk_submit(struct block *block, struct block_io *io)
{
	struct file_disk *disk = container_of(block, struct file_disk, block);
	struct block_limits limits;
	int ret;

	/* The kernel knows the size best; it is not asked at every request. */
	file_disk_limits(disk, &limits);
	ret = block_io_check(io, &limits);
	if (ret == 0 && (io->kind == BLOCK_READ || io->kind == BLOCK_WRITE) &&
	    !block_io_is_aligned(io, disk->memory_align_bytes, disk->logical_block_bytes))
		ret = -EINVAL;
	if (ret == 0 && io->kind == BLOCK_WRITE && file_disk_is_cut(disk))
		ret = -ENXIO;
	if (io->kind == BLOCK_MAP)
		io->is_mapped = true;
	if (ret != 0 || io->kind == BLOCK_MAP || (io->length == 0 && io->kind != BLOCK_FLUSH))
		block_queue_complete(block->queue, io, ret);
	else if (slots_used(&disk->slots) == FILE_DISK_SLOTS)
		list_append(&disk->waiting, &io->link);
	else
		file_op_start(disk, io);
}

static void file_disk_close(struct block *block, void (*closed)(void *owner), void *owner)
{
	struct file_disk *disk = container_of(block, struct file_disk, block);

	disk->closed = closed;
	disk->owner = owner;
	if (slots_used(&disk->slots) > 0)
		disk->is_closing = true;
	else
		file_disk_free(disk);
}

static const struct block_ops file_disk_ops = {
	.submit = file_disk_submit,
	.describe = file_disk_describe,
	.close = file_disk_close,
};

/* The least block that direct I/O takes here, by trying; 0: none, it must be buffered. */
static uint32_t file_direct_block(int fd)
{
	static const uint32_t sizes[] = {512, 4096};
	uint32_t found = 0;
	void *memory = aligned_alloc(4096, 4096);

	for (unsigned i = 0; memory && !found && i < ARRAY_SIZE(sizes); i++) {
		if (pread(fd, memory, sizes[i], 0) >= 0)
			found = sizes[i];
	}
	free(memory);
	return found;
}

static int file_lock(const char *path, int fd, struct error *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return error_set(err, errno == EWOULDBLOCK ? -EBUSY : -errno,
			 "'%s' is in use by another berth-node, or locked by something else", path);
}

/* O_EXCL keeps a block device from anybody who mounts or opens it exclusively. */
static int file_open(const char *path, bool is_device, uint32_t *out_direct_block,
		     struct error *err)
{
	int flags = O_RDWR | O_CLOEXEC | (is_device ? O_EXCL : 0);
	int fd = open(path, flags | O_DIRECT);

	*out_direct_block = fd >= 0 ? file_direct_block(fd) : 0;
	if (fd >= 0 && *out_direct_block == 0) {
		(void)close(fd); /* nothing was written */
		fd = -1;
		errno = EINVAL;
	}
	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags);
	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", path,
				 errno == EBUSY ? "the device is mounted or otherwise in use"
						: strerror(errno));
	return fd;
}

static int file_stat(const char *path, bool *out_is_device, struct error *err)
{
	struct stat facts;

	if (stat(path, &facts) != 0)
		return error_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	if (!S_ISREG(facts.st_mode) && !S_ISBLK(facts.st_mode))
		return error_set(err, -EINVAL, "'%s' is neither a file nor a block device", path);
	*out_is_device = S_ISBLK(facts.st_mode);
	return 0;
}

int file_disk_open(const char *path, struct loop_queue *queue, struct block **out_disk,
		   struct error *err)
{
	struct file_disk *disk = calloc(1, sizeof(*disk));
	uint32_t direct_block;
	int ret = disk ? file_stat(path, &disk->is_device, err) : -ENOMEM;

	if (ret != 0)
		goto fail_disk;
	ret = file_open(path, disk->is_device, &direct_block, err);
	if (ret < 0)
		goto fail_disk;
	disk->fd = ret;
	ret = file_lock(path, disk->fd, err);
	if (ret != 0)
		goto fail_fd;
	ret = slots_init(&disk->slots, FILE_DISK_SLOTS, sizeof(struct file_op));
	if (ret != 0)
		goto fail_fd;
	disk->block.ops = &file_disk_ops;
	disk->block.queue = &queue->queue;
	disk->loop = queue->loop;
	disk->logical_block_bytes = direct_block ? direct_block : 512;
	disk->memory_align_bytes = direct_block ? direct_block : 1;
	disk->least_bytes = file_disk_size(disk);
	list_init(&disk->waiting);
	*out_disk = &disk->block;
	return 0;

fail_fd:
	(void)close(disk->fd); /* nothing was written */
fail_disk:
	free(disk);
	return ret;
}

int file_disk_create(const char *path, uint64_t size_bytes, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret = 0;

	if (fd < 0)
		return error_set(err, -errno, "cannot create '%s': %s", path, strerror(errno));
	if (ftruncate(fd, (off_t)size_bytes) != 0 || fsync(fd) != 0)
		ret = error_set(err, -errno, "cannot give '%s' its size: %s", path,
				strerror(errno));
	(void)close(fd); /* synced, or about to be removed */
	if (ret != 0)
		(void)unlink(path); /* it was made here, a moment ago */
	return ret;
}

int file_disk_extend(const char *path, uint64_t size_bytes, struct error *err)
{
	char size[SIZE_TEXT_MAX];
	uint64_t has = 0;
	bool is_device = false;
	int ret = file_stat(path, &is_device, err);
	int fd = ret == 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (ret != 0)
		return ret;
	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	has = (uint64_t)lseek(fd, 0, SEEK_END);
	if (size_bytes < has || (is_device && size_bytes != has))
		ret = error_set(err, -EINVAL, "'%s' has %s: %s", path, size_format(has, size),
				is_device ? "a block device grows by its own means, not from here"
					  : "it cannot become smaller");
	else if (!is_device && (ftruncate(fd, (off_t)size_bytes) != 0 || fsync(fd) != 0))
		ret = error_set(err, -errno, "'%s' cannot grow: %s", path, strerror(errno));
	(void)close(fd); /* synced */
	return ret;
}
