/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameter data about the blocks of a disk: capacity and provisioning status (SBC-3). */
#ifndef SCSI_CAPACITY_H
#define SCSI_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPACITY_10_LEN		  8
#define CAPACITY_16_LEN		  32
#define LBA_STATUS_HEADER_LEN	  8
#define LBA_STATUS_DESCRIPTOR_LEN 16
#define UNMAP_HEADER_LEN	  8
#define UNMAP_DESCRIPTOR_LEN	  16

struct capacity {
	uint64_t block_count; /* at least 1 */
	uint32_t block_bytes;
	uint8_t physical_exponent; /* logical blocks in a physical one, as a power of two */
	bool is_thin;		   /* LBPME and LBPRZ */
};

/* READ CAPACITY(10) and (16) (SBC-3, 5.15 and 5.16); the length is that of the names above. */
void capacity_encode_10(uint8_t *out, const struct capacity *capacity);
void capacity_encode_16(uint8_t *out, const struct capacity *capacity);

/* SBC-3, table 47. */
enum lba_status {
	LBA_STATUS_MAPPED = 0,
	LBA_STATUS_DEALLOCATED = 1,
};

/* GET LBA STATUS (SBC-3, 5.4): the header for `count` descriptors, and one descriptor. */
void lba_status_encode_header(uint8_t *out, uint32_t count);
void lba_status_encode(uint8_t *out, uint64_t lba, uint32_t blocks, enum lba_status status);

/* One UNMAP block descriptor (SBC-3, table 117). */
struct unmap_range {
	uint64_t lba;
	uint32_t block_count;
};

/*
 * How many descriptors the UNMAP parameter list of `len` bytes holds. -EMSGSIZE: the list
 * is cut off before the end of its header (PARAMETER LIST LENGTH ERROR); -EINVAL: the lengths
 * inside reach beyond the list (INVALID FIELD IN PARAMETER LIST). A part of a descriptor at the
 * end is left out, as SBC-3 (5.28.2) wants it.
 */
int unmap_decode_count(const uint8_t *list, size_t len, uint32_t *out_count);

/* The descriptor at `index`, which is below the count. */
struct unmap_range unmap_decode(const uint8_t *list, uint32_t index);

#endif
