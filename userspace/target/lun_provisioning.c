/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Thresholds of a thin LUN (SBC-5, 4.7.3.7): the device under it counts and tells (block/space.h),
 * here bytes become threshold sets, and an event becomes a unit attention: for every I_T nexus,
 * or, with SITUA, for the one of the next command that can report it. LOG SENSE shows the counts.
 *
 * A threshold set is always 1 MiB, so 32 bits count more than the largest volume has.
 */
#include "base/bytes.h"
#include "base/compiler.h"
#include "scsi/log.h"
#include "target/lun_commands.h"
#include "target/lun_state.h"

_Static_assert(LOG_LEN_MAX <= LUN_PARAMETER_BYTES, "every page can be returned");

#define SET_BYTES BLOCK_THRESHOLD_UNIT_BYTES

static uint32_t sets_clamp(uint64_t sets)
{
	return (uint32_t)MIN(sets, (uint64_t)UINT32_MAX);
}

/* Used is rounded up, available down (SBC-5, annex E.4). A threshold, were it none of ours, up. */
static uint32_t sets_used(uint64_t bytes)
{
	return sets_clamp(bytes / SET_BYTES + (bytes % SET_BYTES != 0));
}

static uint32_t sets_available(uint64_t bytes)
{
	return sets_clamp(bytes / SET_BYTES);
}

uint8_t lun_threshold_exponent(const struct lun *lun)
{
	if (!lun->limits.has_thresholds)
		return 0;
	return (uint8_t)__builtin_ctzll(SET_BYTES / lun_block_bytes(lun));
}

void lun_thresholds_get(const struct lun *lun, bool is_saved, struct mode_values *values)
{
	const struct block_thresholds *thresholds;
	struct block_space space;

	if (!lun->limits.has_thresholds)
		return;
	block_describe_space(lun->settings.block, &space);
	thresholds = is_saved ? &space.saved : &space.current;
	values->single_initiator = thresholds->tells_one;
	values->thresholds[MODE_THRESHOLD_USED] = sets_used(thresholds->used_bytes);
	values->thresholds[MODE_THRESHOLD_AVAILABLE] = sets_used(thresholds->available_bytes);
	values->thresholds[MODE_THRESHOLD_SHARED] = sets_used(space.shared_threshold_bytes);
}

void lun_thresholds_set(struct lun *lun, const struct mode_values *values)
{
	struct block_thresholds thresholds = {
		.used_bytes = values->thresholds[MODE_THRESHOLD_USED] * SET_BYTES,
		.available_bytes = values->thresholds[MODE_THRESHOLD_AVAILABLE] * SET_BYTES,
		.tells_one = values->single_initiator,
	};

	if (lun->limits.has_thresholds)
		block_set_thresholds(lun->settings.block, &thresholds);
}

/* --- events --- */

static void threshold_notify(struct lun *lun, enum attention attention)
{
	struct block_space space;

	if (!lun->mode.threshold_reporting)
		return;
	block_describe_space(lun->settings.block, &space);
	if (space.current.tells_one)
		lun->attentions_for_one |= UINT32_C(1) << attention;
	else
		lun_attention_raise(lun, attention, NULL);
}

static void space_happened(struct block_watch *watch, enum block_event event)
{
	struct lun *lun = container_of(watch, struct lun, watch);

	switch (event) {
	case BLOCK_USED_THRESHOLD:
		threshold_notify(lun, ATTENTION_THRESHOLD_USED);
		break;
	case BLOCK_AVAILABLE_THRESHOLD:
		threshold_notify(lun, ATTENTION_THRESHOLD_AVAILABLE);
		break;
	case BLOCK_SHARED_THRESHOLD:
		threshold_notify(lun, ATTENTION_THRESHOLD_SHARED);
		break;
	case BLOCK_THRESHOLDS_CHANGED:
		/* SBC-5, 6.5.9.1: the page changed, and no MODE SELECT did it. */
		lun_attention_raise(lun, ATTENTION_MODE_CHANGED, NULL);
		break;
	}
}

void lun_provisioning_start(struct lun *lun)
{
	lun->watch.happened = space_happened;
	block_watch_start(lun->settings.block, &lun->watch);
}

void lun_provisioning_stop(struct lun *lun)
{
	block_watch_stop(lun->settings.block, &lun->watch);
}

/* --- LOG SENSE (SPC-4, 6.8): the list of log pages, and that of provisioning --- */

bool log_sense_prepare(struct task *task)
{
	uint8_t page = task->cdb[2] & 0x3f;
	uint16_t first_code = get_be16(task->cdb + 5);
	bool is_provisioning =
		page == LOG_LOGICAL_BLOCK_PROVISIONING && task->lun->limits.has_thresholds;

	if (page != LOG_SUPPORTED_PAGES && !is_provisioning)
		return task_refuse_field(task, 2, 5);
	if (task->cdb[3] != 0)
		return task_refuse_field(task, 3, 7);
	/* Beyond the last parameter code; the list of pages has none. */
	if (first_code > (is_provisioning ? LOG_USED_COUNT : 0))
		return task_refuse_field(task, 5, 7);
	return task_prepare_return(task, get_be16(task->cdb + 7));
}

void log_sense_run(struct task *task)
{
	struct lun *lun = task->lun;
	struct log_provisioning counts;
	uint8_t page[LOG_LEN_MAX];
	struct block_space space;

	if ((task->cdb[2] & 0x3f) == LOG_SUPPORTED_PAGES) {
		task_return(task, page, log_encode_supported(page, lun->limits.has_thresholds));
		return;
	}
	block_describe_space(lun->settings.block, &space);
	counts.available = sets_available(space.available_bytes);
	counts.used = sets_used(space.used_bytes);
	task_return(task, page, log_encode_provisioning(page, get_be16(task->cdb + 5), &counts));
}
