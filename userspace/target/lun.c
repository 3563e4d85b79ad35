/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A logical unit's life, and the way of every command: the checks that are the same for all,
 * in the order of SAM-5 (5.14, 5.15) and SPC-4 (4.3), and then the row of the command table.
 */
#include "target/lun.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "scsi/cdb.h"
#include "scsi/opcode.h"
#include "target/lun_absent.h"
#include "target/lun_state.h"

#define OPTIMAL_TRANSFER_BYTES (64U << 10)
/* A pattern is written out while the initiator waits: not too much of it. */
#define WRITE_SAME_BYTES_MAX (16U << 20)

static uint32_t clamp_to_u32(uint64_t value)
{
	return (uint32_t)MIN(value, (uint64_t)UINT32_MAX);
}

/* VPD page B0h, from what the block can do. */
static struct vpd_limits limits_of(const struct block_limits *block)
{
	uint32_t block_bytes = block->logical_block_bytes;
	struct vpd_limits limits = {
		.maximum_compare_and_write_length =
			(uint8_t)MIN(LUN_SCRATCH_BYTES / block_bytes, 255U),
		.optimal_transfer_length_granularity =
			(uint16_t)(block->physical_block_bytes / block_bytes),
		.maximum_transfer_length = block->max_io_bytes / block_bytes,
		.optimal_transfer_length =
			MIN(OPTIMAL_TRANSFER_BYTES, block->max_io_bytes) / block_bytes,
		.maximum_write_same_length = WRITE_SAME_BYTES_MAX / block_bytes,
	};

	if (block->max_unmap_bytes != 0)
		limits.maximum_write_same_length =
			MIN(limits.maximum_write_same_length, block->max_unmap_bytes / block_bytes);
	if (block->is_thin) {
		limits.maximum_unmap_lba_count = clamp_to_u32(block->max_unmap_bytes / block_bytes);
		limits.maximum_unmap_block_descriptor_count = LUN_UNMAP_DESCRIPTORS_MAX;
		limits.optimal_unmap_granularity = block->unmap_granule_bytes / block_bytes;
	}
	return limits;
}

static void lun_describe(struct lun *lun)
{
	block_describe(lun->settings.block, &lun->limits);
	assert(lun->limits.logical_block_bytes == 512 || lun->limits.logical_block_bytes == 4096);
	assert(lun->limits.size_bytes >= lun->limits.logical_block_bytes);
	lun->block_count = lun->limits.size_bytes / lun->limits.logical_block_bytes;
	lun->scratch_blocks = LUN_SCRATCH_BYTES / lun->limits.logical_block_bytes;
	lun->vpd_limits = limits_of(&lun->limits);
}

int lun_new(const struct lun_settings *settings, struct lun **out_lun)
{
	struct lun *lun = calloc(1, sizeof(*lun));

	if (!lun)
		return -ENOMEM;
	lun->scratch = aligned_alloc(4096, LUN_SCRATCH_BYTES);
	if (!lun->scratch) {
		free(lun);
		return -ENOMEM;
	}
	lun->settings = *settings;
	list_init(&lun->nexuses);
	lun_queue_init(lun);
	lun_describe(lun);
	lun_mode_reset(lun);
	lun_provisioning_start(lun);
	*out_lun = lun;
	return 0;
}

void lun_free(struct lun *lun)
{
	if (!lun)
		return;
	assert(lun_is_idle(lun));
	assert(list_is_empty(&lun->nexuses));
	lun_provisioning_stop(lun);
	free(lun->scratch);
	free(lun);
}

int lun_nexus_new(struct lun *lun, const struct nexus_names *names, struct nexus **out_nexus)
{
	struct nexus *nexus = calloc(1, sizeof(*nexus));

	if (!nexus)
		return -ENOMEM;
	nexus->lun = lun;
	nexus->names = *names;
	list_append(&lun->nexuses, &nexus->link);
	nexus_attention_raise(nexus, ATTENTION_POWER_ON);
	*out_nexus = nexus;
	return 0;
}

void lun_nexus_free(struct nexus *nexus)
{
	if (!nexus)
		return;
	list_remove(&nexus->link);
	free(nexus);
}

void lun_capacity_changed(struct lun *lun)
{
	lun_describe(lun);
	lun_attention_raise(lun, ATTENTION_CAPACITY_CHANGED, NULL);
}

void lun_reset(struct lun *lun)
{
	lun_abort_tasks(lun, NULL);
	lun_mode_reset(lun);
	lun->attentions_for_one = 0;
	lun_attention_raise(lun, ATTENTION_RESET, NULL);
}

/* The out fields and the LUN's own, as they are before anything happened. */
static void task_clear(struct task *task)
{
	task->data_out_len = 0;
	task->data_in_max = 0;
	task->data_in_len = 0;
	task->status = SCSI_GOOD;
	task->sense_len = 0;
	task->command = NULL;
	task->lba = 0;
	task->block_count = 0;
	task->blocks_done = 0;
	task->step = 0;
	list_node_init(&task->link);
}

/* SPC-4, 4.3.2: a bit that the command does not look at is reserved and must be 0. */
static bool cdb_check_reserved(struct task *task)
{
	const struct scsi_command *scsi = &task->command->scsi;

	for (unsigned i = 1; i < scsi->cdb_len; i++) {
		uint8_t mask = scsi->usage[i];
		uint8_t wrong;

		if (i == 1 && scsi->has_service_action)
			mask |= 0x1f;
		wrong = task->cdb[i] & (uint8_t)~mask;
		if (wrong != 0)
			return task_refuse_field(task, i, 31U - (unsigned)__builtin_clz(wrong));
	}
	return true;
}

static bool command_refuse(struct task *task, bool has_opcode)
{
	/* SPC-4, 4.3.4.2: a service action that is not served is a field. */
	if (has_opcode)
		return task_refuse_field(task, 1, 4);
	return task_refuse(task, SENSE_INVALID_COMMAND_OPERATION_CODE);
}

static bool write_protection_check(struct task *task)
{
	struct lun *lun = task->lun;

	if (!(task->command->flags & COMMAND_WRITES))
		return true;
	if (lun->limits.is_read_only) {
		task_fail(task, SENSE_KEY_DATA_PROTECT, SENSE_WRITE_PROTECTED);
		return false;
	}
	if (lun->mode.software_write_protect) {
		task_fail(task, SENSE_KEY_DATA_PROTECT,
			  SENSE_LOGICAL_UNIT_SOFTWARE_WRITE_PROTECTED);
		return false;
	}
	return true;
}

/* True unless a unit attention takes the place of the command (SAM-5, 5.14.5). */
static bool attention_check(struct task *task)
{
	struct sense sense;

	if (task->command && (task->command->flags & COMMAND_PASSES_ATTENTION))
		return true;
	if (!nexus_attention_take(task->nexus, &sense))
		return true;
	task_fail_sense(task, &sense);
	return false;
}

static bool command_prepare(struct task *task)
{
	bool has_opcode;

	task->command = lun_command_find(task->lun, task->cdb[0], task->cdb[1] & 0x1f, &has_opcode);
	if (!attention_check(task))
		return false;
	/* SAM-5, 8.6.5: there is never an ACA condition (NORMACA 0) that it could belong to. */
	if (task->attribute == TASK_ACA)
		return task_refuse(task, SENSE_INVALID_MESSAGE_ERROR);
	if (!task->command)
		return command_refuse(task, has_opcode);
	if (!cdb_check_reserved(task) || !write_protection_check(task))
		return false;
	return task->command->prepare(task);
}

/* What is offered is what the command needs; more of it is a residual underflow for most. */
static bool data_out_is_acceptable(const struct task *task)
{
	if (task->data_out_offered < task->data_out_len)
		return task->command->flags & COMMAND_PARTIAL;
	return task->data_out_offered == task->data_out_len ||
	       !(task->command->flags & COMMAND_EXACT);
}

bool lun_prepare(struct task *task)
{
	assert(task->nexus);
	task_clear(task);
	if (task->lun) {
		if (!command_prepare(task))
			return false;
	} else if (!lun_absent_prepare(task)) {
		return false;
	}
	if (!data_out_is_acceptable(task))
		return task_refuse(task, SENSE_INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
	lun_queue_enter(task);
	return true;
}

bool lun_is_idle(const struct lun *lun)
{
	return lun->task_count == 0;
}
