/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests in flight, one at most a block, while the background is at work. */
#include <string.h>

#include "tests/unit/store/tree_rig.h"

struct disturbance {
	struct block_io io;
	struct iovec iov;
	struct tree_rig *rig;
	struct tree_name *name;
	unsigned block;
	bool is_busy;
	uint8_t data[4096];
};

static void disturbance_done(struct block_io *io, int result)
{
	struct disturbance *own = container_of(io, struct disturbance, io);

	assert_int_equal(result, 0);
	own->is_busy = false;
	if (io->kind == BLOCK_READ && own->data[511] != own->name->blocks[own->block])
		fail_msg("%s block %u: expected %u, seen %u", own->name->name, own->block,
			 own->name->blocks[own->block], own->data[511]);
}

/* One block, whose own requests never meet. */
static void disturbance_start(struct disturbance *own)
{
	static const enum block_kind kinds[] = {BLOCK_READ, BLOCK_READ, BLOCK_WRITE, BLOCK_WRITE,
						BLOCK_UNMAP};
	struct random *random = &own->rig->random;

	own->io = (struct block_io){
		.kind = kinds[random_below(random, ARRAY_SIZE(kinds))],
		.offset = tree_rig_offset(own->block),
		.length = 4096,
		.iov = &own->iov,
		.iov_count = 1,
		.done = disturbance_done,
	};
	own->iov = (struct iovec){.iov_base = own->data, .iov_len = 4096};
	own->is_busy = true;
	if (own->io.kind != BLOCK_READ)
		own->name->blocks[own->block] =
			own->io.kind == BLOCK_WRITE ? (uint8_t)(1 + random_below(random, 255)) : 0;
	memset(own->data, own->name->blocks[own->block], sizeof(own->data));
	if (own->io.kind == BLOCK_READ)
		memset(own->data, 0xee, sizeof(own->data));
	block_submit(fixture_volume(&own->rig->fixture, own->name->name), &own->io);
}

struct saving {
	struct store_request request;
	struct block_io flush;
	bool is_busy;
};

static void checkpoint_done(struct store_request *request, int result)
{
	assert_int_equal(result, 0);
	container_of(request, struct saving, request)->is_busy = false;
}

static void flush_done(struct block_io *io, int result)
{
	assert_int_equal(result, 0);
	container_of(io, struct saving, flush)->is_busy = false;
}

static void disturbances_end(struct tree_rig *rig, struct saving *saving)
{
	struct volume *any = volume_next(rig->fixture.pool, NULL);

	while (saving->is_busy || slots_used(&rig->fixture.pool->tasks) > 0)
		(void)block_queue_run(&rig->fixture.queue);
	saving->flush = (struct block_io){.kind = BLOCK_FLUSH, .done = flush_done};
	saving->is_busy = true;
	block_submit(&any->block, &saving->flush);
	while (saving->is_busy)
		(void)block_queue_run(&rig->fixture.queue);
}

bool tree_rig_disturb(struct tree_rig *rig, int volume, unsigned turns, bool checkpoints)
{
	static struct disturbance all[TREE_BLOCKS];
	static struct saving saving;

	saving = (struct saving){.request.done = checkpoint_done};
	for (unsigned i = 0; i < TREE_BLOCKS; i++)
		all[i] = (struct disturbance){.rig = rig, .name = &rig->names[volume], .block = i};
	while (rig->fixture.pool->background.layer && turns > 0) {
		struct disturbance *own = &all[random_below(&rig->random, TREE_BLOCKS)];

		if (!own->is_busy)
			disturbance_start(own);
		if (checkpoints && !saving.is_busy && random_below(&rig->random, 8) == 0) {
			saving.is_busy = true;
			pool_checkpoint(rig->fixture.pool, &saving.request);
		}
		if (random_below(&rig->random, 3) == 0) {
			(void)block_queue_run(&rig->fixture.queue);
			turns--;
		}
	}
	disturbances_end(rig, &saving);
	return !rig->fixture.pool->background.layer;
}
