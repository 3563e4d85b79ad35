/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MODE SENSE and MODE SELECT (SPC-4, 6.10 to 6.13). The values are one set for all nexuses and
 * live until a reset; WCE, D_SENSE and SWP can be changed, and do what they say.
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "scsi/opcode.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

_Static_assert(MODE_LEN_MAX <= LUN_PARAMETER_BYTES, "all pages can be returned");

struct mode_facts lun_mode_facts(const struct lun *lun)
{
	struct block_limits now;

	/* A pool can become read-only at any moment; the capacity is what the initiators know. */
	block_describe(lun->settings.block, &now);
	return (struct mode_facts){
		.has_write_cache = lun->limits.has_write_cache,
		.is_write_protected = now.is_read_only || lun->mode.software_write_protect,
		.block_count = lun->block_count,
		.block_bytes = lun_block_bytes(lun),
	};
}

bool mode_sense_prepare(struct task *task)
{
	if (task->cdb[2] >> 6 == MODE_SAVED)
		return task_refuse(task, SENSE_SAVING_PARAMETERS_NOT_SUPPORTED);
	return task_prepare_return(task, task->cdb[0] == MODE_SENSE_10 ? get_be16(task->cdb + 7)
								       : task->cdb[4]);
}

void mode_sense_run(struct task *task)
{
	struct mode_facts facts = lun_mode_facts(task->lun);
	struct mode_sense request = {
		.is_ten = task->cdb[0] == MODE_SENSE_10,
		.without_block_descriptor = task->cdb[1] & 0x08,
		.long_lba_accepted = task->cdb[1] & 0x10,
		.control = (enum mode_page_control)(task->cdb[2] >> 6),
		.page = task->cdb[2] & 0x3f,
		.subpage = task->cdb[3],
	};
	uint8_t list[MODE_LEN_MAX];
	int len = mode_encode(list, &request, &facts, &task->lun->mode);

	if (len < 0) {
		task_refuse_field(task, 2, 5);
		lun_task_end(task);
		return;
	}
	task_return(task, list, (size_t)len);
}

bool mode_select_prepare(struct task *task)
{
	/* PF 0 is a format of the vendor's own, and there is none (SPC-4, 6.10). */
	if (!(task->cdb[1] & 0x10))
		return task_refuse_field(task, 1, 4);
	task->data_out_len =
		task->cdb[0] == MODE_SELECT_10 ? get_be16(task->cdb + 7) : task->cdb[4];
	return true;
}

/* Take the new values over; true if the cache was switched off and has to be emptied. */
static bool mode_change(struct task *task, const struct mode_values *values)
{
	struct lun *lun = task->lun;
	bool was_cached = lun->mode.write_cache_enable;

	if (memcmp(&lun->mode, values, sizeof(*values)) == 0)
		return false;
	lun->mode = *values;
	lun_attention_raise(lun, ATTENTION_MODE_CHANGED, task->nexus);
	return was_cached && !values->write_cache_enable;
}

void mode_select_run(struct task *task)
{
	struct mode_facts facts = lun_mode_facts(task->lun);
	struct mode_values values = task->lun->mode;
	uint16_t wrong_byte;
	int ret = 0;

	if (task->data_out_len != 0)
		ret = mode_decode(task->data, task->data_out_len, task->cdb[0] == MODE_SELECT_10,
				  &facts, &values, &wrong_byte);
	if (ret == -EMSGSIZE)
		task_refuse(task, SENSE_PARAMETER_LIST_LENGTH_ERROR);
	else if (ret < 0)
		task_fail_parameter(task, wrong_byte);
	else if (mode_change(task, &values)) {
		task_flush(task, task_last_done);
		return;
	}
	lun_task_end(task);
}
