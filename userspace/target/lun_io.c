/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that commands are made of: a range from the CDB, a request to the block, its end. */
#include <string.h>

#include "base/compiler.h"
#include "scsi/cdb.h"
#include "target/lun_state.h"

bool task_take_range(struct task *task)
{
	struct lun *lun = task->lun;
	struct sense sense = {
		.key = SENSE_KEY_ILLEGAL_REQUEST,
		.code = SENSE_LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE,
		.has_information = true,
	};

	task->lba = cdb_lba(task->cdb);
	task->block_count = cdb_transfer_length(task->cdb);
	/* SBC-3, 5.8 and 5.30: the six-byte commands say 0 for 256. */
	if (task->block_count == 0 && cdb_len(task->cdb[0]) == 6)
		task->block_count = 256;
	if (task->lba <= lun->block_count && task->block_count <= lun->block_count - task->lba)
		return true;
	/* The first address that is not there. */
	sense.information = MAX(task->lba, lun->block_count);
	task_fail_sense(task, &sense);
	return false;
}

struct task *task_of(struct block_io *io)
{
	return container_of(io, struct task, io);
}

static void io_submit(struct task *task, void (*done)(struct block_io *io, int result))
{
	task->io.done = done;
	block_submit(task->lun->settings.block, &task->io);
}

bool task_has_fua(const struct task *task)
{
	return (task->command->flags & COMMAND_FUA) && (task->cdb[1] & 0x08);
}

static bool kind_changes(enum block_kind kind)
{
	return kind == BLOCK_WRITE || kind == BLOCK_UNMAP || kind == BLOCK_WRITE_ZEROES;
}

/* With WCE 0 every write is through to the medium (SBC-3, 6.5.5). */
static bool write_is_through(const struct task *task)
{
	return !task->lun->mode.write_cache_enable || task_has_fua(task) ||
	       (task->command->flags & COMMAND_THROUGH);
}

void task_submit(struct task *task, enum block_kind kind, uint64_t lba, uint64_t block_count,
		 uint8_t *data, void (*done)(struct block_io *io, int result))
{
	uint64_t block_bytes = lun_block_bytes(task->lun);
	bool has_data = kind == BLOCK_READ || kind == BLOCK_WRITE;

	task->iov = (struct iovec){.iov_base = data, .iov_len = block_count * block_bytes};
	task->io = (struct block_io){
		.kind = kind,
		.fua = kind_changes(kind) && task->lun->limits.has_write_cache &&
		       write_is_through(task),
		.offset = lba * block_bytes,
		.length = block_count * block_bytes,
		.iov = has_data ? &task->iov : NULL,
		.iov_count = has_data ? 1 : 0,
	};
	io_submit(task, done);
}

void task_submit_whole(struct task *task, enum block_kind kind,
		       void (*done)(struct block_io *io, int result))
{
	task->io = (struct block_io){.kind = kind};
	io_submit(task, done);
}

void task_flush(struct task *task, void (*done)(struct block_io *io, int result))
{
	task_submit_whole(task, BLOCK_FLUSH, done);
}

bool task_is_cut_short(struct task *task, int result)
{
	if (result == 0 && !task->is_aborted)
		return false;
	if (result != 0)
		task_fail_errno(task, task->io.kind, result);
	lun_task_end(task);
	return true;
}

void task_last_done(struct block_io *io, int result)
{
	struct task *task = task_of(io);

	if (!task_is_cut_short(task, result))
		lun_task_end(task);
}

bool task_prepare_return(struct task *task, uint32_t allocation_length)
{
	task->data_in_max = MIN(allocation_length, LUN_PARAMETER_BYTES);
	return true;
}

bool task_prepare_nothing(struct task *task)
{
	(void)task;
	return true;
}

void task_return(struct task *task, const uint8_t *data, size_t len)
{
	task->data_in_len = (uint32_t)MIN(len, (size_t)task->data_in_max);
	if (task->data_in_len > 0)
		memcpy(task->data, data, task->data_in_len);
	lun_task_end(task);
}
