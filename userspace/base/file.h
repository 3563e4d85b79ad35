/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small durable files: records and state that must be whole after a crash. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Read the whole file into a buffer that the caller frees; a NUL is added behind the data.
 * -EFBIG if it is longer than `limit` bytes, -ENOENT if there is none, else what failed.
 */
int file_read(const char *path, size_t limit, char **out_data, size_t *out_len, struct error *err);

/*
 * Replace the file as a whole: a crash leaves the old content or the new, never a mixture.
 * Written to "path.new" beside it, synced, renamed, and the folder synced; on
 * return 0 the new content is durable. `mode` as for open(2), 0600 for anything secret.
 */
int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct error *err);

/* Remove a file durably; a file that is not there is success. */
int file_remove(const char *path, struct error *err);

/*
 * Make one folder durably, and its parents (0755) where they are missing; success if it is there
 * already, with whatever mode. -ENOTDIR if something else has that name.
 */
int file_make_folder(const char *path, mode_t mode, struct error *err);

#endif
