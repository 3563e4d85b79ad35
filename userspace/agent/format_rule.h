/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May this device be formatted? The one decision that can destroy a user's data, kept pure: facts
 * in, verdict out, and every row of its table is a test.
 *
 * The order of events that makes it safe and lets it converge after a crash at any point:
 *
 *   1. record: STARTED, with the UUID the file system will have and the publication in force
 *   2. mkfs, then flush of the device
 *   3. record: MADE
 *   4. node: MarkFormatted, durable there; from now on nobody formats this volume again
 *   5. record: DONE
 *   6. first mount
 *
 * A crash after 3 finds MADE and our UUID on the device: go on with 4. A crash in 2 leaves
 * some of mkfs's own writing, which blkid may not recognise and which is not zero. To format
 * over it we must know that nobody else wrote: a publication lets one initiator in, us, and has
 * stood since before 1. So STARTED under the publication that is still in force may be formatted
 * again, whatever is found; if it was withdrawn in between, only a blank device may.
 * Before 4 no mount was made, so no user's data can be there that we would know of.
 */
#ifndef AGENT_FORMAT_RULE_H
#define AGENT_FORMAT_RULE_H

#include <stdbool.h>

#include "agent/record.h"

enum format_verdict {
	FORMAT_USE,    /* it has its file system; never format */
	FORMAT_MAKE,   /* run mkfs */
	FORMAT_ADOPT,  /* our mkfs ended well; only the node is still to be told */
	FORMAT_REFUSE, /* leave it alone; the reason is for the user */
};

struct format_facts {
	bool is_identity_sure;	   /* the device was compared with the volume's UUID */
	bool is_read_whole;	   /* signatures, head and tail were all read without an error */
	bool is_formatted_on_node; /* the volume's bit */
	bool is_same_publication;  /* the publication of STARTED is still in force */
	bool is_blank;		   /* the first 2 MiB and the last 1 MiB are zeros */
	bool is_shared;		   /* the publication lets others in as well */
	const char *found_type;	   /* by libblkid; "" for nothing */
	const char *found_uuid;	   /* "" for none */
	const char *wanted_type;   /* "" if any will do */
	const char *chosen_uuid;   /* of record STARTED and MADE; "" */
	enum record_format format;
};

/* `out_reason` is set for FORMAT_REFUSE: a clause that fits behind "volume 'x' ". */
enum format_verdict format_decide(const struct format_facts *facts, const char **out_reason);

#endif
