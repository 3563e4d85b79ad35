/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pool on a real file, on a real loop; the lock; sizes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/file_disk.h"
#include "tests/unit/store/store_fixture.h"

struct bench {
	struct loop *loop;
	struct loop_queue queue;
	char folder[64];
	char path[96];
	int result;
};

static int start(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct error err;

	(void)snprintf(bench->folder, sizeof(bench->folder), "/tmp/test_file_disk.XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	(void)snprintf(bench->path, sizeof(bench->path), "%s/pool", bench->folder);
	assert_int_equal(loop_new(64, &bench->loop, &err), 0);
	loop_queue_init(&bench->queue, bench->loop);
	assert_int_equal(file_disk_create(bench->path, 96 * MIB, &err), 0);
	*state = bench;
	return 0;
}

static int stop(void **state)
{
	struct bench *bench = *state;

	loop_free(bench->loop);
	(void)unlink(bench->path);
	(void)rmdir(bench->folder);
	free(bench);
	return 0;
}

struct wait {
	struct bench *bench;
	struct store_request request;
	struct block_io io;
};

/* Nothing was in flight, so it is over when block_close returns. */
static void closed(void *owner)
{
}

static void request_done(struct store_request *request, int result)
{
	struct wait *wait = container_of(request, struct wait, request);

	wait->bench->result = result;
	loop_stop(wait->bench->loop);
}

static void io_done(struct block_io *io, int result)
{
	struct wait *wait = container_of(io, struct wait, io);

	wait->bench->result = result;
	loop_stop(wait->bench->loop);
}

static int run(struct bench *bench)
{
	bench->result = 1;
	assert_int_equal(loop_run(bench->loop), 0);
	return bench->result;
}

static int io(struct bench *bench, struct block *block, enum block_kind kind, uint64_t offset,
	      void *data, uint64_t length)
{
	struct iovec iov = {.iov_base = data, .iov_len = length};
	struct wait wait = {.bench = bench,
			    .io = {.kind = kind,
				   .offset = offset,
				   .length = length,
				   .iov = &iov,
				   .iov_count = 1,
				   .done = io_done}};

	block_submit(block, &wait.io);
	return run(bench);
}

static struct pool *open_pool(struct bench *bench)
{
	const struct pool_settings settings = {.cache_bytes = 4 * MIB};
	struct wait wait = {.bench = bench, .request.done = request_done};
	struct pool *pool = NULL;
	struct block *disk;
	struct error err;

	assert_int_equal(file_disk_open(bench->path, &bench->queue, &disk, &err), 0);
	pool_open(disk, &settings, &pool, &wait.request);
	assert_int_equal(run(bench), 0);
	return pool;
}

static void close_pool(struct bench *bench, struct pool *pool)
{
	struct wait wait = {.bench = bench, .request.done = request_done};

	pool_close(pool, &wait.request);
	assert_int_equal(run(bench), 0);
}

static void format(struct bench *bench)
{
	const struct pool_format pool_facts = {.name = "p"};
	struct wait wait = {.bench = bench, .request.done = request_done};
	struct block *disk;
	struct error err;

	assert_int_equal(file_disk_open(bench->path, &bench->queue, &disk, &err), 0);
	pool_format(disk, &pool_facts, &wait.request);
	assert_int_equal(run(bench), 0);
	pool_format(disk, &pool_facts, &wait.request);
	assert_int_equal(run(bench), -EEXIST);
	block_close(disk, closed, NULL);
}

static void a_pool_on_a_file_keeps_what_was_flushed(void **state)
{
	struct bench *bench = *state;
	struct volume_spec spec = {.name = "v", .size_bytes = 64 * MIB};
	struct wait wait = {.bench = bench, .request.done = request_done};
	static uint8_t data[300 * 512 + 1], back[300 * 512 + 1];
	struct pool *pool;
	struct block *volume;

	format(bench);
	pool = open_pool(bench);
	volume_create(pool, &spec, &wait.request);
	assert_int_equal(run(bench), 0);
	volume = volume_block(volume_find(pool, "v"));
	memset(data, 0x5a, sizeof(data));
	assert_int_equal(io(bench, volume, BLOCK_WRITE, 512 * 77, data + 1, 300 * 512), 0);
	assert_int_equal(io(bench, volume, BLOCK_FLUSH, 0, NULL, 0), 0);
	block_close(volume, closed, NULL);
	close_pool(bench, pool);

	pool = open_pool(bench);
	volume = volume_block(volume_find(pool, "v"));
	assert_int_equal(io(bench, volume, BLOCK_READ, 512 * 77, back, 300 * 512), 0);
	assert_memory_equal(back, data + 1, 300 * 512);
	block_close(volume, closed, NULL);
	close_pool(bench, pool);
}

static void two_cannot_open_one_file(void **state)
{
	struct bench *bench = *state;
	struct block *first, *second;
	struct error err;

	assert_int_equal(file_disk_open(bench->path, &bench->queue, &first, &err), 0);
	assert_int_equal(file_disk_open(bench->path, &bench->queue, &second, &err), -EBUSY);
	block_close(first, closed, NULL);
}

/* Under way on the ring when it is closed, the file could keep its lock a little longer. */
static void a_closed_file_can_be_opened_at_once(void **state)
{
	struct bench *bench = *state;

	format(bench);
	for (int i = 0; i < 50; i++)
		close_pool(bench, open_pool(bench));
}

static void a_file_grows_and_never_shrinks(void **state)
{
	struct bench *bench = *state;
	struct block_limits limits;
	struct block *disk;
	struct error err;

	assert_int_equal(file_disk_open(bench->path, &bench->queue, &disk, &err), 0);
	assert_int_equal(file_disk_extend(bench->path, 128 * MIB, &err), 0);
	block_describe(disk, &limits);
	assert_int_equal(limits.size_bytes, 128 * MIB);
	assert_int_equal(file_disk_extend(bench->path, 64 * MIB, &err), -EINVAL);
	block_close(disk, closed, NULL);
}

static void what_is_no_disk_is_refused(void **state)
{
	struct bench *bench = *state;
	struct block *disk;
	struct error err;

	assert_int_equal(file_disk_open("/dev/null", &bench->queue, &disk, &err), -EINVAL);
	assert_int_equal(file_disk_open("/nowhere/pool", &bench->queue, &disk, &err), -ENOENT);
	assert_int_equal(file_disk_create(bench->path, MIB, &err), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pool_on_a_file_keeps_what_was_flushed, start,
						stop),
		cmocka_unit_test_setup_teardown(two_cannot_open_one_file, start, stop),
		cmocka_unit_test_setup_teardown(a_closed_file_can_be_opened_at_once, start, stop),
		cmocka_unit_test_setup_teardown(a_file_grows_and_never_shrinks, start, stop),
		cmocka_unit_test_setup_teardown(what_is_no_disk_is_refused, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
