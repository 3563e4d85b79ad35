/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thin provisioning: UNMAP (SBC-3, 5.28) and GET LBA STATUS (5.4). */
#include <errno.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "scsi/capacity.h"
#include "scsi/cdb.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

/* --- UNMAP: task->block_count descriptors, task->step of them done --- */

bool unmap_prepare(struct task *task)
{
	uint32_t list_len = cdb_transfer_length(task->cdb);

	if (list_len != 0 && list_len < UNMAP_HEADER_LEN)
		return task_refuse(task, SENSE_PARAMETER_LIST_LENGTH_ERROR);
	task->data_out_len = list_len;
	return true;
}

/* All descriptors are looked at before the first one is carried out. False: the task failed. */
static bool unmap_check(struct task *task, uint32_t count)
{
	const struct lun *lun = task->lun;
	uint64_t total = 0;

	if (count > LUN_UNMAP_DESCRIPTORS_MAX) {
		task_fail_parameter(task, 2);
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct unmap_range range = unmap_decode(task->data, i);

		if (range.lba > lun->block_count ||
		    range.block_count > lun->block_count - range.lba)
			return task_refuse(task, SENSE_LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE);
		total += range.block_count;
		if (total > lun->vpd_limits.maximum_unmap_lba_count) {
			task_fail_parameter(task, UNMAP_HEADER_LEN + i * UNMAP_DESCRIPTOR_LEN + 8);
			return false;
		}
	}
	return true;
}

static void unmap_done(struct block_io *io, int result);

static void unmap_next(struct task *task)
{
	while (task->step < task->block_count) {
		struct unmap_range range = unmap_decode(task->data, task->step++);

		if (range.block_count == 0)
			continue;
		task_submit(task, BLOCK_UNMAP, range.lba, range.block_count, NULL, unmap_done);
		return;
	}
	lun_task_end(task);
}

static void unmap_done(struct block_io *io, int result)
{
	struct task *task = task_of(io);

	if (!task_is_cut_short(task, result))
		unmap_next(task);
}

void unmap_run(struct task *task)
{
	uint32_t count = 0;
	int ret = 0;

	if (task->data_out_len != 0)
		ret = unmap_decode_count(task->data, task->data_out_len, &count);
	if (ret == -EMSGSIZE)
		task_refuse(task, SENSE_PARAMETER_LIST_LENGTH_ERROR);
	else if (ret < 0)
		task_fail_parameter(task, 0);
	if (ret < 0 || !unmap_check(task, count)) {
		lun_task_end(task);
		return;
	}
	task->block_count = count;
	unmap_next(task);
}

/* --- GET LBA STATUS: task->step descriptors made, task->blocks_done blocks looked at --- */

/* Requests of one command: a limit that is met only by maps in very small pieces. */
#define MAPS_MAX	1024U
#define DESCRIPTORS_MAX 256U

static uint32_t allocation_length(const struct task *task)
{
	return cdb_transfer_length(task->cdb);
}

/* At least one, even if only a part of it is then returned. */
static uint32_t descriptors_max(const struct task *task)
{
	uint32_t len = allocation_length(task);

	if (len < LBA_STATUS_HEADER_LEN + LBA_STATUS_DESCRIPTOR_LEN)
		return 1;
	return MIN((len - LBA_STATUS_HEADER_LEN) / LBA_STATUS_DESCRIPTOR_LEN, DESCRIPTORS_MAX);
}

bool get_lba_status_prepare(struct task *task)
{
	task->lba = cdb_lba(task->cdb);
	if (task->lba >= task->lun->block_count)
		return task_refuse(task, SENSE_LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE);
	task->data_in_max =
		LBA_STATUS_HEADER_LEN + descriptors_max(task) * LBA_STATUS_DESCRIPTOR_LEN;
	return true;
}

static uint8_t *descriptor_at(const struct task *task, uint32_t index)
{
	return task->data + LBA_STATUS_HEADER_LEN + (size_t)index * LBA_STATUS_DESCRIPTOR_LEN;
}

/* Add a piece to the last descriptor or as a new one; false when there is no room. */
static bool status_add(struct task *task, uint64_t blocks, enum lba_status status)
{
	uint64_t lba = task->lba + task->blocks_done;

	if (task->step > 0) {
		uint8_t *last = descriptor_at(task, task->step - 1);
		uint64_t merged = get_be32(last + 8) + blocks;

		if (last[12] == status && merged <= UINT32_MAX) {
			put_be32(last + 8, (uint32_t)merged);
			return true;
		}
	}
	if (task->step == descriptors_max(task))
		return false;
	lba_status_encode(descriptor_at(task, task->step), lba, (uint32_t)blocks, status);
	task->step++;
	return true;
}

static void status_return(struct task *task)
{
	uint32_t len = LBA_STATUS_HEADER_LEN + task->step * LBA_STATUS_DESCRIPTOR_LEN;

	lba_status_encode_header(task->data, task->step);
	task->data_in_len = MIN(len, allocation_length(task));
	lun_task_end(task);
}

static void status_map_done(struct block_io *io, int result);

static void status_next(struct task *task)
{
	uint64_t left = task->lun->block_count - task->lba - task->blocks_done;

	if (left == 0 || task->block_count++ == MAPS_MAX) {
		status_return(task);
		return;
	}
	/* NUMBER OF LOGICAL BLOCKS has 32 bits. */
	task_submit(task, BLOCK_MAP, task->lba + task->blocks_done, MIN(left, (uint64_t)UINT32_MAX),
		    NULL, status_map_done);
}

static void status_map_done(struct block_io *io, int result)
{
	struct task *task = task_of(io);
	uint64_t blocks = io->length / lun_block_bytes(task->lun);

	if (task_is_cut_short(task, result))
		return;
	if (!status_add(task, blocks, io->is_mapped ? LBA_STATUS_MAPPED : LBA_STATUS_DEALLOCATED)) {
		status_return(task);
		return;
	}
	task->blocks_done += blocks;
	status_next(task);
}

void get_lba_status_run(struct task *task)
{
	status_next(task);
}
