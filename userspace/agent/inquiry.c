/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/inquiry.h"

#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "initiator/disk.h"

#define PAGE_SERIAL	    0x80 /* SPC-4, 7.8.15 */
#define PAGE_IDENTIFICATION 0x83 /* SPC-4, 7.8.6 */
#define ANSWER_BYTES	    1024
#define TIMEOUT_MS	    15000

/* INQUIRY with EVPD (SPC-4, 6.6): no unit attention is ever in its way (SPC-4, 5.14.1). */
static int page_read(int fd, uint8_t page, uint8_t answer[ANSWER_BYTES], size_t *out_len,
		     struct error *err)
{
	uint8_t cdb[6] = {0x12, 0x01, page};
	uint8_t sense[32];
	struct sg_io_hdr io = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_FROM_DEV,
		.cmdp = cdb,
		.cmd_len = sizeof(cdb),
		.dxferp = answer,
		.dxfer_len = ANSWER_BYTES,
		.sbp = sense,
		.mx_sb_len = sizeof(sense),
		.timeout = TIMEOUT_MS,
	};

	put_be16(cdb + 3, ANSWER_BYTES);
	if (ioctl(fd, SG_IO, &io) < 0)
		return error_set(err, -errno, "the disk cannot be asked who it is: %s",
				 strerror(errno));
	if ((io.info & SG_INFO_OK_MASK) != SG_INFO_OK || io.resid < 0 || io.resid > ANSWER_BYTES)
		return error_set(err, -EIO,
				 "the disk does not say who it is (page %02xh, status %02xh, host "
				 "%02xh)",
				 page, io.status, io.host_status);
	*out_len = ANSWER_BYTES - (size_t)io.resid;
	return 0;
}

int inquiry_identify(const char *device, const char *uuid_text, struct error *err)
{
	CLEANUP_CLOSE int fd = open(device, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint8_t answer[ANSWER_BYTES];
	struct disk disk = {0};
	struct uuid uuid;
	size_t len = 0;
	int ret;

	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", device, strerror(errno));
	if (uuid_parse(uuid_text, &uuid) < 0)
		return error_set(err, -EINVAL, "'%s' is no UUID", uuid_text);
	ret = page_read(fd, PAGE_SERIAL, answer, &len, err);
	if (ret == 0)
		ret = disk_take_serial(&disk, answer, len, err);
	if (ret == 0)
		ret = page_read(fd, PAGE_IDENTIFICATION, answer, &len, err);
	if (ret == 0)
		ret = disk_take_identification(&disk, answer, len, err);
	if (ret == 0)
		ret = disk_check_identity(&disk, &uuid, err);
	return ret;
}
