/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a logical unit says about itself, taken from the bytes of its answers: identity (SPC-4,
 * 7.8), limits and provisioning (SBC-3, 6.6), capacity (SBC-3, 5.16). Pure functions; the bytes
 * are a peer's and are checked.
 */
#ifndef INITIATOR_DISK_H
#define INITIATOR_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/uuid.h"

struct disk {
	struct uuid uuid; /* nil: neither VPD 80h nor 83h holds one */
	uint64_t size_bytes;
	uint32_t logical_block_bytes;
	uint32_t physical_block_bytes;
	bool is_thin;		       /* LBPME: blocks can be unmapped */
	bool can_unmap;		       /* UNMAP is served, and unmapped blocks read as zeros */
	uint32_t max_transfer_bytes;   /* of one READ or WRITE; 0: no limit is told */
	uint64_t max_unmap_bytes;      /* of one UNMAP */
	uint64_t max_write_same_bytes; /* of one WRITE SAME(16) */
	uint32_t unmap_granule_bytes;
	uint32_t unmap_align_bytes; /* offset of the first granule */
};

/*
 * Each takes one answer. 0, or -EPROTO with a sentence: the answer cannot be meant for a disk
 * that berth can use. The two identities must come in this order; the capacity before the
 * limits, whose unit is its block.
 */
int disk_take_serial(struct disk *disk, const uint8_t *data, size_t len, struct error *err);
int disk_take_identification(struct disk *disk, const uint8_t *data, size_t len, struct error *err);
int disk_take_capacity(struct disk *disk, const uint8_t *data, size_t len, struct error *err);
int disk_take_limits(struct disk *disk, const uint8_t *data, size_t len, struct error *err);
int disk_take_provisioning(struct disk *disk, const uint8_t *data, size_t len, struct error *err);

/* 0, or -ESTALE with a sentence if the disk isn't the volume `uuid`. */
int disk_check_identity(const struct disk *disk, const struct uuid *uuid, struct error *err);

#endif
