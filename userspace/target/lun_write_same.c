/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WRITE SAME(10) and (16) (SBC-3, 5.36 and 5.37).
 *
 * Zeros, by NDOB or as the block that was sent, become one UNMAP or WRITE_ZEROES: the medium
 * reads as zeros afterwards, and LBPRZ says so. That the blocks are not mapped then is allowed
 * even without the UNMAP bit (4.7.3.5, autonomous LBA transitions). Other patterns are written
 * out from the scratch memory.
 */
#include <string.h>

#include "base/compiler.h"
#include "scsi/cdb.h"
#include "scsi/opcode.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

#define UNMAP_BIT 0x08
#define NDOB_BIT  0x01

static bool has_no_data_out(const struct task *task)
{
	return task->cdb[0] == WRITE_SAME_16 && (task->cdb[1] & NDOB_BIT);
}

bool write_same_prepare(struct task *task)
{
	unsigned length_byte = task->cdb[0] == WRITE_SAME_16 ? 10 : 7;

	/* VPD B2h: without thin provisioning there is no LBPWS. */
	if ((task->cdb[1] & UNMAP_BIT) && !task->lun->limits.is_thin)
		return task_refuse_field(task, 1, 3);
	/* VPD B0h: WSNZ. */
	if (cdb_transfer_length(task->cdb) == 0)
		return task_refuse_field(task, length_byte, 7);
	if (!task_take_range(task))
		return false;
	if (task->block_count > task->lun->vpd_limits.maximum_write_same_length)
		return task_refuse_field(task, length_byte, 7);
	if (!has_no_data_out(task))
		task->data_out_len = lun_block_bytes(task->lun);
	return true;
}

/* All bytes 0: the first is, and each is as the one before it. */
static bool is_zero(const uint8_t *data, size_t len)
{
	return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}

static void pattern_done(struct block_io *io, int result);

static void pattern_next(struct task *task)
{
	uint64_t left = task->block_count - task->blocks_done;
	uint64_t blocks = MIN(left, (uint64_t)task->lun->scratch_blocks);

	if (left == 0) {
		lun_task_end(task);
		return;
	}
	task_submit(task, BLOCK_WRITE, task->lba + task->blocks_done, blocks, task->lun->scratch,
		    pattern_done);
}

static void pattern_done(struct block_io *io, int result)
{
	struct task *task = task_of(io);

	if (task_is_cut_short(task, result))
		return;
	task->blocks_done += io->length / lun_block_bytes(task->lun);
	pattern_next(task);
}

static void pattern_fill(struct task *task)
{
	uint32_t block_bytes = lun_block_bytes(task->lun);
	uint8_t *scratch = task->lun->scratch;

	if (has_no_data_out(task)) {
		memset(scratch, 0, LUN_SCRATCH_BYTES);
		return;
	}
	for (size_t at = 0; at < LUN_SCRATCH_BYTES; at += block_bytes)
		memcpy(scratch + at, task->data, block_bytes);
}

void write_same_run(struct task *task)
{
	bool is_unmap = task->cdb[1] & UNMAP_BIT;
	bool has_zeros = has_no_data_out(task) || is_zero(task->data, lun_block_bytes(task->lun));

	if (has_zeros && task->lun->limits.max_unmap_bytes > 0) {
		task_submit(task, is_unmap ? BLOCK_UNMAP : BLOCK_WRITE_ZEROES, task->lba,
			    task->block_count, NULL, task_last_done);
		return;
	}
	pattern_fill(task);
	pattern_next(task);
}
