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
};

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
 * 3, REPORT LUNS, else 5/25/00).
 */
bool lun_prepare(struct task *task);

/* Carry it out. task->done runs once, later. Order among tasks follows their attributes. */
void lun_run(struct task *task);

/* Fill in CHECK CONDITION with fixed-format sense (or descriptor format where D_SENSE is set). */
void task_fail(struct task *task, uint8_t key, uint16_t asc_ascq);

/* ABORT TASK SET, CLEAR TASK SET: mark the tasks of the nexus (NULL: of all) aborted. */
void lun_abort_tasks(struct lun *lun, const struct nexus *nexus);

/* LOGICAL UNIT RESET and target resets: abort everything, clear state, unit attention 29h/03h
 * for everybody but `nexus`. */
void lun_reset(struct lun *lun, const struct nexus *nexus);

/* The block has another size now: unit attention 2Ah/09h for everybody. */
void lun_capacity_changed(struct lun *lun);

/* True when no task is inside the LUN. */
bool lun_is_idle(const struct lun *lun);

#endif
