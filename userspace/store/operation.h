/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of the administration (create, delete, grow, checkpoint, close), one after the
 * other. They begin and end in the thread's queue, never inside the caller's call.
 */
#ifndef STORE_OPERATION_H
#define STORE_OPERATION_H

#include "store/volume.h"
#include "store/waiter.h"

struct check_report;

struct operation {
	struct list_node link;
	struct pool *pool;
	struct store_request *request;
	void (*start)(struct operation *operation);
	struct waiter waiter; /* for a commit or checkpoint */
	struct volume_spec spec;
	struct snapshot_spec snapshot; /* volume_snapshot, volume_revert */
	struct volume_limits limits;
	struct pool_policy policy;
	struct volume *volume;
	struct layer *layer; /* that is new, or was the volume's before */
	bool was_formatted;  /* volume_revert */
	struct block_io io;
	bool has_checkpointed; /* pool_close */
	int result;
	struct check_report *report; /* pool_check */
	char *names;		     /* pool_preview: each in NAME_SIZE bytes; its own */
	uint32_t name_count;
	uint64_t *out_bytes;
	uint64_t cursor;
};

struct operation_queue {
	struct list waiting;
	struct list finished; /* requests whose done is still to run */
	struct operation *current;
	struct block_io deferred;
	bool is_deferred;
};

void operation_queue_init(struct operation_queue *queue);

/* Start `start` when its turn comes. NULL: no memory, and the request will say so. */
struct operation *operation_new(struct pool *pool, struct store_request *request,
				void (*start)(struct operation *operation));

/*
 * The operation is over; its memory is gone. A negative result without a sentence in the
 * request gets a plain one.
 */
void operation_end(struct operation *operation, int result);

#endif
