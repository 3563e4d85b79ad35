/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is on a device: signatures by libblkid, whether head and tail are blank, and how large
 * the file system says it is. Reads only. A read error is an error, never "nothing found": a
 * device that cannot be read looks exactly like a blank one to a careless probe.
 *
 * Runs in a child (agent/helper.h): reading may hang when the storage is gone.
 */
#ifndef AGENT_PROBE_H
#define AGENT_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PROBE_HEAD_BYTES (2u << 20)
#define PROBE_TAIL_BYTES (1u << 20)
#define PROBE_TEXT_SIZE	 64

struct probe {
	char type[PROBE_TEXT_SIZE]; /* "ext4", "xfs", "LVM2_member", "dos"; "" for nothing */
	char uuid[PROBE_TEXT_SIZE];
	bool is_blank;
	uint64_t device_bytes;
	uint64_t fs_bytes; /* ext4 and xfs: what the superblock says; else 0 */
};

/*
 * Several signatures at once ("ambivalent") count as one of type "several". -EIO and what
 * else reading fails with; -EINVAL for a device shorter than head and tail.
 */
int probe_device(const char *path, struct probe *out_probe, struct error *err);

/*
 * The size that the superblock in the first 4096 bytes of a device gives; 0 for another type or a
 * superblock that makes no sense. Pure.
 */
uint64_t probe_fs_bytes(const char *type, const uint8_t head[4096]);

#endif
