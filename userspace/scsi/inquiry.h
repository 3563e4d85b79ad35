/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * INQUIRY data: the standard page and the vital product data that a thin disk has (SPC-4, 6.4
 * and 7.8; SBC-3, 6.6). Every encoder writes the whole page and returns its length; what
 * the ALLOCATION LENGTH cuts off is the caller's business.
 */
#ifndef SCSI_INQUIRY_H
#define SCSI_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

#define SCSI_VENDOR_LEN 8

/* T10 VENDOR IDENTIFICATION: filled with spaces, without a NUL. */
extern const char scsi_vendor[SCSI_VENDOR_LEN];

#define INQUIRY_LEN_MAX 1024 /* room that each encoder needs */

enum vpd_page {
	VPD_SUPPORTED_PAGES = 0x00,
	VPD_UNIT_SERIAL_NUMBER = 0x80,
	VPD_DEVICE_IDENTIFICATION = 0x83,
	VPD_BLOCK_LIMITS = 0xb0,
	VPD_BLOCK_DEVICE_CHARACTERISTICS = 0xb1,
	VPD_LOGICAL_BLOCK_PROVISIONING = 0xb2,
};

/* Who the logical unit is, and through which port it is seen. */
struct vpd_names {
	struct uuid uuid;
	const char *label;	 /* may be empty; at most 64 bytes are used */
	const char *target_name; /* the iSCSI name of the target; at most 223 bytes */
	const char *target_port; /* "NAME,t,0xTPGT"; at most 251 bytes; may be empty */
};

/* In logical blocks; as in the page (SBC-3, 6.6.4). */
struct vpd_limits {
	uint8_t maximum_compare_and_write_length;
	uint16_t optimal_transfer_length_granularity;
	uint32_t maximum_transfer_length;
	uint32_t optimal_transfer_length;
	uint32_t maximum_unmap_lba_count;
	uint32_t maximum_unmap_block_descriptor_count;
	uint32_t optimal_unmap_granularity;
	uint64_t maximum_write_same_length;
};

size_t inquiry_encode_standard(uint8_t *page);

/* For a LUN that is not there (SPC-4, 6.4.2: qualifier 3, type 1Fh). */
size_t inquiry_encode_absent(uint8_t *page);

size_t vpd_encode_supported_pages(uint8_t *page);
size_t vpd_encode_serial(uint8_t *page, const struct uuid *uuid);
size_t vpd_encode_identification(uint8_t *page, const struct vpd_names *names);
size_t vpd_encode_limits(uint8_t *page, const struct vpd_limits *limits);
size_t vpd_encode_characteristics(uint8_t *page);
/* SBC-5, 6.6.7; THRESHOLD EXPONENT 0: no thresholds. */
size_t vpd_encode_provisioning(uint8_t *page, bool is_thin, uint8_t threshold_exponent);

#endif
