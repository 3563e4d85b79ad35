/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * READ, WRITE, SYNCHRONIZE CACHE and PRE-FETCH in all their sizes (SBC-3, 5.8 to 5.12, 5.25
 * to 5.26, 5.30 to 5.33 and 5.7). One command is one request of the block: MAXIMUM TRANSFER LENGTH
 * says how much that can be.
 */
#include "base/compiler.h"
#include "scsi/cdb.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

/* The first byte of TRANSFER LENGTH, for the field pointer. */
static unsigned transfer_length_byte(const struct task *task)
{
	switch (cdb_len(task->cdb[0])) {
	case 6:
		return 4;
	case 10:
		return 7;
	case 12:
		return 6;
	default:
		return 10;
	}
}

bool task_take_transfer(struct task *task)
{
	if (!task_take_range(task))
		return false;
	/* SBC-3, 6.6.4: longer than MAXIMUM TRANSFER LENGTH. */
	if (task->block_count > task->lun->vpd_limits.maximum_transfer_length)
		return task_refuse_field(task, transfer_length_byte(task), 7);
	return true;
}

bool read_prepare(struct task *task)
{
	if (!task_take_transfer(task))
		return false;
	task->data_in_max = (uint32_t)(task->block_count * lun_block_bytes(task->lun));
	return true;
}

static void read_done(struct block_io *io, int result)
{
	struct task *task = task_of(io);

	if (task_is_cut_short(task, result))
		return;
	task->data_in_len = task->data_in_max;
	lun_task_end(task);
}

static void read_submit(struct task *task)
{
	task_submit(task, BLOCK_READ, task->lba, task->block_count, task->data, read_done);
}

static void read_flush_done(struct block_io *io, int result)
{
	struct task *task = task_of(io);

	if (!task_is_cut_short(task, result))
		read_submit(task);
}

void read_run(struct task *task)
{
	if (task->block_count == 0)
		lun_task_end(task);
	else if (task_has_fua(task) && task->lun->limits.has_write_cache)
		/* SBC-3, table 65: what is read must be what is on the medium. */
		task_flush(task, read_flush_done);
	else
		read_submit(task);
}

bool write_prepare(struct task *task)
{
	uint32_t block_bytes = lun_block_bytes(task->lun);

	if (!task_take_transfer(task))
		return false;
	task->data_out_len = (uint32_t)(task->block_count * block_bytes);
	if (task->data_out_offered >= task->data_out_len)
		return true;
	/* RFC 7143, 11.4.5.1: an offer too small is an overflow, not a failure. */
	task->block_count = task->data_out_offered / block_bytes;
	return true;
}

bool write_has_blocks(struct task *task)
{
	uint32_t offered = MIN(task->data_out_offered, task->data_out_len);

	/* No part of a block is written. Told here and not by prepare, so that the residual of
	 * the command is told as well. */
	if (offered % lun_block_bytes(task->lun) != 0)
		task_refuse(task, SENSE_INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
	else if (task->block_count > 0)
		return true;
	lun_task_end(task);
	return false;
}

void write_run(struct task *task)
{
	if (write_has_blocks(task))
		task_submit(task, BLOCK_WRITE, task->lba, task->block_count, task->data,
			    task_last_done);
}

/* PRE-FETCH has nothing else to do: there is no cache to fetch into, so the status is GOOD and not
 * CONDITION MET (SBC-3, 5.7). */
bool range_prepare(struct task *task)
{
	return task_take_range(task);
}

/*
 * The whole cache, whatever the range. IMMED asks for the status before the end; we give it after,
 * when it says more.
 */
void synchronize_cache_run(struct task *task)
{
	if (task->lun->limits.has_write_cache)
		task_flush(task, task_last_done);
	else
		lun_task_end(task);
}
