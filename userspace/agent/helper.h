/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's hands: everything that opens a device or mounts may hang in the kernel when the
 * storage is gone, and a thread that hangs there can neither be ended nor waited for. So the
 * agent runs itself anew as `berth-agent --helper VERB ARGUMENT...`, with a deadline. The
 * exit status is an errno, the last line of stderr the sentence.
 *
 * helper_main is the child's side; the other functions are called by the agent, on any thread.
 * They return what the child's function of the same purpose says (loopdev.h, mounts.h, probe.h),
 * or -ETIMEDOUT when it hangs.
 */
#ifndef AGENT_HELPER_H
#define AGENT_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/loopdev.h"
#include "agent/mapper.h"
#include "agent/probe.h"
#include "base/error.h"

#define HELPER_FLAG "--helper"

/* Run one verb; `arguments` begin with it. Returns the exit status. */
int helper_main(int argument_count, char **arguments);

int helper_probe(const char *device, int64_t deadline_ms, struct probe *out_probe,
		 struct error *err);

/* 0 if nobody has the device open exclusively (what it holds was written out); else -EBUSY. */
int helper_exclusive(const char *device, int64_t deadline_ms, struct error *err);

int helper_mount(const char *const device_folder_type_options[4], int64_t deadline_ms,
		 struct error *err);
int helper_unmount(const char *folder, int64_t deadline_ms, struct error *err);

/*
 * Make a fresh root folder ready: take away an empty lost+found (rmdir only; e2fsck makes it again
 * when it needs one), then set owner ("uid:gid", "" for none) and mode (octal), durably.
 */
int helper_prepare_root(const char *folder, const char *owner, const char *mode,
			int64_t deadline_ms, struct error *err);

int helper_loop_attach(const char *file, unsigned block_bytes, int64_t deadline_ms,
		       char out_device[LOOPDEV_NAME_SIZE], struct error *err);
int helper_loop_detach(const char *device, const char *file, int64_t deadline_ms,
		       struct error *err);
int helper_loop_resize(const char *device, int64_t deadline_ms, struct error *err);

/* Ask the SCSI disk itself (INQUIRY, VPD pages 80h and 83h) whether it is that volume; -ESTALE. */
int helper_identify(const char *disk, const char *uuid, int64_t deadline_ms, struct error *err);

int helper_sysfs_write(const char *path, const char *text, int64_t deadline_ms, struct error *err);

int helper_map_find(const char *name, const char *uuid, int64_t deadline_ms,
		    struct mapper_state *out_state, struct error *err);
/* VERB is "map-create" or "map-resize". */
int helper_map_set(const char *verb, const char *const name_uuid_disk[3], int64_t deadline_ms,
		   struct error *err);
int helper_map_remove(const char *name, const char *uuid, int64_t deadline_ms, struct error *err);

#endif
