/* SPDX-License-Identifier: GPL-2.0-or-later */
/* READ CAPACITY, GET LBA STATUS and UNMAP parameter data (SBC-3, 5.4, 5.15, 5.16 and 5.28). */
#include "scsi/capacity.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"

void capacity_encode_10(uint8_t *out, const struct capacity *capacity)
{
	/* FFFFFFFFh: too large for this command, use READ CAPACITY(16). */
	put_be32(out, (uint32_t)MIN(capacity->block_count - 1, (uint64_t)UINT32_MAX));
	put_be32(out + 4, capacity->block_bytes);
}

void capacity_encode_16(uint8_t *out, const struct capacity *capacity)
{
	memset(out, 0, CAPACITY_16_LEN);
	put_be64(out, capacity->block_count - 1);
	put_be32(out + 8, capacity->block_bytes);
	out[13] = capacity->physical_exponent & 0x0f;
	if (capacity->is_thin)
		out[14] = 0xc0; /* LBPME, LBPRZ */
}

void lba_status_encode_header(uint8_t *out, uint32_t count)
{
	memset(out, 0, LBA_STATUS_HEADER_LEN);
	/* The length counts what follows it: four reserved bytes and the descriptors. */
	put_be32(out, 4 + count * LBA_STATUS_DESCRIPTOR_LEN);
}

void lba_status_encode(uint8_t *out, uint64_t lba, uint32_t blocks, enum lba_status status)
{
	memset(out, 0, LBA_STATUS_DESCRIPTOR_LEN);
	put_be64(out, lba);
	put_be32(out + 8, blocks);
	out[12] = (uint8_t)status;
}

int unmap_decode_count(const uint8_t *list, size_t len, uint32_t *out_count)
{
	size_t descriptors_len;

	if (len < UNMAP_HEADER_LEN)
		return -EMSGSIZE;
	descriptors_len = get_be16(list + 2);
	if (get_be16(list) > len - 2 || descriptors_len > len - UNMAP_HEADER_LEN)
		return -EINVAL;
	*out_count = (uint32_t)(descriptors_len / UNMAP_DESCRIPTOR_LEN);
	return 0;
}

struct unmap_range unmap_decode(const uint8_t *list, uint32_t index)
{
	const uint8_t *at = list + UNMAP_HEADER_LEN + (size_t)index * UNMAP_DESCRIPTOR_LEN;

	return (struct unmap_range){.lba = get_be64(at), .block_count = get_be32(at + 8)};
}
