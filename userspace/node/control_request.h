/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of control.h's functions. One struct carries the arguments of every request: it lives on
 * the waiting thread's stack, is posted to the reactor, and its semaphore is raised there when
 * the request is done.
 */
#ifndef NODE_CONTROL_REQUEST_H
#define NODE_CONTROL_REQUEST_H

#include <semaphore.h>

#include "node/control.h"

struct control {
	struct loop_task task;
	struct store_request request;
	void (*start)(struct control *control); /* on the reactor */
	sem_t finished;
	int result;

	struct loop_queue *queue;
	struct pool *pool;
	struct block *block;
	struct volume *volume;
	const char *name;
	const char *snapshot;
	const char *const *names;
	uint64_t size_bytes;
	const struct pool_format *format;
	const struct pool_settings *settings;
	const struct volume_spec *spec;
	const struct snapshot_spec *snapshot_spec;
	const struct limits_change *limits;
	const struct pool_policy *policy;
	struct pool **out_pool;
	struct block **out_block;
	struct pool_facts *out_pool_facts;
	struct volume_facts *out_volume_facts;
	uint64_t *out_bytes;
	uint32_t count;
};

/* Run it on the loop's thread; the result that control_finish got. */
int control_run(struct control *control, struct loop *loop, struct error *err);

/* On the reactor: it is done. The caller's stack, and `control` with it, may be gone afterwards. */
void control_finish(struct control *control, int result);

#endif
