/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This host's iSCSI name: the one configured, else the one that open-iscsi uses (the kernel's
 * sessions bear it), else one made once and kept in the agent's folder.
 */
#ifndef AGENT_INITIATOR_NAME_H
#define AGENT_INITIATOR_NAME_H

#include <stddef.h>

#include "base/error.h"

#define INITIATOR_NAME_FILE "/etc/iscsi/initiatorname.iscsi"

/*
 * Fill `name` (of `size` bytes) unless it is filled already. `open_iscsi_file` is
 * INITIATOR_NAME_FILE, or another in tests; `folder` is where a made name is kept.
 */
int initiator_name_find(const char *open_iscsi_file, const char *folder, char *name, size_t size,
			struct error *err);

#endif
