/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts everything in an open pool and compares: every extent that a word has is that word's
 * alone and is in the bitmaps, every extent in the bitmaps has its word, every metadata slot in
 * use holds a page that something points to, every counter says what there is. Writes nothing;
 * exact while the pool is quiet (no request, no deletion under way), as one opened read-only is.
 * The same for a pool that is not open: store/check_image.h. Both count with store/tally.h.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/pool.h"

struct check_report {
	uint64_t leaves;
	uint64_t extents;	  /* that words have */
	uint64_t extents_leaked;  /* in the bitmaps, but no word has them */
	uint64_t extents_doubled; /* that two words have */
	uint64_t slots;		  /* that hold a page */
	uint64_t slots_leaked;
	uint64_t slots_doubled;
	uint64_t leaves_damaged;
	uint64_t layers_damaged; /* whose index cannot be read: leaks cannot be told then */
	uint64_t counts_wrong;	 /* layers that say another number of extents than they have */
	uint64_t shadows_wrong;	 /* ... of extents that they shadow */
	uint64_t charges_wrong;	 /* volumes charged for another number than their layers have */
	struct error first;	 /* the first thing found */
};

/*
 * The report is the caller's until done. The result is about the check itself (-ENOMEM, -EIO);
 * what it found is in the report.
 */
void pool_check(struct pool *pool, struct check_report *report, struct store_request *request);

/* True if there is nothing to complain about. */
bool check_is_clean(const struct check_report *report);

#endif
