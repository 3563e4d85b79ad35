/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The standard INQUIRY data (SPC-4, 6.4.2). */
#include "scsi/inquiry.h"

#include <string.h>

#include "base/bytes.h"
#include "base/compiler.h"

#define STANDARD_LEN 96

#define VERSION_SPC_4 0x06
#define FORMAT_SPC    0x02
#define CMDQUE	      0x02

const char scsi_vendor[SCSI_VENDOR_LEN] = "BERTH   ";
static const char product[16] = "Thin Volume     ";
static const char revision[4] = "0001";

/* Version descriptors without claim to a revision of the standard (SPC-4, table 143). */
static const uint16_t standards[] = {
	0x00a0, /* SAM-5 */
	0x0960, /* iSCSI */
	0x0460, /* SPC-4 */
	0x04c0, /* SBC-3 */
};

size_t inquiry_encode_standard(uint8_t *page)
{
	memset(page, 0, STANDARD_LEN);
	page[2] = VERSION_SPC_4;
	page[3] = FORMAT_SPC;
	page[4] = STANDARD_LEN - 5;
	page[7] = CMDQUE;
	memcpy(page + 8, scsi_vendor, sizeof(scsi_vendor));
	memcpy(page + 16, product, sizeof(product));
	memcpy(page + 32, revision, sizeof(revision));
	for (size_t i = 0; i < ARRAY_SIZE(standards); i++)
		put_be16(page + 58 + 2 * i, standards[i]);
	return STANDARD_LEN;
}

size_t inquiry_encode_absent(uint8_t *page)
{
	size_t len = inquiry_encode_standard(page);

	page[0] = 0x7f;
	return len;
}
