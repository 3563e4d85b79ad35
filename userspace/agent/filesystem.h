/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs of the file systems: making, checking, growing. Options are those that thin
 * volumes want: no discard pass and no zeroing of tables at mkfs (a fresh thin volume reads as
 * zeros), no share kept back for root.
 */
#ifndef AGENT_FILESYSTEM_H
#define AGENT_FILESYSTEM_H

#include <stdint.h>

#include "base/error.h"

#define FILESYSTEM_ARGUMENT_MAX 48

#define FILESYSTEM_WORDS_SIZE 512

struct filesystem_command {
	const char *argv[FILESYSTEM_ARGUMENT_MAX]; /* NULL at the end */
	char words[FILESYSTEM_WORDS_SIZE];	   /* bytes of some of them */
};

/*
 * The command line of mkfs; words of `options` (blanks between them, no quoting) stand before
 * the device. -EINVAL for an unknown type or too many words. Pure.
 */
int filesystem_mkfs_command(const char *type, const char *uuid, const char *options,
			    const char *device, struct filesystem_command *out_command,
			    struct error *err);

/*
 * May a user give these options to mkfs? Only "-X VALUE" with letters of a list for each type, and
 * no value that names a file, a device or a UUID: mkfs runs as root, and some of its options
 * read or write elsewhere. -EINVAL with what is allowed. Pure.
 */
int filesystem_check_options(const char *type, const char *options, struct error *err);

int filesystem_make(const char *type, const char *uuid, const char *options, const char *device,
		    int64_t deadline_ms, struct error *err);

/*
 * Repair what a crash of a host leaves, before the mount. ext4 is preened (e2fsck -p). XFS is left
 * to its own log: xfs_repair on a dirty log would refuse, the mount replays it. The device must
 * not be mounted anywhere. -EUCLEAN: somebody must look.
 */
int filesystem_check(const char *type, const char *device, int64_t deadline_ms, struct error *err);

/* As large as the device, while it is mounted on `folder`; nothing to do is success. */
int filesystem_grow(const char *type, const char *device, const char *folder, int64_t deadline_ms,
		    struct error *err);

/* Options of mount(2): XFS clones carry their origin's UUID and are let in beside it. */
const char *filesystem_mount_options(const char *type);

/* True if an e2fsck of this exit status lets the mount go on: 0, 1, 2 (man e2fsck). */
int filesystem_is_checked(int exit_status);

#endif
