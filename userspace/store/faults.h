/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Known mistakes, for the simulation's negative control only: a test of durability that does
 * not find these finds nothing. All false in every pool but a test's.
 */
#ifndef STORE_FAULTS_H
#define STORE_FAULTS_H

#include <stdbool.h>

struct pool_faults {
	bool skips_data_flush;	   /* journal record before the data it points to */
	bool skips_journal_flush;  /* flush acknowledged before its record is durable */
	bool switches_early;	   /* superblock before the checkpoint's pages are durable */
	bool reuses_extents_early; /* freed extents before their record is durable */
	bool reuses_slots_early;   /* pages of the last checkpoint overwritten by the next */
	bool punches_early;	   /* freed extents given back before their record is durable */
	bool answers_early;	   /* writes acknowledged before their words are in the journal */
	bool keeps_views;	   /* of layers whose words have moved */
};

#endif
