/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls to storage nodes. Each call is a connection of its own: they are rare, and so a node
 * that hangs holds up nobody else. Replies are freed with protobuf_c_message_free_unpacked.
 * Any thread.
 */
#ifndef AGENT_NODES_H
#define AGENT_NODES_H

#include <stdint.h>

#include "agent/settings.h"
#include "base/error.h"
#include "rpc/node.pb-c.h"

int nodes_get_volume(const char *node, const char *name, int64_t deadline_ms,
		     Berth__V1__Volume **out_volume, struct error *err);
int nodes_create_volume(const char *node, const Berth__V1__CreateVolumeRequest *request,
			int64_t deadline_ms, Berth__V1__Volume **out_volume, struct error *err);
int nodes_grow_volume(const char *node, const char *name, uint64_t size_bytes, int64_t deadline_ms,
		      Berth__V1__Volume **out_volume, struct error *err);
int nodes_delete_volume(const char *node, const char *name, int64_t deadline_ms, struct error *err);
int nodes_mark_formatted(const char *node, const char *name, int64_t deadline_ms,
			 struct error *err);
int nodes_publish(const char *node, const char *name, const char *initiator, int64_t deadline_ms,
		  Berth__V1__Publication **out_publication, struct error *err);
int nodes_unpublish(const char *node, const char *name, const char *initiator, int64_t deadline_ms,
		    struct error *err);

/*
 * Ask all configured nodes for a volume, until one has it. -ENOENT only when every one has
 * answered that it does not; what the one that could not be asked said (-ECONNREFUSED, ...)
 * otherwise. `out_node` is an address of `settings`.
 */
int nodes_find_volume(const struct settings *settings, const char *name, int64_t deadline_ms,
		      const char **out_node, Berth__V1__Volume **out_volume, struct error *err);

/*
 * The node for a new volume: whose pool of that name ("": any pool that can be written) has
 * the most free space. With one node configured it is that one, unasked.
 */
int nodes_choose(const struct settings *settings, const char *pool, int64_t deadline_ms,
		 const char **out_node, struct error *err);

#endif
