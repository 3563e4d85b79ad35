/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initiator/sense.h"

#include <errno.h>
#include <stddef.h>

#include "base/compiler.h"

#define ANY 0xffff

/* The first row that fits counts. */
static const struct {
	uint8_t key;
	uint16_t asc_ascq;
	struct verdict verdict;
} table[] = {
	{0x0, ANY, {VERDICT_DONE, 0}},		    /* NO SENSE */
	{0x1, ANY, {VERDICT_DONE, 0}},		    /* RECOVERED ERROR */
	{0x2, ANY, {VERDICT_LATER, 0}},		    /* NOT READY */
	{0x3, ANY, {VERDICT_DONE, -EIO}},	    /* MEDIUM ERROR */
	{0x4, ANY, {VERDICT_DONE, -EIO}},	    /* HARDWARE ERROR */
	{0x5, 0x2000, {VERDICT_DONE, -EOPNOTSUPP}}, /* INVALID COMMAND OPERATION CODE */
	{0x5, 0x2400, {VERDICT_DONE, -EOPNOTSUPP}}, /* INVALID FIELD IN CDB */
	{0x5, 0x2600, {VERDICT_DONE, -EOPNOTSUPP}}, /* INVALID FIELD IN PARAMETER LIST */
	{0x5, 0x2500, {VERDICT_LOST, 0}},	    /* LOGICAL UNIT NOT SUPPORTED: it went away */
	{0x5, ANY, {VERDICT_DONE, -EIO}},	    /* ILLEGAL REQUEST, such as beyond the end */
	{0x6, 0x2a09, {VERDICT_RESIZE, 0}},	    /* CAPACITY DATA HAS CHANGED */
	{0x6, ANY, {VERDICT_AGAIN, 0}},		    /* UNIT ATTENTION */
	{0x7, 0x2707, {VERDICT_DONE, -ENOSPC}},	    /* SPACE ALLOCATION FAILED WRITE PROTECT */
	{0x7, ANY, {VERDICT_DONE, -EROFS}},	    /* DATA PROTECT */
	{0xb, ANY, {VERDICT_LATER, 0}},		    /* ABORTED COMMAND */
};

struct verdict sense_judge(uint8_t status, uint8_t key, uint16_t asc_ascq)
{
	switch (status) {
	case 0x00: /* GOOD */
	case 0x04: /* CONDITION MET */
		return (struct verdict){VERDICT_DONE, 0};
	case 0x08: /* BUSY */
	case 0x28: /* TASK SET FULL */
	case 0x40: /* TASK ABORTED, by another initiator's CLEAR TASK SET or a reset */
		return (struct verdict){VERDICT_LATER, 0};
	case 0x18: /* RESERVATION CONFLICT */
		return (struct verdict){VERDICT_DONE, -EBADE};
	case 0x02: /* CHECK CONDITION */
		break;
	default:
		return (struct verdict){VERDICT_DONE, -EIO};
	}
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].key == key &&
		    (table[i].asc_ascq == ANY || table[i].asc_ascq == asc_ascq))
			return table[i].verdict;
	}
	return (struct verdict){VERDICT_DONE, -EIO};
}
