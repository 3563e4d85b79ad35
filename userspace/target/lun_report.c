/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small commands: what a LUN tells about itself and its neighbours, and what a disk without
 * a motor or a door does when told to start, stop or lock.
 */
#include "base/bytes.h"
#include "base/compiler.h"
#include "scsi/capacity.h"
#include "scsi/cdb.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

/* --- REQUEST SENSE (SPC-4, 6.39): the unit attention, if there is one, as data --- */

bool request_sense_prepare(struct task *task)
{
	return task_prepare_return(task, task->cdb[4]);
}

void request_sense_run(struct task *task)
{
	struct sense sense = {.key = SENSE_KEY_NO_SENSE};
	uint8_t data[SENSE_LEN_MAX];

	(void)nexus_attention_take(task->nexus, &sense); /* none: NO SENSE it is */
	task_return(task, data, sense_encode(&sense, task->cdb[1] & 0x01, data));
}

/* --- REPORT LUNS (SPC-4, 6.33): there is LUN 0, and no well known one --- */

bool report_luns_prepare(struct task *task)
{
	uint32_t allocation_length = get_be32(task->cdb + 6);

	if (task->cdb[2] > 2)
		return task_refuse_field(task, 2, 7);
	if (allocation_length < 16)
		return task_refuse_field(task, 6, 7);
	return task_prepare_return(task, allocation_length);
}

void report_luns_run(struct task *task)
{
	bool only_well_known = task->cdb[2] == 1;
	uint8_t list[REPORT_LUNS_LEN_MAX];

	task_return(task, list, report_luns_encode(list, only_well_known ? 0 : 1));
}

/* --- READ CAPACITY (SBC-3, 5.15 and 5.16) --- */

static struct capacity capacity_of(const struct lun *lun)
{
	uint32_t ratio = lun->limits.physical_block_bytes / lun_block_bytes(lun);

	return (struct capacity){
		.block_count = lun->block_count,
		.block_bytes = lun_block_bytes(lun),
		.physical_exponent = ratio > 1 ? (uint8_t)__builtin_ctz(ratio) : 0,
		.is_thin = lun->limits.is_thin,
	};
}

bool read_capacity_10_prepare(struct task *task)
{
	return task_prepare_return(task, CAPACITY_10_LEN);
}

void read_capacity_10_run(struct task *task)
{
	struct capacity capacity = capacity_of(task->lun);
	uint8_t data[CAPACITY_10_LEN];

	capacity_encode_10(data, &capacity);
	task_return(task, data, sizeof(data));
}

bool read_capacity_16_prepare(struct task *task)
{
	return task_prepare_return(task, cdb_transfer_length(task->cdb));
}

void read_capacity_16_run(struct task *task)
{
	struct capacity capacity = capacity_of(task->lun);
	uint8_t data[CAPACITY_16_LEN];

	capacity_encode_16(data, &capacity);
	task_return(task, data, sizeof(data));
}

/* --- START STOP UNIT (SBC-3, 5.24) --- */

#define NO_FLUSH 0x04
#define START	 0x01

/* There is nothing that could stop; but who stops a disk wants his data to be safe. */
void start_stop_unit_run(struct task *task)
{
	bool keeps_cache = task->cdb[4] & (START | NO_FLUSH);

	if (!keeps_cache && task->lun->limits.has_write_cache)
		task_flush(task, task_last_done);
	else
		lun_task_end(task);
}
