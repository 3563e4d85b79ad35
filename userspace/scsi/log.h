/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log pages (SPC-4, 7.3): the list of them, and logical block provisioning (SBC-5, 6.4.5). Every
 * encoder returns the length; LOG_LEN_MAX bytes are enough for each.
 */
#ifndef SCSI_LOG_H
#define SCSI_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LEN_MAX 32

enum log_page {
	LOG_SUPPORTED_PAGES = 0x00,
	LOG_LOGICAL_BLOCK_PROVISIONING = 0x0c,
};

/* Parameter codes of the logical block provisioning page. */
enum log_provisioning_code {
	LOG_AVAILABLE_COUNT = 0x0001,
	LOG_USED_COUNT = 0x0002,
};

/* RESOURCE COUNTs, in threshold sets. */
struct log_provisioning {
	uint32_t available; /* shared with other logical units */
	uint32_t used;	    /* by this logical unit */
};

/* The pages there are: that of provisioning only if the device has thresholds. */
size_t log_encode_supported(uint8_t *out, bool has_provisioning);

/* From parameter code `first_code` on. */
size_t log_encode_provisioning(uint8_t *out, uint16_t first_code,
			       const struct log_provisioning *counts);

#endif
