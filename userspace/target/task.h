/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A task: one SCSI command from its arrival to its status. This is where the two halves of the
 * target meet. The session half (conn_*.c, session.c) knows iSCSI: it takes PDUs apart, fetches
 * Data-Out, sends Data-In and status. The LUN half (lun*.c) knows SCSI: it reads the CDB
 * and works on the block. Neither looks into the other.
 *
 * The course of a command:
 *   1. The session fills in the fields marked (in) and calls lun_prepare. The LUN checks the CDB
 *      and says how many bytes of Data-Out it wants and how many of Data-In it can make at most,
 *      or ends the task at once with a status.
 *   2. The session gives it a buffer and, for Data-Out, fills it from the wire.
 *   3. The session calls lun_run. The LUN carries the command out and calls task->done exactly
 *      once, never from inside lun_run or any other call into the LUN.
 *   4. The session sends what task->data holds and the status, and gives the task back.
 *
 * A task is a slot of its session, allocated at login; its buffer belongs to it. All of it is on
 * the thread of the export's reactor.
 */
#ifndef TARGET_TASK_H
#define TARGET_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "block/block.h"

#define TASK_CDB_SIZE	16
#define TASK_SENSE_SIZE 96

struct lun;
struct lun_command;
struct nexus;

/* Task attributes (RFC 7143, 11.3.1). */
enum task_attribute {
	TASK_UNTAGGED = 0,
	TASK_SIMPLE = 1,
	TASK_ORDERED = 2,
	TASK_HEAD_OF_QUEUE = 3,
	TASK_ACA = 4,
};

struct task {
	/* (in) */
	struct lun *lun;     /* NULL: there is no such LUN (see lun_prepare) */
	struct nexus *nexus; /* the I_T nexus of the session */
	uint64_t lun_number; /* the eight bytes of the PDU, big-endian */
	enum task_attribute attribute;
	uint8_t cdb[TASK_CDB_SIZE];
	uint32_t data_out_offered; /* EDTL of a write command, 0 for others */
	uint32_t data_in_wanted;   /* EDTL of a read command, 0 for others */

	/* Set by lun_prepare. What the command itself transfers, whatever the initiator expects:
	 * the session computes residuals from it (RFC 7143, 11.4.5). */
	uint32_t data_out_len;
	uint32_t data_in_max;

	/* Set by the session before lun_run: memory for MAX(data_out_len, data_in_max) bytes,
	 * aligned to 4096; the first MIN(data_out_len, data_out_offered) bytes hold the Data-Out.
	 * May be NULL if both are 0, or if the task is run only to end it (is_aborted). */
	uint8_t *data;

	/* (out), before done. */
	uint32_t data_in_len; /* bytes of Data-In in `data` */
	uint8_t status;	      /* SAM-5 status */
	uint8_t sense_len;    /* 0: none */
	uint8_t sense[TASK_SENSE_SIZE];

	/* Set by the session. */
	void (*done)(struct task *task);

	/* Task management wants it gone: the LUN ends it as soon as its I/O allows, done runs
	 * all the same, and the session decides what is still sent. The session clears it before
	 * lun_prepare. */
	bool is_aborted;

	/* The LUN's, from lun_prepare until done. */
	const struct lun_command *command;
	struct block_io io;
	struct iovec iov;
	uint64_t lba;
	uint64_t block_count;
	uint64_t blocks_done; /* of a command that takes several steps */
	uint32_t step;
	uint8_t state;	       /* enum task_state of target/lun_queue.c */
	struct list_node link; /* in the LUN's task set, or among its finished tasks */
};

#endif
