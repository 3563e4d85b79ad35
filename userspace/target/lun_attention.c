/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unit attentions: per I_T nexus a set of conditions, one reported at a time (SAM-5, 5.14). A
 * reset makes everything told before it moot: it empties the set first, and a POWER ON or RESET
 * that was still to be told is not told twice.
 */
#include "base/compiler.h"
#include "target/lun_state.h"

static const uint16_t codes[ATTENTION_COUNT] = {
	[ATTENTION_RESET] = SENSE_BUS_DEVICE_RESET_FUNCTION_OCCURRED,
	[ATTENTION_POWER_ON] = SENSE_POWER_ON_RESET_OR_BUS_DEVICE_RESET,
	[ATTENTION_CAPACITY_CHANGED] = SENSE_CAPACITY_DATA_HAS_CHANGED,
	[ATTENTION_MODE_CHANGED] = SENSE_MODE_PARAMETERS_CHANGED,
	[ATTENTION_TASKS_CLEARED] = SENSE_COMMANDS_CLEARED_BY_ANOTHER_INITIATOR,
	[ATTENTION_THRESHOLD_USED] = SENSE_THIN_PROVISIONING_SOFT_THRESHOLD_REACHED,
	[ATTENTION_THRESHOLD_AVAILABLE] = SENSE_THIN_PROVISIONING_SOFT_THRESHOLD_REACHED,
	[ATTENTION_THRESHOLD_SHARED] = SENSE_THIN_PROVISIONING_SOFT_THRESHOLD_REACHED,
};

void nexus_attention_raise(struct nexus *nexus, enum attention attention)
{
	/* SAM-5, 5.14.4: 29h/00h says more than 29h/03h, and either makes the rest moot. */
	if (attention == ATTENTION_RESET)
		nexus->attentions &= UINT32_C(1) << ATTENTION_POWER_ON;
	if (attention == ATTENTION_RESET && nexus->attentions != 0)
		return;
	nexus->attentions |= UINT32_C(1) << attention;
}

void lun_attention_raise(struct lun *lun, enum attention attention, const struct nexus *except)
{
	list_for_each (&lun->nexuses, nexus, struct nexus, link) {
		if (nexus != except)
			nexus_attention_raise(nexus, attention);
	}
}

bool nexus_attention_take(struct nexus *nexus, struct sense *out_sense)
{
	struct lun *lun = nexus->lun;
	unsigned first;

	/* SBC-5, 4.7.3.7.6 a): it is established for the nexus on which this command came. */
	nexus->attentions |= lun->attentions_for_one;
	lun->attentions_for_one = 0;
	if (nexus->attentions == 0)
		return false;
	first = (unsigned)__builtin_ctz(nexus->attentions);
	nexus->attentions &= ~(UINT32_C(1) << first);
	*out_sense = (struct sense){.key = SENSE_KEY_UNIT_ATTENTION, .code = codes[first]};
	if (first >= ATTENTION_THRESHOLD_USED) {
		/* The same clause: where in the mode page the threshold's descriptor is. */
		out_sense->has_information = true;
		out_sense->information = mode_threshold_offset(first - ATTENTION_THRESHOLD_USED);
	}
	return true;
}
