/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/operation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/state.h"

static void operation_run(struct block_io *io, int result);

void operation_queue_init(struct operation_queue *queue)
{
	*queue = (struct operation_queue){0};
	list_init(&queue->waiting);
	list_init(&queue->finished);
}

static void operation_defer(struct pool *pool)
{
	struct operation_queue *queue = &pool->operations;

	if (queue->is_deferred)
		return;
	queue->is_deferred = true;
	queue->deferred.done = operation_run;
	block_queue_complete(pool->disk->queue, &queue->deferred, 0);
}

static void request_finish(struct pool *pool, struct store_request *request, int result)
{
	if (result != 0 && request->error.code == 0)
		(void)error_set(&request->error, result, "pool '%s': %s", pool->name,
				strerror(-result)); /* returns the code */
	list_append(&pool->operations.finished, &request->link);
	operation_defer(pool);
}

struct operation *operation_new(struct pool *pool, struct store_request *request,
				void (*start)(struct operation *operation))
{
	struct operation *operation = calloc(1, sizeof(*operation));

	request->error = (struct error){0};
	if (!operation) {
		request_finish(pool, request, -ENOMEM);
		return NULL;
	}
	operation->pool = pool;
	operation->request = request;
	operation->start = start;
	list_append(&pool->operations.waiting, &operation->link);
	operation_defer(pool);
	return operation;
}

void operation_end(struct operation *operation, int result)
{
	struct pool *pool = operation->pool;

	pool->operations.current = NULL;
	request_finish(pool, operation->request, result);
	free(operation->names);
	free(operation);
}

static void operation_run(struct block_io *io, int result)
{
	struct pool *pool = container_of(io, struct pool, operations.deferred);
	struct operation_queue *queue = &pool->operations;
	struct list finished;
	struct list_node *node;

	list_init(&finished);
	list_append_all(&finished, &queue->finished);
	queue->is_deferred = false;
	while ((node = list_take_first(&finished))) {
		struct store_request *request = list_entry(node, struct store_request, link);

		request->done(request, request->error.code);
	}
	if (!queue->current && (node = list_take_first(&queue->waiting))) {
		queue->current = list_entry(node, struct operation, link);
		queue->current->start(queue->current); /* a close may free the pool */
	}
}
