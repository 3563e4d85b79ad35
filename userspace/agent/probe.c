/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only file that knows libblkid. */
#include "agent/probe.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"

#define READ_SIZE	  (256u << 10)
#define EXT_SUPERBLOCK	  1024
#define EXT_MAGIC	  0xef53
#define EXT_FEATURE_64BIT 0x80
#define BLOCK_LOG_MAX	  16

static uint64_t ext_fs_bytes(const uint8_t *superblock)
{
	uint64_t blocks = get_le32(superblock + 4);
	uint32_t block_log = get_le32(superblock + 24);

	if (get_le16(superblock + 56) != EXT_MAGIC || block_log > 6)
		return 0;
	if (get_le32(superblock + 96) & EXT_FEATURE_64BIT)
		blocks |= (uint64_t)get_le32(superblock + 336) << 32;
	if (blocks > INT64_MAX >> BLOCK_LOG_MAX)
		return 0;
	return blocks << (10 + block_log);
}

static uint64_t xfs_fs_bytes(const uint8_t *superblock)
{
	uint32_t block_bytes = get_be32(superblock + 4);
	uint64_t blocks = get_be64(superblock + 8);

	if (memcmp(superblock, "XFSB", 4) != 0 || block_bytes > 1u << BLOCK_LOG_MAX ||
	    blocks > INT64_MAX >> BLOCK_LOG_MAX)
		return 0;
	return blocks * block_bytes;
}

uint64_t probe_fs_bytes(const char *type, const uint8_t head[4096])
{
	if (strcmp(type, "ext4") == 0)
		return ext_fs_bytes(head + EXT_SUPERBLOCK);
	if (strcmp(type, "xfs") == 0)
		return xfs_fs_bytes(head);
	return 0;
}

static int read_whole(int fd, uint8_t *buf, size_t len, uint64_t offset, struct error *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t got = pread(fd, buf + done, len - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(err, -errno, "cannot read the device: %s",
					 strerror(errno));
		if (got == 0)
			return error_set(err, -EIO,
					 "the device ends at byte %" PRIu64 ", too early",
					 offset + done);
		done += (size_t)got;
	}
	return 0;
}

static bool is_zero(const uint8_t *buf, size_t len)
{
	return buf[0] == 0 && memcmp(buf, buf + 1, len - 1) == 0;
}

/* Clears *io_blank when a byte is not zero. */
static int blank_check(int fd, uint64_t start, uint64_t len, bool *io_blank, struct error *err)
{
	CLEANUP_FREE uint8_t *buf = malloc(READ_SIZE);

	if (!buf)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint64_t offset = start; offset < start + len; offset += READ_SIZE) {
		int ret = read_whole(fd, buf, READ_SIZE, offset, err);

		if (ret < 0)
			return ret;
		if (!is_zero(buf, READ_SIZE))
			*io_blank = false;
	}
	return 0;
}

static void value_take(blkid_probe blkid, const char *key, char *out_text)
{
	const char *value;

	if (blkid_probe_lookup_value(blkid, key, &value, NULL) == 0)
		(void)snprintf(out_text, PROBE_TEXT_SIZE, "%s", value);
}

/* File systems, RAID and LVM members, LUKS, and partition tables: anything known counts. */
static int signatures_find(int fd, struct probe *probe, struct error *err)
{
	blkid_probe blkid = blkid_new_probe();
	int ret;

	if (!blkid || blkid_probe_set_device(blkid, fd, 0, 0) != 0 ||
	    blkid_probe_enable_superblocks(blkid, 1) != 0 ||
	    blkid_probe_set_superblocks_flags(blkid, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID) != 0 ||
	    blkid_probe_enable_partitions(blkid, 1) != 0) {
		blkid_free_probe(blkid);
		return error_set(err, -EIO, "libblkid cannot look at the device");
	}
	errno = 0;
	ret = blkid_do_safeprobe(blkid);
	if (ret == -2) {
		(void)snprintf(probe->type, sizeof(probe->type), "several");
		ret = 0;
	} else if (ret == 0) {
		value_take(blkid, "TYPE", probe->type);
		value_take(blkid, "UUID", probe->uuid);
		if (*probe->type == '\0')
			value_take(blkid, "PTTYPE", probe->type);
	} else if (ret < 0) {
		ret = error_set(err, errno ? -errno : -EIO, "libblkid cannot read the device: %s",
				strerror(errno ? errno : EIO));
	} else {
		ret = 0; /* 1: nothing found */
	}
	blkid_free_probe(blkid);
	return ret;
}

int probe_device(const char *path, struct probe *out_probe, struct error *err)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct probe probe = {.is_blank = true};
	uint8_t head[4096];
	off_t end;
	int ret;

	if (fd < 0)
		return error_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	end = lseek(fd, 0, SEEK_END);
	if (end < (off_t)(PROBE_HEAD_BYTES + PROBE_TAIL_BYTES))
		return error_set(err, -EINVAL, "'%s' is too small for a file system", path);
	probe.device_bytes = (uint64_t)end;
	/* What an earlier look left in the page cache is not what the device holds now. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* only advice */
	ret = signatures_find(fd, &probe, err);
	if (ret == 0)
		ret = blank_check(fd, 0, PROBE_HEAD_BYTES, &probe.is_blank, err);
	if (ret == 0)
		ret = blank_check(fd, probe.device_bytes - PROBE_TAIL_BYTES, PROBE_TAIL_BYTES,
				  &probe.is_blank, err);
	if (ret == 0)
		ret = read_whole(fd, head, sizeof(head), 0, err);
	if (ret < 0)
		return ret;
	probe.fs_bytes = probe_fs_bytes(probe.type, head);
	*out_probe = probe;
	return 0;
}
