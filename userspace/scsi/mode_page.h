/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One mode page: its bytes, what of them can be changed, and a change. For scsi/mode.c. */
#ifndef SCSI_MODE_PAGE_H
#define SCSI_MODE_PAGE_H

#include "scsi/mode.h"

#define MODE_PAGE_LEN_MAX 40

#define MODE_PAGE_SPF 0x40 /* the page has a subpage code and a length of two bytes */

struct mode_page {
	uint8_t page;
	uint8_t subpage;
	uint8_t len;	     /* with its header */
	bool has_thresholds; /* descriptors at its end, where the device has thresholds */
	uint8_t bytes[MODE_PAGE_LEN_MAX];
};

/* All pages in the order of their codes: start with NULL; NULL after the last. */
const struct mode_page *mode_page_next(const struct mode_page *previous);

/* NULL if there is none. */
const struct mode_page *mode_page_find(uint8_t page, uint8_t subpage);

size_t mode_page_len(const struct mode_page *page, const struct mode_facts *facts);

/* Returns the length. `values` are those of `control`, but for MODE_DEFAULT the current ones. */
size_t mode_page_encode(uint8_t *out, const struct mode_page *page, enum mode_page_control control,
			const struct mode_facts *facts, const struct mode_values *values);

/*
 * Take over what the page at `at`, all of it there, changes. -EINVAL: *out_offset is the first
 * byte in the page that is wrong, and `values` may be half changed.
 */
int mode_page_apply(const uint8_t *at, const struct mode_page *page, const struct mode_facts *facts,
		    struct mode_values *values, size_t *out_offset);

#endif
