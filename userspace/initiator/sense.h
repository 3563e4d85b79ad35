/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to make of a command's end: SAM-5 status, sense key and additional sense code (SPC-4,
 * 4.5.6) turned into what happens next. The one table between SCSI and errno. Pure.
 */
#ifndef INITIATOR_SENSE_H
#define INITIATOR_SENSE_H

#include <stdint.h>

enum verdict_kind {
	VERDICT_DONE,	/* `result` is final: 0 or a negative errno */
	VERDICT_AGAIN,	/* send it again at once: a unit attention was in the way */
	VERDICT_RESIZE, /* the same, and the capacity has changed */
	VERDICT_LATER,	/* send it again after a pause: busy, task set full, not ready */
	VERDICT_LOST,	/* the session is of no use any more: log in anew, send again */
};

struct verdict {
	enum verdict_kind kind;
	int result;
};

/*
 * `status` as the wire has it (0 to 0xff); key and asc_ascq count for CHECK CONDITION only.
 *
 * DATA PROTECT with SPACE ALLOCATION FAILED (27h/07h) is -ENOSPC, else -EROFS; MEDIUM ERROR and
 * HARDWARE ERROR are -EIO; RESERVATION CONFLICT is -EBADE; a command or field that the target does
 * not know is -EOPNOTSUPP; other ILLEGAL REQUESTs are -EIO.
 */
struct verdict sense_judge(uint8_t status, uint8_t key, uint16_t asc_ascq);

#endif
