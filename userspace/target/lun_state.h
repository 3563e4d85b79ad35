/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the LUN half share: the LUN, its nexuses, a row of the command table, and
 * the few steps that most commands are made of. Nobody else includes this.
 *
 * A command is two functions. `prepare` looks at the CDB, fills in lba, block_count,
 * data_out_len and data_in_max, and returns true, or ends the task (task_fail, or GOOD) and
 * returns false. `run` starts the work; it and the callbacks of its I/O end the task with
 * lun_task_end, after task_fail or task_fail_errno if it went wrong.
 */
#ifndef TARGET_LUN_STATE_H
#define TARGET_LUN_STATE_H

#include "block/space.h"
#include "scsi/inquiry.h"
#include "scsi/mode.h"
#include "scsi/report.h"
#include "scsi/sense.h"
#include "target/lun.h"

#define LUN_SCRATCH_BYTES	  (64U << 10)
#define LUN_PARAMETER_BYTES	  2048U /* the longest Data-In that is not blocks */
#define LUN_UNMAP_DESCRIPTORS_MAX 256U

/* Flags of a command. */
enum {
	/* SAM-5, 5.14.5: a pending unit attention does not stop it. */
	COMMAND_PASSES_ATTENTION = 1 << 0,
	COMMAND_WRITES = 1 << 1,    /* refused where the medium is write protected */
	COMMAND_THIN = 1 << 2,	    /* exists only where blocks can be unmapped */
	COMMAND_EXCLUSIVE = 1 << 3, /* nothing else runs while it does */
	COMMAND_SCRATCH = 1 << 4,   /* needs lun->scratch */
	COMMAND_FUA = 1 << 5,	    /* bit 3 of byte 1 is FUA */
	COMMAND_THROUGH = 1 << 6,   /* writes as with FUA */
	COMMAND_PARTIAL = 1 << 7,   /* does what it can with less Data-Out than it needs */
	COMMAND_EXACT = 1 << 8,	    /* refuses more Data-Out than it needs */
};

struct lun_command {
	struct scsi_command scsi;
	uint32_t flags;
	bool (*prepare)(struct task *task);
	void (*run)(struct task *task);
};

/* Unit attentions, in the order in which they are reported (SAM-5, 5.14.4: resets first). */
enum attention {
	ATTENTION_RESET,	    /* 29h/03h */
	ATTENTION_POWER_ON,	    /* 29h/00h */
	ATTENTION_CAPACITY_CHANGED, /* 2Ah/09h */
	ATTENTION_MODE_CHANGED,	    /* 2Ah/01h */
	ATTENTION_TASKS_CLEARED,    /* 2Fh/00h */
	ATTENTION_THRESHOLD_USED,   /* 38h/07h, one for each enum mode_threshold */
	ATTENTION_THRESHOLD_AVAILABLE,
	ATTENTION_THRESHOLD_SHARED,
	ATTENTION_COUNT,
};

struct nexus {
	struct lun *lun;
	struct nexus_names names;
	uint32_t attentions; /* a bit for each enum attention */
	struct list_node link;
};

struct lun {
	struct lun_settings settings;
	struct list nexuses;

	/* Of the block, as the initiators know it: renewed by lun_capacity_changed. */
	struct block_limits limits;
	uint64_t block_count;
	struct vpd_limits vpd_limits;

	/* Without the thresholds, which the block keeps: see lun_mode_values. */
	struct mode_values mode;

	struct block_watch watch;
	/* Thresholds crossed that only one nexus shall hear of, whichever asks first. */
	uint32_t attentions_for_one;

	/* The task set (lun_queue.c). */
	struct list tasks;
	struct list finished;
	struct loop_task finish;
	bool is_finish_posted;
	unsigned depth;		/* of calls into the LUN: no done runs while it is not 0 */
	unsigned task_count;	/* prepared, and not yet done */
	unsigned barrier_count; /* of them, those that younger ones wait for */
	unsigned waiting_count; /* run, and not started yet */
	unsigned running_count;
	struct task *exclusive; /* the running command that has the LUN to itself */

	/* For one command at a time that compares or repeats: aligned memory. */
	uint8_t *scratch;
	uint32_t scratch_blocks;
	struct task *scratch_user;
};

/* --- lun_table.c --- */

/* The row of a CDB; NULL if it is not served. out_has_opcode: another service action of
 * the operation code is. */
const struct lun_command *lun_command_find(const struct lun *lun, uint8_t opcode,
					   uint16_t service_action, bool *out_has_opcode);
/* All rows that this LUN serves: start with NULL; NULL after the last. */
const struct lun_command *lun_command_next(const struct lun *lun,
					   const struct lun_command *previous);

/* --- lun_queue.c --- */

void lun_queue_init(struct lun *lun);
void lun_queue_enter(struct task *task);
/* The command is over; status and sense are set (GOOD unless told otherwise). */
void lun_task_end(struct task *task);

/* --- lun_attention.c --- */

/* For all nexuses but `except` (NULL: for all). */
void lun_attention_raise(struct lun *lun, enum attention attention, const struct nexus *except);
void nexus_attention_raise(struct nexus *nexus, enum attention attention);
/* Take the first one out; false if there is none. */
bool nexus_attention_take(struct nexus *nexus, struct sense *out_sense);

/* --- lun_sense.c --- */

void task_fail_sense(struct task *task, const struct sense *sense);
/* 5/24/00 with a pointer to a field of the CDB that begins at `bit` of `byte`. Returns false. */
bool task_refuse_field(struct task *task, unsigned byte, unsigned bit);
/* Any other ILLEGAL REQUEST. Returns false. */
bool task_refuse(struct task *task, enum sense_code code);
/* 5/26/00 with a pointer into the parameter list. */
void task_fail_parameter(struct task *task, unsigned byte);
/* What a struct block answered to a request of `kind`. */
void task_fail_errno(struct task *task, enum block_kind kind, int error);

/* --- lun_io.c --- */

/* lba and block_count of the task from its CDB; 5/21/00 if they go beyond the end. */
bool task_take_range(struct task *task);
/* The same for a command that transfers the range: 5/24/00 if it is longer than one request. */
bool task_take_transfer(struct task *task);
/* In the run of a WRITE: true if there is something to write, else the task was ended. */
bool write_has_blocks(struct task *task);
/* One request of the task's blocks from `lba` on. READ and WRITE: to or from `data`. */
void task_submit(struct task *task, enum block_kind kind, uint64_t lba, uint64_t block_count,
		 uint8_t *data, void (*done)(struct block_io *io, int result));
/* A request without a range: FLUSH, SAVE_THRESHOLDS. */
void task_submit_whole(struct task *task, enum block_kind kind,
		       void (*done)(struct block_io *io, int result));
void task_flush(struct task *task, void (*done)(struct block_io *io, int result));
/* In a done: the task whose request it was. */
struct task *task_of(struct block_io *io);
/* In a done: true, and the task was ended, if the request failed or the task was aborted. */
bool task_is_cut_short(struct task *task, int result);
/* The done of a command's last request. */
void task_last_done(struct block_io *io, int result);
/* Whether the CDB has FUA set. */
bool task_has_fua(const struct task *task);
/* The end of a prepare: the command returns parameter data, or transfers nothing. True. */
bool task_prepare_return(struct task *task, uint32_t allocation_length);
bool task_prepare_nothing(struct task *task);
/* Return parameter data, cut to data_in_max, and end the task. */
void task_return(struct task *task, const uint8_t *data, size_t len);

static inline uint32_t lun_block_bytes(const struct lun *lun)
{
	return lun->limits.logical_block_bytes;
}

/* --- lun_mode.c --- */

/* What the mode pages say besides the values that can be changed. */
struct mode_facts lun_mode_facts(const struct lun *lun);
/* All values to what a reset leaves: the saved ones. */
void lun_mode_reset(struct lun *lun);

/* --- lun_provisioning.c --- */

/* From and to the block; nothing where it has no thresholds. */
void lun_thresholds_get(const struct lun *lun, bool is_saved, struct mode_values *values);
void lun_thresholds_set(struct lun *lun, const struct mode_values *values);
/* For VPD page B2h; 0: no thresholds. */
uint8_t lun_threshold_exponent(const struct lun *lun);
/* Hear of the block's events, from lun_new until lun_free. */
void lun_provisioning_start(struct lun *lun);
void lun_provisioning_stop(struct lun *lun);

#endif
