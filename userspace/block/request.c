/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scattered memory is walked piece by piece: `skip` may end in the middle of a piece. */
#include "block/request.h"

#include <errno.h>
#include <string.h>

int block_io_check(const struct block_io *io, const struct block_limits *limits)
{
	uint64_t unit = limits->logical_block_bytes;
	uint64_t memory = 0;

	if (io->kind == BLOCK_FLUSH)
		return 0;
	if (io->kind == BLOCK_SAVE_THRESHOLDS)
		return limits->has_thresholds ? 0 : -EINVAL;
	if (io->offset % unit != 0 || io->length % unit != 0)
		return -EINVAL;
	if (io->offset > limits->size_bytes || io->length > limits->size_bytes - io->offset)
		return -EINVAL;
	if (io->kind == BLOCK_MAP)
		return io->length > 0 ? 0 : -EINVAL;
	if (io->kind == BLOCK_UNMAP || io->kind == BLOCK_WRITE_ZEROES)
		return io->length <= limits->max_unmap_bytes ? 0 : -EINVAL;
	if (io->length > limits->max_io_bytes)
		return -EINVAL;
	for (int i = 0; i < io->iov_count; i++)
		memory += io->iov[i].iov_len;
	return memory == io->length ? 0 : -EINVAL;
}

bool block_io_is_aligned(const struct block_io *io, uint32_t memory_align, uint32_t length_align)
{
	for (int i = 0; i < io->iov_count; i++) {
		if ((uintptr_t)io->iov[i].iov_base % memory_align != 0)
			return false;
		if (io->iov[i].iov_len % length_align != 0)
			return false;
	}
	return true;
}

/* One contiguous piece at `skip`; advances *iov and *skip past it. */
static struct iovec piece_take(const struct iovec **iov, uint64_t *skip, uint64_t len)
{
	struct iovec piece;

	while (*skip >= (*iov)->iov_len) {
		*skip -= (*iov)->iov_len;
		(*iov)++;
	}
	piece.iov_base = (char *)(*iov)->iov_base + *skip;
	piece.iov_len = MIN((uint64_t)(*iov)->iov_len - *skip, len);
	*skip += piece.iov_len;
	return piece;
}

void block_iov_read(const struct iovec *iov, uint64_t skip, void *to, uint64_t len)
{
	while (len > 0) {
		struct iovec piece = piece_take(&iov, &skip, len);

		memcpy(to, piece.iov_base, piece.iov_len);
		to = (char *)to + piece.iov_len;
		len -= piece.iov_len;
	}
}

void block_iov_write(const struct iovec *iov, uint64_t skip, const void *from, uint64_t len)
{
	while (len > 0) {
		struct iovec piece = piece_take(&iov, &skip, len);

		memcpy(piece.iov_base, from, piece.iov_len);
		from = (const char *)from + piece.iov_len;
		len -= piece.iov_len;
	}
}

void block_iov_clear(const struct iovec *iov, uint64_t skip, uint64_t len)
{
	while (len > 0) {
		struct iovec piece = piece_take(&iov, &skip, len);

		memset(piece.iov_base, 0, piece.iov_len);
		len -= piece.iov_len;
	}
}

int block_iov_slice(const struct iovec *iov, uint64_t skip, uint64_t len, struct iovec *out,
		    int max, uint64_t *out_len)
{
	int count = 0;

	*out_len = 0;
	while (*out_len < len && count < max) {
		out[count] = piece_take(&iov, &skip, len - *out_len);
		*out_len += out[count++].iov_len;
	}
	return count;
}
