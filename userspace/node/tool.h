/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of berth-node that look at a pool which no node serves: check, dump, repair. Each
 * is a blocking program on a loop of its own; store/ does the work, here it is asked and told.
 */
#ifndef NODE_TOOL_H
#define NODE_TOOL_H

#include <stdbool.h>

#include "base/error.h"
#include "base/uuid.h"
#include "store/loop_queue.h"
#include "store/offline.h"

/* Exit status, as fsck has them in spirit: sound, something found, could not look. */
#define TOOL_CLEAN    0
#define TOOL_FINDINGS 1
#define TOOL_CANNOT   2

/* What the command line said. */
struct tool_call {
	const char *path;
	bool is_json;
	bool shows_all; /* findings */
	bool is_kept, is_undone, is_dry_run;
	bool has_journal; /* in the dump */
	const char *map;  /* volume to dump the map of; NULL */
};

/* A pool's file or device, locked against everybody else. */
struct tool_disk {
	struct offline offline;
	struct loop *loop;
	struct loop_queue queue;
	struct uuid boot_id;
};

/* 0, or a sentence: in use, not there, not allowed. */
int tool_disk_open(struct tool_disk *disk, const char *path, struct error *err);
void tool_disk_close(struct tool_disk *disk);

/* True if these arguments are such a command's; *out_status is then what to exit with. */
bool tool_main(int argc, char **argv, int *out_status);

int tool_check(const struct tool_call *call);
int tool_dump(const struct tool_call *call);
int tool_repair(const struct tool_call *call);

#endif
