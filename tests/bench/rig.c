/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/file_disk.h"

static void require(int result, const char *what, const struct error *err)
{
	if (result == 0)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, err && err->code ? err->text : strerror(-result));
	exit(1);
}

static void request_done(struct store_request *request, int result)
{
	struct rig_wait *wait = container_of(request, struct rig_wait, request);

	wait->rig->result = result;
	loop_stop(wait->rig->loop);
}

static void io_done(struct block_io *io, int result)
{
	struct rig_wait *wait = container_of(io, struct rig_wait, io);

	wait->rig->result = result;
	loop_stop(wait->rig->loop);
}

struct rig_wait rig_wait_new(struct rig *rig)
{
	return (struct rig_wait){
		.rig = rig, .request.done = request_done, .io.done = io_done, .io.iov_count = 1};
}

void rig_wait_for(struct rig_wait *wait, const char *what)
{
	require(loop_run(wait->rig->loop), what, NULL);
	require(wait->rig->result, what, &wait->request.error);
}

static void rig_open(struct rig *rig)
{
	const struct pool_settings settings = {.boot_id = {{1}}};
	struct rig_wait wait = rig_wait_new(rig);

	pool_open(rig->disk, &settings, &rig->pool, &wait.request);
	rig_wait_for(&wait, "opening the pool");
}

static void rig_open_disk(struct rig *rig)
{
	struct error err = {0};

	require(file_disk_open(rig->path, &rig->queue, &rig->disk, &err), "opening the file", &err);
}

static void rig_init(struct rig *rig, const char *path)
{
	struct error err = {0};

	*rig = (struct rig){.path = path};
	require(loop_new(1024, &rig->loop, &err), "making the loop", &err);
	loop_queue_init(&rig->queue, rig->loop);
}

void rig_start_with(struct rig *rig, const char *path)
{
	rig_init(rig, path);
	rig_open_disk(rig);
	rig_open(rig);
}

void rig_start(struct rig *rig, const char *path, uint64_t bytes)
{
	const struct pool_format format = {.name = "p"};
	struct rig_wait wait = rig_wait_new(rig);
	struct error err = {0};

	rig_init(rig, path);
	require(file_disk_create(path, bytes, &err), "making the file", &err);
	rig_open_disk(rig);
	pool_format(rig->disk, &format, &wait.request);
	rig_wait_for(&wait, "formatting");
	rig_open(rig);
}

void rig_start_again(struct rig *rig, const char *path)
{
	struct error err = {0};

	*rig = (struct rig){.path = path};
	require(loop_new(1024, &rig->loop, &err), "making the loop", &err);
	loop_queue_init(&rig->queue, rig->loop);
	rig_open_disk(rig);
	rig_open(rig);
}

static void rig_close(struct rig *rig)
{
	struct rig_wait wait = rig_wait_new(rig);

	pool_close(rig->pool, &wait.request);
	rig_wait_for(&wait, "closing the pool");
}

void rig_reopen(struct rig *rig)
{
	rig_close(rig);
	rig_open_disk(rig);
	rig_open(rig);
}

static void closed(void *owner)
{
	struct rig *rig = owner;

	rig->result = 0;
}

void rig_stop(struct rig *rig)
{
	struct volume *volume = NULL;

	while ((volume = volume_next(rig->pool, volume)))
		block_close(volume_block(volume), closed, rig); /* idle: over at once */
	rig_close(rig);
	loop_free(rig->loop);
	(void)unlink(rig->path);
}

struct block *rig_volume(struct rig *rig, const char *name, uint64_t bytes)
{
	struct rig_wait wait = rig_wait_new(rig);
	struct volume_spec spec = {.size_bytes = bytes, .created_at_s = 1};

	(void)strncpy(spec.name, name, NAME_LEN_MAX); /* names here are short */
	volume_create(rig->pool, &spec, &wait.request);
	rig_wait_for(&wait, "making a volume");
	return volume_block(volume_find(rig->pool, name));
}

void rig_io(struct rig *rig, struct block *block, enum block_kind kind, uint64_t offset, void *data,
	    uint64_t length)
{
	struct rig_wait wait = rig_wait_new(rig);

	wait.iov = (struct iovec){.iov_base = data, .iov_len = length};
	wait.io.kind = kind;
	wait.io.offset = offset;
	wait.io.length = length;
	wait.io.iov = &wait.iov;
	block_submit(block, &wait.io);
	rig_wait_for(&wait, "a request");
}

uint64_t rig_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

uint64_t rig_median(uint64_t *numbers, unsigned count)
{
	qsort(numbers, count, sizeof(*numbers), compare);
	return numbers[count / 2];
}
