/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MODE SENSE and MODE SELECT (SPC-4, 6.10 to 6.13). The values are one set for all nexuses. A
 * reset brings back what is saved, which is the default of everything but the thresholds: those
 * are the block's, which keeps them (SP) with the volume.
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "scsi/opcode.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

#define SP 0x01 /* byte 1 of MODE SELECT: save the pages */

_Static_assert(MODE_LEN_MAX <= LUN_PARAMETER_BYTES, "all pages can be returned");

struct mode_facts lun_mode_facts(const struct lun *lun)
{
	struct block_limits now;

	/* A pool can become read-only at any moment; the capacity is what the initiators know. */
	block_describe(lun->settings.block, &now);
	return (struct mode_facts){
		.has_write_cache = lun->limits.has_write_cache,
		.has_thresholds = lun->limits.has_thresholds,
		.is_write_protected = now.is_read_only || lun->mode.software_write_protect,
		.block_count = lun->block_count,
		.block_bytes = lun_block_bytes(lun),
	};
}

static struct mode_values mode_current(const struct lun *lun)
{
	struct mode_values values = lun->mode;

	lun_thresholds_get(lun, false, &values);
	return values;
}

static struct mode_values mode_saved(const struct lun *lun)
{
	struct mode_facts facts = lun_mode_facts(lun);
	struct mode_values values = mode_default(&facts);

	lun_thresholds_get(lun, true, &values);
	return values;
}

void lun_mode_reset(struct lun *lun)
{
	struct mode_facts facts = lun_mode_facts(lun);
	struct mode_values saved = mode_saved(lun);

	lun->mode = mode_default(&facts);
	lun_thresholds_set(lun, &saved);
}

bool mode_sense_prepare(struct task *task)
{
	if (task->cdb[2] >> 6 == MODE_SAVED && !task->lun->limits.has_thresholds)
		return task_refuse(task, SENSE_SAVING_PARAMETERS_NOT_SUPPORTED);
	return task_prepare_return(task, task->cdb[0] == MODE_SENSE_10 ? get_be16(task->cdb + 7)
								       : task->cdb[4]);
}

void mode_sense_run(struct task *task)
{
	struct mode_facts facts = lun_mode_facts(task->lun);
	struct mode_values values;
	struct mode_sense request = {
		.is_ten = task->cdb[0] == MODE_SENSE_10,
		.without_block_descriptor = task->cdb[1] & 0x08,
		.long_lba_accepted = task->cdb[1] & 0x10,
		.control = (enum mode_page_control)(task->cdb[2] >> 6),
		.page = task->cdb[2] & 0x3f,
		.subpage = task->cdb[3],
	};
	uint8_t list[MODE_LEN_MAX];
	int len;

	values = request.control == MODE_SAVED ? mode_saved(task->lun) : mode_current(task->lun);
	len = mode_encode(list, &request, &facts, &values);
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
	if ((task->cdb[1] & SP) && !task->lun->limits.has_thresholds)
		return task_refuse_field(task, 1, 0);
	task->data_out_len =
		task->cdb[0] == MODE_SELECT_10 ? get_be16(task->cdb + 7) : task->cdb[4];
	return true;
}

static bool thresholds_differ(const struct mode_values *a, const struct mode_values *b)
{
	return a->single_initiator != b->single_initiator ||
	       memcmp(a->thresholds, b->thresholds, sizeof(a->thresholds)) != 0;
}

static bool values_differ(const struct mode_values *a, const struct mode_values *b)
{
	return a->write_cache_enable != b->write_cache_enable ||
	       a->descriptor_sense != b->descriptor_sense ||
	       a->software_write_protect != b->software_write_protect ||
	       a->threshold_reporting != b->threshold_reporting || thresholds_differ(a, b);
}

/* Take the new values over; true if the cache was switched off and has to be emptied. */
static bool mode_change(struct task *task, const struct mode_values *values)
{
	struct lun *lun = task->lun;
	struct mode_values before = mode_current(lun);

	if (!values_differ(&before, values))
		return false;
	lun->mode = *values;
	if (thresholds_differ(&before, values))
		lun_thresholds_set(lun, values);
	lun_attention_raise(lun, ATTENTION_MODE_CHANGED, task->nexus);
	return before.write_cache_enable && !values->write_cache_enable;
}

static void select_save(struct task *task)
{
	if (task->cdb[1] & SP)
		task_submit_whole(task, BLOCK_SAVE_THRESHOLDS, task_last_done);
	else
		lun_task_end(task);
}

static void select_flush_done(struct block_io *io, int result)
{
	struct task *task = task_of(io);

	if (!task_is_cut_short(task, result))
		select_save(task);
}

void mode_select_run(struct task *task)
{
	struct mode_facts facts = lun_mode_facts(task->lun);
	struct mode_values values = mode_current(task->lun);
	uint16_t wrong_byte;
	int ret = 0;

	if (task->data_out_len != 0)
		ret = mode_decode(task->data, task->data_out_len, task->cdb[0] == MODE_SELECT_10,
				  &facts, &values, &wrong_byte);
	if (ret != 0) {
		if (ret == -EMSGSIZE)
			task_refuse(task, SENSE_PARAMETER_LIST_LENGTH_ERROR);
		else
			task_fail_parameter(task, wrong_byte);
		lun_task_end(task);
	} else if (mode_change(task, &values)) {
		task_flush(task, select_flush_done);
	} else {
		select_save(task);
	}
}
