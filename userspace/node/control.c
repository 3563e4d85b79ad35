/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One struct carries the arguments of every request: it lives on the waiting thread's stack, is
 * posted to the reactor, and its semaphore is raised there when the request is done.
 */
#include "node/control.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>

#include "store/file_disk.h"

struct control {
	struct loop_task task;
	struct store_request request;
	void (*start)(struct control *control);
	sem_t finished;
	int result;

	struct loop_queue *queue;
	struct pool *pool;
	struct block *block;
	const char *name;
	uint64_t size_bytes;
	const struct pool_format *format;
	const struct pool_settings *settings;
	const struct volume_spec *spec;
	struct pool **out_pool;
	struct block **out_block;
	struct pool_facts *out_pool_facts;
	struct volume_facts *out_volume_facts;
	uint32_t count;
};

static void control_finish(struct control *control, int result)
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

static int control_run(struct control *control, struct loop *loop, struct error *err)
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

static void volume_create_start(struct control *control)
{
	volume_create(control->pool, control->spec, &control->request);
}

int control_volume_create(struct loop *loop, struct pool *pool, const struct volume_spec *spec,
			  struct error *err)
{
	struct control control = {.start = volume_create_start, .pool = pool, .spec = spec};

	return control_run(&control, loop, err);
}

static void volume_delete_start(struct control *control)
{
	volume_delete(control->pool, control->name, &control->request);
}

int control_volume_delete(struct loop *loop, struct pool *pool, const char *name, struct error *err)
{
	struct control control = {.start = volume_delete_start, .pool = pool, .name = name};

	return control_run(&control, loop, err);
}

static void volume_grow_start(struct control *control)
{
	volume_grow(control->pool, control->name, control->size_bytes, &control->request);
}

int control_volume_grow(struct loop *loop, struct pool *pool, const char *name, uint64_t size_bytes,
			struct error *err)
{
	struct control control = {
		.start = volume_grow_start,
		.pool = pool,
		.name = name,
		.size_bytes = size_bytes,
	};

	return control_run(&control, loop, err);
}

static void volume_mark_formatted_start(struct control *control)
{
	volume_mark_formatted(control->pool, control->name, &control->request);
}

int control_volume_mark_formatted(struct loop *loop, struct pool *pool, const char *name,
				  struct error *err)
{
	struct control control = {
		.start = volume_mark_formatted_start,
		.pool = pool,
		.name = name,
	};

	return control_run(&control, loop, err);
}

static void volume_describe_start(struct control *control)
{
	struct volume *volume = volume_find(control->pool, control->name);

	if (volume)
		volume_describe(volume, control->out_volume_facts);
	control_finish(control, volume ? 0 : -ENOENT);
}

int control_volume_describe(struct loop *loop, struct pool *pool, const char *name,
			    struct volume_facts *out_facts)
{
	struct control control = {
		.start = volume_describe_start,
		.pool = pool,
		.name = name,
		.out_volume_facts = out_facts,
	};

	return control_run(&control, loop, NULL);
}

static void volume_list_start(struct control *control)
{
	struct pool_facts pool;
	struct volume_facts *list;

	pool_describe(control->pool, &pool);
	list = calloc(pool.volume_count + 1, sizeof(*list));
	if (!list) {
		control_finish(control, -ENOMEM);
		return;
	}
	for (struct volume *volume = volume_next(control->pool, NULL); volume;
	     volume = volume_next(control->pool, volume)) {
		if (control->count < pool.volume_count)
			volume_describe(volume, &list[control->count++]);
	}
	control->out_volume_facts = list;
	control_finish(control, 0);
}

int control_volume_list(struct loop *loop, struct pool *pool, struct volume_facts **out_list,
			uint32_t *out_count)
{
	struct control control = {.start = volume_list_start, .pool = pool};
	int ret = control_run(&control, loop, NULL);

	if (ret < 0)
		return ret;
	*out_list = control.out_volume_facts;
	*out_count = control.count;
	return 0;
}

static void volume_block_start(struct control *control)
{
	struct volume *volume = volume_find(control->pool, control->name);

	if (volume)
		*control->out_block = volume_block(volume);
	control_finish(control, volume ? 0 : -ENOENT);
}

int control_volume_block(struct loop *loop, struct pool *pool, const char *name,
			 struct block **out_block)
{
	struct control control = {
		.start = volume_block_start,
		.pool = pool,
		.name = name,
		.out_block = out_block,
	};

	return control_run(&control, loop, NULL);
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
