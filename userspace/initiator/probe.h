/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocking questions to a portal or a target, each within a deadline: is it there, does it let
 * us in, is it the volume that we mean. For use before the kernel (or berth-attach) logs in.
 * Names are looked up first, and the resolver's time comes on top.
 */
#ifndef INITIATOR_PROBE_H
#define INITIATOR_PROBE_H

#include "initiator/disk.h"
#include "initiator/login.h"

/*
 * Log in, ask the disk of LUN 0 who it is, log out. Errors: -EACCES (secret wrong, or not
 * allowed), -ENOENT (no such target, no such host), -ECONNREFUSED, -ECONNRESET, -ETIMEDOUT,
 * -EBUSY, -EPROTO, -EINVAL, each with a sentence. Compare out_disk->uuid by disk_check_identity.
 */
int probe_target(const struct login *login, unsigned timeout_ms, struct disk *out_disk,
		 struct error *err);

/*
 * Is there an iSCSI target behind the portal? A discovery login as login->initiator_name; a
 * refusal (the portal wants other secrets for discovery) is an answer too, and success.
 */
int probe_portal(const struct login *login, unsigned timeout_ms, struct error *err);

#endif
