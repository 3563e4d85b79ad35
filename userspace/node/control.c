/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/control.h"

#include <errno.h>

#include "node/control_request.h"
#include "store/file_disk.h"

void control_finish(struct control *control, int result)
{
	control->result = result;
	sem_post(&control->finished);
}

static void control_request_done(struct store_request *request, int result)
{
	control_finish(container_of(request, struct control, request), result);
}

static void control_task_run(struct loop_task *task)
{
	struct control *control = container_of(task, struct control, task);

	control->start(control);
}

int control_run(struct control *control, struct loop *loop, struct error *err)
{
	control->task.run = control_task_run;
	control->request.done = control_request_done;
	sem_init(&control->finished, 0, 0);
	loop_post(loop, &control->task);
	while (sem_wait(&control->finished) < 0)
		; /* a signal; the request goes on */
	sem_destroy(&control->finished);
	if (control->result < 0 && err)
		*err = control->request.error;
	return control->result;
}

static void disk_open_start(struct control *control)
{
	control_finish(control, file_disk_open(control->name, control->queue, control->out_block,
					       &control->request.error));
}

int control_disk_open(struct reactor *reactor, const char *path, struct block **out_disk,
		      struct error *err)
{
	struct control control = {
		.start = disk_open_start,
		.name = path,
		.queue = &reactor->queue,
		.out_block = out_disk,
	};

	return control_run(&control, reactor->loop, err);
}

static void pool_format_start(struct control *control)
{
	pool_format(control->block, control->format, &control->request);
}

int control_pool_format(struct loop *loop, struct block *disk, const struct pool_format *format,
			struct error *err)
{
	struct control control = {.start = pool_format_start, .block = disk, .format = format};

	return control_run(&control, loop, err);
}

static void pool_open_start(struct control *control)
{
	pool_open(control->block, control->settings, control->out_pool, &control->request);
}

int control_pool_open(struct loop *loop, struct block *disk, const struct pool_settings *settings,
		      struct pool **out_pool, struct error *err)
{
	struct control control = {
		.start = pool_open_start,
		.block = disk,
		.settings = settings,
		.out_pool = out_pool,
	};

	return control_run(&control, loop, err);
}

static void pool_close_start(struct control *control)
{
	pool_close(control->pool, &control->request);
}

int control_pool_close(struct loop *loop, struct pool *pool, struct error *err)
{
	struct control control = {.start = pool_close_start, .pool = pool};

	return control_run(&control, loop, err);
}

static void pool_grow_start(struct control *control)
{
	pool_grow(control->pool, &control->request);
}

int control_pool_grow(struct loop *loop, struct pool *pool, struct error *err)
{
	struct control control = {.start = pool_grow_start, .pool = pool};

	return control_run(&control, loop, err);
}

static void pool_rename_start(struct control *control)
{
	pool_rename(control->pool, control->name, &control->request);
}

int control_pool_rename(struct loop *loop, struct pool *pool, const char *name, struct error *err)
{
	struct control control = {.start = pool_rename_start, .pool = pool, .name = name};

	return control_run(&control, loop, err);
}

static void pool_policy_start(struct control *control)
{
	pool_set_policy(control->pool, control->policy, &control->request);
}

int control_pool_set_policy(struct loop *loop, struct pool *pool, const struct pool_policy *policy,
			    struct error *err)
{
	struct control control = {.start = pool_policy_start, .pool = pool, .policy = policy};

	return control_run(&control, loop, err);
}

static void pool_preview_start(struct control *control)
{
	pool_preview(control->pool, control->names, control->count, control->out_bytes,
		     &control->request);
}

int control_pool_preview(struct loop *loop, struct pool *pool, const char *const *names,
			 unsigned count, uint64_t *out_bytes, struct error *err)
{
	struct control control = {
		.start = pool_preview_start,
		.pool = pool,
		.names = names,
		.count = count,
		.out_bytes = out_bytes,
	};

	return control_run(&control, loop, err);
}

static void pool_describe_start(struct control *control)
{
	pool_describe(control->pool, control->out_pool_facts);
	control_finish(control, 0);
}

void control_pool_describe(struct loop *loop, struct pool *pool, struct pool_facts *out_facts)
{
	struct control control = {
		.start = pool_describe_start,
		.pool = pool,
		.out_pool_facts = out_facts,
	};

	(void)control_run(&control, loop, NULL); /* cannot fail */
}

static void block_closed(void *owner)
{
	control_finish(owner, 0);
}

static void block_close_start(struct control *control)
{
	block_close(control->block, block_closed, control);
}

void control_block_close(struct loop *loop, struct block *block)
{
	struct control control = {.start = block_close_start, .block = block};

	(void)control_run(&control, loop, NULL); /* cannot fail */
}
