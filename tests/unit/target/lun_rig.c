/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bench for LUNs: see lun_rig.h. loop_post is ours here: no ring, no thread. */
#include "tests/unit/target/lun_rig.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

static struct rig *current_rig;

void loop_post(struct loop *loop, struct loop_task *task)
{
	(void)loop;
	list_append(&current_rig->posts, &task->link);
}

/* --- the block --- */

static void rig_log(struct rig *bench, const struct block_io *io)
{
	bench->log[bench->log_count++ % RIG_LOG_SIZE] = (struct rig_request){
		.kind = io->kind, .fua = io->fua, .offset = io->offset, .length = io->length};
}

static void rig_submit(struct block *block, struct block_io *io)
{
	struct rig *bench = container_of(block, struct rig, block);

	rig_log(bench, io);
	list_append(&bench->pending, &io->link);
}

static void rig_describe(struct block *block, struct block_limits *out_limits)
{
	*out_limits = container_of(block, struct rig, block)->limits;
}

static void rig_close(struct block *block, void (*closed)(void *owner), void *owner)
{
	(void)block;
	closed(owner);
}

static void rig_describe_space(struct block *block, struct block_space *out_space)
{
	*out_space = container_of(block, struct rig, block)->space;
}

static void rig_set_thresholds(struct block *block, const struct block_thresholds *thresholds)
{
	container_of(block, struct rig, block)->space.current = *thresholds;
}

static const struct block_space_ops rig_space_ops = {rig_describe_space, rig_set_thresholds};

static const struct block_ops rig_ops = {rig_submit, rig_describe, rig_close};

static void io_copy(struct rig *bench, struct block_io *io)
{
	uint8_t *at = bench->bytes + io->offset;

	for (int i = 0; i < io->iov_count; i++) {
		if (io->kind == BLOCK_READ)
			memcpy(io->iov[i].iov_base, at, io->iov[i].iov_len);
		else
			memcpy(at, io->iov[i].iov_base, io->iov[i].iov_len);
		at += io->iov[i].iov_len;
	}
}

static void io_map(struct rig *bench, struct block_io *io)
{
	uint32_t unit = bench->limits.logical_block_bytes;
	uint64_t first = io->offset / unit;
	uint64_t count = 1;

	while (count < io->length / unit && bench->mapped[first + count] == bench->mapped[first])
		count++;
	io->is_mapped = bench->mapped[first];
	io->length = count * unit;
}

static int io_carry_out(struct rig *bench, struct block_io *io)
{
	uint32_t unit = bench->limits.logical_block_bytes;
	bool has_data = io->kind == BLOCK_READ || io->kind == BLOCK_WRITE;

	/* What the LUN must never ask for. */
	assert(io->offset % unit == 0 && io->length % unit == 0);
	assert(io->length <= bench->limits.size_bytes);
	assert(io->offset <= bench->limits.size_bytes - io->length);
	assert(!has_data || io->length <= bench->limits.max_io_bytes);
	assert((io->kind == BLOCK_FLUSH || io->kind == BLOCK_SAVE_THRESHOLDS) == (io->length == 0));
	if (bench->fail_error != 0 && io->kind == bench->fail_kind) {
		int error = bench->fail_error;

		bench->fail_error = 0;
		return error;
	}
	if (has_data)
		io_copy(bench, io);
	if (io->kind == BLOCK_WRITE)
		memset(bench->mapped + io->offset / unit, 1, io->length / unit);
	if (io->kind == BLOCK_UNMAP || io->kind == BLOCK_WRITE_ZEROES) {
		assert(io->length <= bench->limits.max_unmap_bytes);
		memset(bench->bytes + io->offset, 0, io->length);
		memset(bench->mapped + io->offset / unit, 0, io->length / unit);
	}
	if (io->kind == BLOCK_SAVE_THRESHOLDS)
		bench->space.saved = bench->space.current;
	if (io->kind == BLOCK_MAP)
		io_map(bench, io);
	return 0;
}

bool rig_complete_one(struct rig *bench)
{
	struct list_node *node = list_take_first(&bench->pending);
	struct block_io *io;

	if (!node)
		return false;
	io = list_entry(node, struct block_io, link);
	io->done(io, io_carry_out(bench, io));
	return true;
}

void rig_run_posts(struct rig *bench)
{
	struct list_node *node;

	while ((node = list_take_first(&bench->posts))) {
		struct loop_task *task = list_entry(node, struct loop_task, link);

		task->run(task);
	}
}

void rig_settle(struct rig *bench)
{
	do {
		rig_run_posts(bench);
	} while (rig_complete_one(bench));
}

/* --- the LUN --- */

struct block_limits rig_limits(void)
{
	return (struct block_limits){
		.size_bytes = RIG_BLOCKS_DEFAULT * UINT64_C(512),
		.logical_block_bytes = 512,
		.physical_block_bytes = 4096,
		.memory_align_bytes = 512,
		.max_io_bytes = 256U << 10,
		.max_unmap_bytes = 1U << 20,
		.unmap_granule_bytes = 64U << 10,
		.is_thin = true,
		.has_write_cache = true,
	};
}

void rig_start_with(struct rig *bench, const struct block_limits *limits)
{
	static const struct nexus_names names = {
		.initiator_port = "iqn.2026-11.dev.berth:host,i,0x800000000001",
		.target_port = "iqn.2026-11.dev.berth:node:volume,t,0x0001",
	};
	struct lun_settings settings = {
		.uuid = {{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0x4d, 0xef, 0x81, 0x23, 0x45, 0x67,
			  0x89, 0xab, 0xcd, 0xef}},
		.label = "volume",
		.target_name = "iqn.2026-11.dev.berth:node:volume",
		.block = &bench->block,
	};
	int ret;

	memset(bench, 0, sizeof(*bench));
	current_rig = bench;
	bench->limits = *limits;
	bench->block.ops = &rig_ops;
	bench->block.space = &rig_space_ops;
	bench->bytes = calloc(1, limits->size_bytes);
	bench->mapped = calloc(1, limits->size_bytes / limits->logical_block_bytes);
	list_init(&bench->pending);
	list_init(&bench->posts);
	ret = lun_new(&settings, &bench->lun);
	assert(ret == 0);
	ret = lun_nexus_new(bench->lun, &names, &bench->nexus);
	assert(ret == 0);
	ret = lun_nexus_new(bench->lun, &names, &bench->other);
	assert(ret == 0);
	(void)ret;
}

static void attention_take(struct rig *bench, struct nexus *nexus)
{
	struct rig_task *task = rig_task_new(bench, RIG_CDB(0, 0, 0, 0, 0, 0), 0);

	task->task.nexus = nexus;
	rig_prepare(task, NULL);
	assert(task->task.status == 2);
	rig_task_free(task);
}

void rig_start(struct rig *bench)
{
	struct block_limits limits = rig_limits();

	rig_start_with(bench, &limits);
	attention_take(bench, bench->nexus);
	attention_take(bench, bench->other);
}

void rig_stop(struct rig *bench)
{
	rig_settle(bench);
	assert(lun_is_idle(bench->lun));
	lun_nexus_free(bench->nexus);
	lun_nexus_free(bench->other);
	lun_free(bench->lun);
	free(bench->bytes);
	free(bench->mapped);
	current_rig = NULL;
}

/* --- tasks --- */

static void rig_task_done(struct task *task)
{
	struct rig_task *rig_task = container_of(task, struct rig_task, task);

	assert(rig_task->was_run);
	rig_task->done_count++;
}

struct rig_task *rig_task_new(struct rig *bench, const void *cdb, size_t cdb_len, uint32_t out_len)
{
	struct rig_task *task = malloc(sizeof(*task));

	assert(cdb_len <= TASK_CDB_SIZE);
	/* A slot that was used before. */
	memset(task, 0xa5, sizeof(*task));
	task->memory = NULL;
	task->done_count = 0;
	task->was_run = false;
	task->task.lun = bench->lun;
	task->task.nexus = bench->nexus;
	task->task.lun_number = 0;
	task->task.attribute = TASK_SIMPLE;
	memset(task->task.cdb, 0, TASK_CDB_SIZE);
	memcpy(task->task.cdb, cdb, cdb_len);
	task->task.data_out_offered = out_len;
	task->task.data_in_wanted = out_len == 0 ? 65536 : 0;
	task->task.data = NULL;
	task->task.done = rig_task_done;
	task->task.is_aborted = false;
	return task;
}

void rig_task_free(struct rig_task *task)
{
	free(task->memory);
	free(task);
}

bool rig_prepare(struct rig_task *rig_task, const void *out)
{
	struct task *task = &rig_task->task;
	uint32_t size;

	if (!lun_prepare(task))
		return false;
	size = MAX(task->data_out_len, task->data_in_max);
	if (size > 0) {
		/* Exactly so long: the sanitizer guards what is behind. */
		if (posix_memalign((void **)&rig_task->memory, 4096, size) != 0)
			abort();
		memset(rig_task->memory, 0xee, size);
		if (out)
			memcpy(rig_task->memory, out,
			       MIN(task->data_out_len, task->data_out_offered));
	}
	task->data = rig_task->memory;
	return true;
}

void rig_run(struct rig_task *task)
{
	lun_run(&task->task);
	assert(task->done_count == 0);
	task->was_run = true;
}

struct rig_task *rig_execute(struct rig *bench, const void *cdb, size_t cdb_len, const void *out,
			     uint32_t out_len)
{
	struct rig_task *task = rig_task_new(bench, cdb, cdb_len, out_len);

	if (!rig_prepare(task, out))
		return task;
	rig_run(task);
	rig_settle(bench);
	assert(task->done_count == 1);
	assert(task->task.data_in_len <= task->task.data_in_max);
	return task;
}

/* --- for tests --- */

struct rig rig;

int rig_setup(void **state)
{
	(void)state;
	rig_start(&rig);
	return 0;
}

int rig_teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

const struct rig_request *rig_last_request(void)
{
	assert(rig.log_count > 0);
	return &rig.log[(rig.log_count - 1) % RIG_LOG_SIZE];
}
