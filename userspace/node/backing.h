/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a new pool is made on: a file or a block device. "Never over something": only what is
 * missing, or proven blank at its head and tail.
 */
#ifndef NODE_BACKING_H
#define NODE_BACKING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Make the file, or prove that what is there is blank, and make it larger if need be. `size_bytes`
 * 0: as large as what is there. *out_is_ours becomes true where the file was made here.
 */
int backing_prepare(const char *path, uint64_t size_bytes, bool *out_is_ours, struct error *err);

#endif
