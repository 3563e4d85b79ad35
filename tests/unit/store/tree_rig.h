/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree of volumes, snapshots and clones in a pool, and plain memory that says what each name
 * reads as. Only a few extents of three leaves are ever written, block by block.
 */
#ifndef TESTS_STORE_TREE_RIG_H
#define TESTS_STORE_TREE_RIG_H

#include "base/random.h"
#include "tests/unit/store/store_fixture.h"

#define TREE_NAMES   40
#define TREE_EXTENTS 6
#define TREE_BLOCKS  (TREE_EXTENTS * 16)
#define TREE_BYTES   (64 * MIB) /* of every volume */

struct tree_name {
	bool is_there;
	bool is_snapshot;
	int volume; /* a snapshot's; -1 where that is gone */
	char name[NAME_SIZE];
	uint8_t blocks[TREE_BLOCKS]; /* the byte each is full of */
};

struct tree_rig {
	struct fixture fixture;
	struct random random;
	struct tree_name names[TREE_NAMES];
	uint64_t used_at_first; /* extents */
};

/* Where in a volume a block of the model is. */
uint64_t tree_rig_offset(unsigned block);

/* An empty pool, and volume 0 in it. */
void tree_rig_start(struct tree_rig *rig, uint64_t seed);
void tree_rig_stop(struct tree_rig *rig);

/* Each must succeed, and runs until nothing is left to do. The new name's number. */
int tree_rig_create(struct tree_rig *rig);
int tree_rig_snapshot(struct tree_rig *rig, int volume);
int tree_rig_clone(struct tree_rig *rig, int snapshot);
void tree_rig_revert(struct tree_rig *rig, int volume, int snapshot);
void tree_rig_delete(struct tree_rig *rig, int name);

/*
 * The program numbered `number` of `steps` steps on volume 0: each takes a snapshot of a volume or
 * makes a clone of a snapshot, whichever are there, with writes between. False: there is no such
 * program. The names are numbered from 0 to `steps` then.
 */
bool tree_rig_grow(struct tree_rig *rig, unsigned number, unsigned steps);

/* The same, but only the request is waited for; what it leaves to the background is not. */
void tree_rig_delete_begin(struct tree_rig *rig, int name);
int tree_rig_snapshot_begin(struct tree_rig *rig, int volume);

/* A few random blocks are written, or unmapped. */
void tree_rig_write(struct tree_rig *rig, int volume);
void tree_rig_unmap(struct tree_rig *rig, int volume);
void tree_rig_flush(struct tree_rig *rig, int volume);

/*
 * The background has something to do: requests come in meanwhile, several at a time, until so many
 * turns have passed or it has nothing to do. Reads among them are checked. With `checkpoints`
 * there are some. At the end all that was acknowledged is flushed. True: it had nothing left to do.
 */
bool tree_rig_disturb(struct tree_rig *rig, int volume, unsigned turns, bool checkpoints);

/* A random name that is there and a snapshot, or a volume; -1: none. */
int tree_rig_choose(struct tree_rig *rig, bool is_snapshot);

/* All names read as they should. */
void tree_rig_check_content(struct tree_rig *rig);

/* Every counter of every layer and volume is what counting all words gives. */
void tree_rig_check_counters(struct tree_rig *rig);

/* Extents that deleting these names would give back, as the pool says. */
uint64_t tree_rig_preview(struct tree_rig *rig, const int *names, unsigned count);

/* Deleting it returns what its facts and the preview say, to the extent. */
void tree_rig_delete_counted(struct tree_rig *rig, int name);

/* Nothing at all is left of what was deleted. */
void tree_rig_check_empty(struct tree_rig *rig);

/* The process dies as it is, the disk is checked, and the pool is opened again. */
void tree_rig_kill(struct tree_rig *rig);

#endif
