/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that compare: VERIFY (SBC-3, 5.27), WRITE AND VERIFY (5.34) and COMPARE AND WRITE
 * (5.2). They read the medium into the LUN's scratch memory, a piece at a time.
 *
 * COMPARE AND WRITE is atomic because the task set gives it the LUN alone (lun_queue.c).
 */
#include <string.h>

#include "base/compiler.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

/* BYTCHK, bits 2 and 1 of byte 1. */
enum byte_check {
	BYTE_CHECK_MEDIUM = 0,	  /* that it can be read */
	BYTE_CHECK_DATA = 1,	  /* against as many blocks of Data-Out */
	BYTE_CHECK_ONE_BLOCK = 3, /* each against the same block of Data-Out */
};

static enum byte_check byte_check_of(const struct task *task)
{
	return (enum byte_check)((task->cdb[1] >> 1) & 3);
}

/* The offset of the first byte that differs; `len` if none does. */
static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t at = 0;

	if (memcmp(a, b, len) == 0)
		return len;
	while (a[at] == b[at])
		at++;
	return at;
}

static void task_fail_miscompare(struct task *task, uint64_t information)
{
	struct sense sense = {
		.key = SENSE_KEY_MISCOMPARE,
		.code = SENSE_MISCOMPARE_DURING_VERIFY,
		.has_information = true,
		.information = information,
	};

	task_fail_sense(task, &sense);
}

/* --- VERIFY --- */

bool verify_prepare(struct task *task)
{
	uint32_t block_bytes = lun_block_bytes(task->lun);

	if (!task_take_transfer(task))
		return false;
	switch (byte_check_of(task)) {
	case BYTE_CHECK_MEDIUM:
		return true;
	case BYTE_CHECK_DATA:
		task->data_out_len = (uint32_t)(task->block_count * block_bytes);
		return true;
	case BYTE_CHECK_ONE_BLOCK:
		task->data_out_len = task->block_count > 0 ? block_bytes : 0;
		return true;
	}
	return task_refuse_field(task, 1, 2);
}

static uint64_t piece_blocks(const struct task *task)
{
	return MIN(task->block_count - task->blocks_done, (uint64_t)task->lun->scratch_blocks);
}

/* How many blocks at the start of the piece in the scratch memory are as they should be. */
static uint64_t piece_compare(const struct task *task, uint64_t blocks)
{
	uint32_t block_bytes = lun_block_bytes(task->lun);
	enum byte_check check = byte_check_of(task);

	if (check == BYTE_CHECK_MEDIUM)
		return blocks;
	for (uint64_t i = 0; i < blocks; i++) {
		uint64_t data_block = check == BYTE_CHECK_DATA ? task->blocks_done + i : 0;

		if (memcmp(task->lun->scratch + i * block_bytes,
			   task->data + data_block * block_bytes, block_bytes) != 0)
			return i;
	}
	return blocks;
}

static void verify_piece_done(struct block_io *io, int result);

static void verify_next(struct task *task)
{
	if (task->blocks_done == task->block_count) {
		lun_task_end(task);
		return;
	}
	task_submit(task, BLOCK_READ, task->lba + task->blocks_done, piece_blocks(task),
		    task->lun->scratch, verify_piece_done);
}

static void verify_piece_done(struct block_io *io, int result)
{
	struct task *task = task_of(io);
	uint64_t blocks = piece_blocks(task);
	uint64_t good;

	if (task_is_cut_short(task, result))
		return;
	good = piece_compare(task, blocks);
	if (good < blocks) {
		task_fail_miscompare(task, task->lba + task->blocks_done + good);
		lun_task_end(task);
		return;
	}
	task->blocks_done += blocks;
	verify_next(task);
}

static void verify_after(struct block_io *io, int result)
{
	struct task *task = task_of(io);

	if (!task_is_cut_short(task, result))
		verify_next(task);
}

void verify_run(struct task *task)
{
	/* What is in the cache has to be on the medium before that is verified. */
	if (task->block_count > 0 && task->lun->limits.has_write_cache)
		task_flush(task, verify_after);
	else
		verify_next(task);
}

/* --- WRITE AND VERIFY --- */

void write_and_verify_run(struct task *task)
{
	if (write_has_blocks(task))
		task_submit(task, BLOCK_WRITE, task->lba, task->block_count, task->data,
			    verify_after);
}

/* --- COMPARE AND WRITE --- */

bool compare_and_write_prepare(struct task *task)
{
	if (!task_take_range(task))
		return false;
	/* Data for no blocks: 256 or more of them, which the one byte cannot say. */
	if (task->block_count > task->lun->vpd_limits.maximum_compare_and_write_length ||
	    (task->block_count == 0 && task->data_out_offered > 0))
		return task_refuse_field(task, 13, 7);
	task->data_out_len = (uint32_t)(2 * task->block_count * lun_block_bytes(task->lun));
	return true;
}

static void compare_done(struct block_io *io, int result)
{
	struct task *task = task_of(io);
	size_t len = task->data_out_len / 2;
	size_t at;

	if (task_is_cut_short(task, result))
		return;
	at = first_difference(task->lun->scratch, task->data, len);
	if (at < len) {
		/* SBC-3, 5.2: the offset of the first byte that differs. */
		task_fail_miscompare(task, at);
		lun_task_end(task);
		return;
	}
	task_submit(task, BLOCK_WRITE, task->lba, task->block_count, task->data + len,
		    task_last_done);
}

void compare_and_write_run(struct task *task)
{
	if (task->block_count == 0)
		lun_task_end(task);
	else
		task_submit(task, BLOCK_READ, task->lba, task->block_count, task->lun->scratch,
			    compare_done);
}
