/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of a target share: the target itself and its reactors. A reactor is a loop with
 * the connections and buffers that live on it.
 *
 * Under target->lock: the list of exports, their access lists, the records of sessions. It is
 * taken for logins and by the control functions, never while a command is under way, and nothing
 * is waited for with it held. All else belongs to the reactor's thread.
 */
#ifndef TARGET_REACTOR_H
#define TARGET_REACTOR_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "iscsi/chap.h"
#include "target/buffers.h"
#include "target/call.h"
#include "target/login.h"
#include "target/peers.h"
#include "target/target.h"

struct reactor {
	struct target *target;
	struct loop *loop;
	struct list conns;
	struct list emptied; /* struct call, waiting for the last connection to go */
	struct buffers buffers;
};

struct target {
	struct target_settings settings;
	struct reactor *reactors; /* settings.loop_count; the first accepts and logs in */
	atomic_bool is_draining;

	pthread_mutex_t lock;
	struct list exports;  /* struct export */
	struct list sessions; /* struct session_record */
	unsigned session_count;
	uint16_t tsih_last;

	/* Of the first reactor's thread. */
	struct list portals; /* struct portal; append only until target_free */
	struct peers peers;
	struct chap_recent recent;
	struct login_host login_host;
};

/* Tell the owner, if it wants to know. */
void target_tell(struct target *target, const struct target_event *event);

/* The reactor of a loop; NULL if the target has none on it. */
struct reactor *target_reactor(struct target *target, const struct loop *loop);

#endif
