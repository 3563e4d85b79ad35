/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One volume served as one file: the FUSE session, the iSCSI session, the slots between them,
 * and the loop that polls both. One thread.
 *
 *     kernel -> /dev/fuse -> slot -> session_submit ... done -> answer -> slot is free
 *
 * volume_file.c holds the file operations, range.c fallocate, stop.c the orderly end.
 */
#ifndef ATTACH_SERVER_H
#define ATTACH_SERVER_H

#include <stdbool.h>

#include "attach/options.h"
#include "attach/slot.h"

/* Requests of the kernel that are no I/O (lookup, getattr) need slots too. */
#define SLOTS_EXTRA 8

struct fuse_session;

struct server {
	const struct options *options;
	struct session *session; /* iSCSI */
	struct fuse_session *fuse;
	bool is_initialised; /* the kernel's FUSE_INIT was answered */
	int signal_fd;

	struct slot *slots;
	unsigned slot_count;
	uint8_t *memory;
	struct list free_slots;
	struct slot *receiving; /* read, and not yet taken by an operation */

	bool is_stopping;    /* told to stop, and the mount point is free */
	unsigned open_count; /* files that are open, in whichever mount namespace */
	bool is_unmounted;   /* /dev/fuse has ended: nobody can reach the file any more */
	bool is_giving_up;   /* told again while the node is away */
	struct session_request final_flush;
	bool is_flushing;
};

/*
 * Log in, mount, and answer until the file can be used. Afterwards server_run serves it.
 * -EBUSY where the mount point is one already, -ENOTDIR, and the errors of session_open.
 */
int server_start(struct server *server, const struct options *options, struct error *err);

/* Until SIGTERM (or somebody unmounted the file): 0 if everything reached the volume, or -EIO. */
int server_run(struct server *server);

/* Log out and give back everything. A server that never started is fine, when zeroed. */
void server_fini(struct server *server);

/* stop.c: SIGTERM. Unmounts if nobody uses the file, else says so and lets things be. */
void server_stop(struct server *server);

/* stop.c: true when the server is unmounted and all writes are durable. */
bool server_is_over(struct server *server);

/* volume_file.c: the operations, for fuse_session_new. */
struct fuse_lowlevel_ops;
extern const struct fuse_lowlevel_ops volume_file_ops;

/* range.c: fallocate over [offset, offset + length), already inside the volume. */
void range_start(struct slot *slot, uint64_t offset, uint64_t length, bool is_hole);

/* server.c: an operation takes the slot that its request was read into; it answers by
 * slot_answer. */
struct slot *server_take_slot(struct server *server, struct fuse_req *fuse);
void slot_put(struct slot *slot);

#endif
