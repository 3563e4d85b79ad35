/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every implementation of struct block does with a request: check it, and move bytes
 * between its scattered memory and elsewhere.
 */
#ifndef BLOCK_REQUEST_H
#define BLOCK_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "block/block.h"

/* 0, or -EINVAL if it is outside the device, misaligned, too long, or its memory does not match. */
int block_io_check(const struct block_io *io, const struct block_limits *limits);

/* True if all memory of the request is aligned to, and cut into multiples of, these. */
bool block_io_is_aligned(const struct block_io *io, uint32_t memory_align, uint32_t length_align);

/* Copy `len` bytes that begin `skip` bytes into the memory, out of it or into it, or clear them. */
void block_iov_read(const struct iovec *iov, uint64_t skip, void *to, uint64_t len);
void block_iov_write(const struct iovec *iov, uint64_t skip, const void *from, uint64_t len);
void block_iov_clear(const struct iovec *iov, uint64_t skip, uint64_t len);

/*
 * The part of `iov` from `skip` on, at most `len` bytes, as at most `max` pieces in `out`.
 * Returns how many pieces; *out_len is what they cover (less than len if `max` was too few).
 */
int block_iov_slice(const struct iovec *iov, uint64_t skip, uint64_t len, struct iovec *out,
		    int max, uint64_t *out_len);

#endif
