/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dockerd gets: the JSON bodies of answers. Pure. Each function makes a new value. An answer
 * has a non-empty "Err" exactly if the call failed.
 */
#ifndef DOCKER_REPLY_H
#define DOCKER_REPLY_H

#include <jansson.h>

#include "rpc/agent.pb-c.h"

json_t *reply_done(void);
json_t *reply_error(const char *sentence); /* an empty sentence becomes a general one */
json_t *reply_activate(void);
json_t *reply_capabilities(void);
json_t *reply_mountpoint(const char *path);

/* Get: name, where it is mounted, when it was made (RFC 3339), and the status map. */
json_t *reply_volume(const Berth__V1__HostVolume *volume);
json_t *reply_volumes(const Berth__V1__ListReply *list);

#endif
