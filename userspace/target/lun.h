/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A logical unit: SCSI commands on a struct block, and the state that SCSI keeps per LUN and per
 * I_T nexus (unit attentions, mode pages, reservations). Knows nothing of iSCSI. On the thread
 * of its block.
 */
#ifndef TARGET_LUN_H
#define TARGET_LUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "loop/loop.h"
#include "target/task.h"

/* An initiator port's relation to this LUN; made at login, ended with the session. Transport
 * names are kept for PERSISTENT RESERVE and VPD 83h. */
struct nexus_names {
	char initiator_port[288]; /* "iqn...,i,0x<ISID>" (SAM-5 annex; RFC 7143, 4.4) */
	char target_port[288];	  /* "iqn...,t,0x<TPGT>" */
};

struct lun_settings {
	struct uuid uuid;
	char label[65];
	char target_name[224];
	struct block *block;
	struct loop *loop; /* of this thread: commands that need no I/O are done through it */
};

/* -ENOMEM. */
int lun_new(const struct lun_settings *settings, struct lun **out_lun);

/* All tasks done, all nexuses ended. NULL is fine. */
void lun_free(struct lun *lun);

/* -ENOMEM. A new nexus starts with the unit attention 29h/00h for its first command. */
int lun_nexus_new(struct lun *lun, const struct nexus_names *names, struct nexus **out_nexus);
void lun_nexus_free(struct nexus *nexus);

/*
 * Look at the CDB: true, and data_out_len and data_in_max are set: get the buffer, the data, and
 * call lun_run. False: the task is over (status and sense are set, done is not called). A
 * task->lun of NULL gets the answers of a LUN that is not there (SPC-4: INQUIRY with qualifier
 * 3, REPORT LUNS, REQUEST SENSE, else 5/25/00); task->nexus is set even then.
 *
 * True also means that the task has taken its place in the task set (SAM-5, 8.6: the order is
 * that of arrival, even if the data comes later). It stays there until done ran, so every such
 * task must be run: one whose data will never come gets is_aborted and lun_run, and done runs
 * without the block having been touched.
 *
 * A command that offers less Data-Out than its CDB needs ends here with 5/0E/03 (SPC-4). Only
 * WRITE takes a smaller offer of whole blocks, writes these, and leaves the rest to the residual.
 */
bool lun_prepare(struct task *task);

/* Carry it out. task->done runs once, later. Order among tasks follows their attributes. */
void lun_run(struct task *task);

/* Fill in CHECK CONDITION with fixed-format sense (or descriptor format where D_SENSE is set). */
void task_fail(struct task *task, uint8_t key, uint16_t asc_ascq);

/*
 * ABORT TASK SET; end of a session (NULL: all tasks): mark the tasks of the nexus aborted. Those
 * that lun_run already got end by themselves; run the others. No done runs inside.
 */
void lun_abort_tasks(struct lun *lun, const struct nexus *nexus);

/* CLEAR TASK SET: abort everything; other nexuses that lost a task get unit attention 2Fh/00h. */
void lun_clear_tasks(struct lun *lun, const struct nexus *nexus);

/* LOGICAL UNIT RESET and target resets: abort everything, mode pages as at the start, unit
 * attention 29h/03h for everybody, whoever asked for it (SAM-5, 6.3.3). */
void lun_reset(struct lun *lun);

/* The block has another size now: unit attention 2Ah/09h for everybody. */
void lun_capacity_changed(struct lun *lun);

/* True when no task is inside the LUN: each that was prepared is done. */
bool lun_is_idle(const struct lun *lun);

#endif
