/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/store/store_fixture.h"

#include <string.h>

struct wait {
	struct store_request request;
	struct block_io io;
	bool is_done;
	int result;
};

static void request_done(struct store_request *request, int result)
{
	struct wait *wait = container_of(request, struct wait, request);

	wait->is_done = true;
	wait->result = result;
}

static void io_done(struct block_io *io, int result)
{
	struct wait *wait = container_of(io, struct wait, io);

	assert_false(wait->is_done);
	wait->is_done = true;
	wait->result = result;
}

void fixture_run(struct fixture *fixture)
{
	while (block_queue_run(&fixture->queue))
		;
}

static int fixture_wait(struct fixture *fixture, struct wait *wait)
{
	fixture_run(fixture);
	assert_true(wait->is_done);
	fixture->error = wait->request.error;
	return wait->result;
}

void fixture_start(struct fixture *fixture, uint64_t disk_bytes, uint32_t disk_block_bytes)
{
	const struct pool_format format = {.name = "p", .journal_bytes = MIB};
	const struct pool_settings settings = {.cache_bytes = 4 * MIB};

	memset(fixture, 0, sizeof(*fixture));
	block_queue_init(&fixture->queue, NULL, NULL);
	assert_int_equal(
		memory_disk_new(disk_bytes, disk_block_bytes, &fixture->queue, &fixture->disk), 0);
	assert_int_equal(fixture_format(fixture, &format), 0);
	assert_int_equal(fixture_open(fixture, &settings), 0);
}

static void disk_closed(void *owner)
{
}

void fixture_stop(struct fixture *fixture)
{
	struct wait wait = {.request.done = request_done};

	if (fixture->pool) {
		pool_close(fixture->pool, &wait.request);
		assert_int_equal(fixture_wait(fixture, &wait), 0);
	} else {
		block_close(fixture->disk, disk_closed, NULL);
	}
}

void fixture_reopen(struct fixture *fixture)
{
	const struct pool_settings settings = {.cache_bytes = 4 * MIB};

	pool_free(fixture->pool);
	fixture->pool = NULL;
	assert_int_equal(fixture_open(fixture, &settings), 0);
}

int fixture_format(struct fixture *fixture, const struct pool_format *format)
{
	struct wait wait = {.request.done = request_done};

	pool_format(fixture->disk, format, &wait.request);
	assert_false(wait.is_done);
	return fixture_wait(fixture, &wait);
}

int fixture_open(struct fixture *fixture, const struct pool_settings *settings)
{
	struct wait wait = {.request.done = request_done};

	pool_open(fixture->disk, settings, &fixture->pool, &wait.request);
	assert_false(wait.is_done);
	return fixture_wait(fixture, &wait);
}

int fixture_checkpoint(struct fixture *fixture)
{
	struct wait wait = {.request.done = request_done};

	pool_checkpoint(fixture->pool, &wait.request);
	return fixture_wait(fixture, &wait);
}

int fixture_grow_pool(struct fixture *fixture)
{
	struct wait wait = {.request.done = request_done};

	pool_grow(fixture->pool, &wait.request);
	return fixture_wait(fixture, &wait);
}

int fixture_create(struct fixture *fixture, const char *name, uint64_t size_bytes)
{
	struct wait wait = {.request.done = request_done};
	struct volume_spec spec = {.size_bytes = size_bytes, .created_at_s = 1};

	(void)strncpy(spec.name, name, NAME_LEN_MAX); /* names of tests are short */
	volume_create(fixture->pool, &spec, &wait.request);
	assert_false(wait.is_done);
	return fixture_wait(fixture, &wait);
}

int fixture_snapshot(struct fixture *fixture, const char *volume, const char *name)
{
	struct wait wait = {.request.done = request_done};
	struct snapshot_spec spec = {.created_at_s = 2};

	(void)strncpy(spec.volume, volume, NAME_LEN_MAX); /* names of tests are short */
	(void)strncpy(spec.name, name, NAME_LEN_MAX);
	volume_snapshot(fixture->pool, &spec, &wait.request);
	assert_false(wait.is_done);
	return fixture_wait(fixture, &wait);
}

int fixture_clone(struct fixture *fixture, const char *snapshot, const char *name)
{
	struct wait wait = {.request.done = request_done};
	struct volume_spec spec = {.created_at_s = 3};

	(void)strncpy(spec.snapshot, snapshot, NAME_LEN_MAX); /* names of tests are short */
	(void)strncpy(spec.name, name, NAME_LEN_MAX);
	volume_create(fixture->pool, &spec, &wait.request);
	return fixture_wait(fixture, &wait);
}

int fixture_revert(struct fixture *fixture, const char *volume, const char *snapshot)
{
	struct wait wait = {.request.done = request_done};

	volume_revert(fixture->pool, volume, snapshot, &wait.request);
	return fixture_wait(fixture, &wait);
}

int fixture_delete(struct fixture *fixture, const char *name)
{
	struct wait wait = {.request.done = request_done};

	volume_delete(fixture->pool, name, &wait.request);
	return fixture_wait(fixture, &wait);
}

int fixture_grow(struct fixture *fixture, const char *name, uint64_t size_bytes)
{
	struct wait wait = {.request.done = request_done};

	volume_grow(fixture->pool, name, size_bytes, &wait.request);
	return fixture_wait(fixture, &wait);
}

int fixture_mark(struct fixture *fixture, const char *name)
{
	struct wait wait = {.request.done = request_done};

	volume_mark_formatted(fixture->pool, name, &wait.request);
	return fixture_wait(fixture, &wait);
}

int fixture_io(struct fixture *fixture, struct block *block, enum block_kind kind, uint64_t offset,
	       void *data, uint64_t length)
{
	struct iovec iov = {.iov_base = data, .iov_len = length};
	struct wait wait = {.io = {.kind = kind,
				   .offset = offset,
				   .length = length,
				   .iov = &iov,
				   .iov_count = 1,
				   .done = io_done}};

	block_submit(block, &wait.io);
	assert_false(wait.is_done);
	return fixture_wait(fixture, &wait);
}

int fixture_map(struct fixture *fixture, struct block *block, struct block_io *io)
{
	struct wait wait = {.io = *io};
	int ret;

	wait.io.done = io_done;
	block_submit(block, &wait.io);
	ret = fixture_wait(fixture, &wait);
	io->length = wait.io.length;
	io->is_mapped = wait.io.is_mapped;
	return ret;
}

struct block *fixture_volume(struct fixture *fixture, const char *name)
{
	struct volume *volume = volume_find(fixture->pool, name);

	assert_non_null(volume);
	return &volume->block;
}
