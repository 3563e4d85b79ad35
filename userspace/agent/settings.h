/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the agent is told by its file and its flags; docs/AGENT.md explains each. */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include <limits.h>
#include <stdint.h>

#include "agent/record.h"
#include "base/error.h"
#include "base/log.h"

#define SETTINGS_NODE_MAX 64

enum settings_attachment {
	SETTINGS_ATTACHMENT_AUTO,
	SETTINGS_ATTACHMENT_USER,
	SETTINGS_ATTACHMENT_KERNEL,
};

struct settings {
	char api[RECORD_TEXT_SIZE];
	char state[PATH_MAX /
		   2]; /* absolute, without symlinks: compared with what the kernel says */
	char mounts[PATH_MAX / 2]; /* the same */
	char nodes[SETTINGS_NODE_MAX][RECORD_TEXT_SIZE];
	unsigned node_count;
	enum settings_attachment attachment;
	char initiator[RECORD_ISCSI_NAME_SIZE]; /* empty: found or made, see initiator_name.h */
	uint64_t default_size_bytes;
	char default_filesystem[RECORD_FS_SIZE];
	char attach_program[PATH_MAX];
	unsigned fail_after_s;	  /* how long I/O waits for a node that is away; 0: for ever */
	unsigned suspect_grace_s; /* how long holders of an ended run still count */
	enum log_level log_level;
};

/* As config_load; folders are made and their names resolved. */
int settings_load(struct settings *out_settings, int argc, char **argv, struct error *err);

/* 0 for "ext4" and "xfs", else -EINVAL with the list. */
int settings_check_filesystem(const char *filesystem, struct error *err);

#endif
