/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request of a volume on its way: from a fixed number of slots (what comes beyond them waits
 * in a queue), with all it may need inside, so that the data path allocates nothing. Each step
 * either goes on to the next or leaves the task waiting somewhere and is called again.
 *
 * What a task takes, always in this order: a bounce buffer, admission, leaves, holds, extents.
 * Nobody who has a later one waits for an earlier one, so none waits for ever. Views and leaves of
 * the parent are taken wherever they are needed: they come from the disk, not from other tasks.
 */
#ifndef STORE_TASK_H
#define STORE_TASK_H

#include "store/hold.h"
#include "store/leaf.h"
#include "store/space.h"
#include "store/view.h"
#include "store/volume_state.h"
#include "store/waiter.h"

#define TASK_IO_BYTES_MAX (1u << 20)
#define TASK_EXTENTS	  17 /* that 1 MiB at any alignment can touch */
#define TASK_LEAVES	  2
#define TASK_BLOCKS	  (TASK_EXTENTS * WORD_BLOCKS)
#define TASK_PARTS	  8 /* requests to the disk at a time */
#define TASK_PART_IOVS	  16
#define TASK_UNMAP_MAX	  (UINT64_C(256) << 20)

/* Room for the largest request, rounded out to whole blocks. */
#define TASK_BOUNCE_BYTES (TASK_IO_BYTES_MAX + 2 * STORE_BLOCK_BYTES)

/* One of the pool's bounce buffers: its memory is found by its index. */
struct task_bounce {
	uint32_t unused;
};

struct task;

struct task_part {
	struct task *task;
	struct block_io io;
	struct iovec iov[TASK_PART_IOVS];
};

struct task {
	struct waiter waiter;
	void (*step)(struct task *task);       /* when woken */
	void (*parts_done)(struct task *task); /* when the disk is done with all parts */
	void (*write_done)(struct task *task, int result); /* when a write has ended */
	const struct iovec *write_from;			   /* its data */
	struct pool *pool;
	struct volume *volume;
	struct layer *layer;
	struct block_io *io;

	uint64_t start, end;	   /* bytes asked for */
	uint64_t io_start, io_end; /* bytes moved: wider where a bounce buffer is used */
	const struct iovec *iov;   /* memory of what is moved; its first byte is base's */
	uint64_t base;
	struct task_bounce *bounce;
	uint8_t *bounce_bytes;
	struct iovec own_iov;

	uint32_t words, leaf_quota; /* admitted */
	uint32_t taken;		    /* extents, until they are charged or given back */
	struct leaf *leaves[TASK_LEAVES];
	uint64_t first_leaf;
	uint32_t leaf_count;
	struct view *views[TASK_LEAVES]; /* under those; NULL: not looked for, or nothing there */
	struct layer *parent;		 /* whose leaves these are; NULL: none taken */
	struct leaf *parent_leaves[TASK_LEAVES];
	bool is_parent_damaged; /* one of those cannot be read: it counts as empty */
	struct hold *holds[TASK_EXTENTS];
	uint32_t places[TASK_EXTENTS];
	uint32_t hold_count;
	uint64_t first_extent;

	bool is_changing; /* counted by the volume's gate */
	uint64_t cursor;  /* next byte to hand to the disk, or to unmap */
	bool is_reader;
	bool needs_commit; /* it changed a word, or built on one that the journal has not yet */
	unsigned turn;	   /* of space_enter */
	unsigned in_flight;
	int result;
	/* From here on not cleared. */
	struct task_part parts[TASK_PARTS];
	uint32_t sources[TASK_BLOCKS]; /* where each block lies that is read */
};

/* --- store/task.c: what all kinds share --- */

/* Start a request, from the runner; there is a free slot. */
void task_begin(struct volume *volume, struct block_io *io);

/* Everything the task has goes back, and the request ends. */
void task_end(struct task *task, int result);

/*
 * End it when its changed words are in the journal, so that they survive this process, or
 * durably if the request says so (FUA).
 */
void task_end_durable(struct task *task, int result);

/* False: none is free, `step` is called again. The buffer covers [start, end) in blocks. */
bool task_take_bounce(struct task *task);

/* From now on no extent that is freed is reused, until this has ended. */
void task_begin_reading(struct task *task);
void task_end_reading(struct task *task);

/*
 * The request has nothing to change in this word, as it is: another one that is not over yet may
 * have made it so. It ends when the journal has it, or the process could die and the word with it.
 */
void task_rely(struct task *task, uint64_t extent);

/*
 * Move at most `len` bytes of the task's memory at byte `at` of the volume from or to the
 * disk, with a free part; returns how many (less if the memory is in too many pieces).
 */
uint64_t task_submit_part(struct task *task, enum block_kind kind, uint64_t at, uint64_t len,
			  uint64_t disk_offset);

/* The blocks of a logical extent that lie in the bytes [start, end), whole or in part. */
uint16_t task_mask(uint64_t extent, uint64_t start, uint64_t end);

/* Its holds go back, and with them the extents that nobody wants any more. */
void task_put_holds(struct task *task);
void task_release_place(struct pool *pool, uint32_t place, bool is_unmapped);

/* --- store/task_words.c: 0, -EAGAIN (step is called again), or what failed --- */

/* Pin the leaves of [start, end). */
int task_take_leaves(struct task *task, enum leaf_use use);

/* Everything below goes back too. */
void task_put_leaves(struct task *task);

/*
 * The leaves of [start, end) of what is the volume's head now, without creating any, and the
 * views of all that they do not decide.
 */
int task_look(struct task *task);

/* The views of what the leaves, pinned, do not decide of these bytes. */
int task_look_under(struct task *task, uint64_t start, uint64_t end);

/* The extent of the disk where this block lies, VIEW_HOLE or VIEW_LOST; in the turn of the look. */
uint32_t task_source(const struct task *task, uint64_t at);

/* The word of a logical extent, whose leaf is pinned. 0 where there is no leaf. */
uint64_t task_word(const struct task *task, uint64_t extent);

/*
 * Before a word of this extent is changed in a way that its parent's has to do with: have that
 * word at hand, so that what is shadowed is counted.
 */
int task_take_parent(struct task *task, uint64_t extent);
void task_set_word(struct task *task, uint64_t extent, uint64_t word);

/* --- one file a kind --- */
void task_read_start(struct task *task);
void task_write_start(struct task *task);
/* Write `write_from` to [start, end), then write_done. */
void task_write_run(struct task *task);
void task_unmap_start(struct task *task);
void task_map_start(struct task *task);

#endif
