/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a world, letting it run, and breaking it off. */
#include "tests/sim/world.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "store/volume_state.h"

#define JOURNAL_BYTES	   (256 * KIB)
#define TIGHT_FREE_EXTENTS 20

void world_fail(struct world *world, const char *format, ...)
{
	va_list args;

	if (world->failure[0])
		return;
	va_start(args, format);
	(void)vsnprintf(world->failure, sizeof(world->failure), format, args); /* may be cut */
	va_end(args);
}

bool world_is_well(const struct world *world)
{
	return world->failure[0] == 0;
}

const char *world_name(uint32_t node)
{
	static const char names[WORLD_NODES][2] = {"a", "b", "c", "d", "e", "f", "g"};

	return names[node];
}

bool world_step(struct world *world)
{
	world->events++;
	/* Extents and slots that were freed are wanted again at once: reuse is what is tested. */
	if (world->pool) {
		world->pool->space.cursor = 0;
		world->pool->slots.cursor = 0;
	}
	return block_queue_run(&world->queue) || sim_disk_step(world->disk);
}

void world_drain(struct world *world)
{
	while (world_step(world))
		;
}

struct pool_settings world_settings(uint64_t boot)
{
	struct pool_settings settings = {.cache_bytes = 1};

	put_le64(settings.boot_id.bytes, boot);
	return settings;
}

struct wait {
	struct store_request request;
	struct block_io io;
	int result;
};

static void wait_done(struct store_request *request, int result)
{
	container_of(request, struct wait, request)->result = result;
}

static void wait_io_done(struct block_io *io, int result)
{
	container_of(io, struct wait, io)->result = result;
}

static void disk_drain(struct sim_disk *disk, struct block_queue *queue)
{
	while (block_queue_run(queue) || sim_disk_step(disk))
		;
}

/* A volume z that leaves no more than a few extents to the others. */
static void pool_fill(struct pool *pool, struct sim_disk *disk, struct wait *wait)
{
	static uint8_t zeros[STORE_BLOCK_BYTES];
	struct iovec iov = {.iov_base = zeros, .iov_len = sizeof(zeros)};
	const struct volume_spec spec = {.name = "z", .size_bytes = WORLD_BYTES};

	volume_create(pool, &spec, &wait->request);
	disk_drain(disk, pool->disk->queue);
	for (uint64_t at = 0; pool->space.free_count > TIGHT_FREE_EXTENTS;
	     at += STORE_EXTENT_BYTES) {
		wait->io = (struct block_io){.kind = BLOCK_WRITE,
					     .offset = at,
					     .length = sizeof(zeros),
					     .iov = &iov,
					     .iov_count = 1,
					     .done = wait_io_done};
		block_submit(&volume_find(pool, "z")->block, &wait->io);
		disk_drain(disk, pool->disk->queue);
		assert(wait->result == 0);
	}
}

/* Formatted once, then copied: making a world must cost little. */
static struct sim_image *formatted_image(bool is_tight)
{
	static struct sim_image *images[2];
	const struct pool_format format = {.name = "p", .journal_bytes = JOURNAL_BYTES};
	const struct pool_settings settings = world_settings(1);
	struct wait wait = {.request.done = wait_done, .result = 1};
	struct pool *pool = NULL;
	struct block_queue queue;
	struct sim_disk *disk;

	if (images[is_tight])
		return sim_image_copy(images[is_tight]);
	block_queue_init(&queue, NULL, NULL);
	disk = sim_disk_new(sim_image_new(WORLD_BYTES), 512, &queue, 1);
	pool_format(sim_disk_block(disk), &format, &wait.request);
	disk_drain(disk, &queue);
	pool_open(sim_disk_block(disk), &settings, &pool, &wait.request);
	disk_drain(disk, &queue);
	assert(pool);
	if (is_tight)
		pool_fill(pool, disk, &wait);
	wait.result = 1;
	pool_close(pool, &wait.request);
	disk_drain(disk, &queue);
	assert(wait.result == 0);
	images[is_tight] = sim_disk_crash(disk, &(struct random){.state = 1});
	sim_disk_free(disk);
	return sim_image_copy(images[is_tight]);
}

static struct world_traits traits_of(uint64_t seed)
{
	struct world_traits traits = {
		.shape = seed % 3 == 0 ? SHAPE_SPREAD : SHAPE_DENSE,
		.logical_block_bytes = seed % 4 == 0 ? 4096 : 512,
		.is_tight = seed % 7 == 3,
		.slowness.reads = seed % 5 == 1,
	};

	if (seed % 16 == 5)
		traits.shape = SHAPE_WIDE;
	if (seed % 5 == 2)
		traits.slowness.writes_below = ZONE_SLOT_EXTENTS * STORE_EXTENT_BYTES;
	if (seed % 5 == 3) /* the journal, too */
		traits.slowness.writes_below =
			ZONE_SLOT_EXTENTS * STORE_EXTENT_BYTES + JOURNAL_BYTES;
	return traits;
}

struct world *world_new(uint64_t seed, const struct pool_faults *faults, struct states *states)
{
	const struct pool_settings settings = world_settings(1);
	struct wait wait = {.request.done = wait_done, .result = 1};
	struct world *world = calloc(1, sizeof(*world));

	assert(world);
	world->seed = seed;
	world->traits = traits_of(seed);
	world->states = states;
	world->serial = ++states->worlds;
	world->boot = 1;
	world->random.state = seed;
	world->disk_bytes = WORLD_BYTES;
	block_queue_init(&world->queue, NULL, NULL);
	oracle_use(world->traits.shape);
	world->disk = sim_disk_new(formatted_image(world->traits.is_tight),
				   world->traits.logical_block_bytes, &world->queue, seed);
	if (faults)
		world->faults = *faults;
	pool_open(sim_disk_block(world->disk), &settings, &world->pool, &wait.request);
	world_drain(world);
	if (wait.result != 0) {
		world_fail(world, "could not begin: %s", wait.request.error.text);
		return world;
	}
	world->pool->faults = world->faults;
	sim_disk_slow_down(world->disk, &world->traits.slowness);
	(void)world_start(world, OP_CREATE); /* nothing is in its way */
	world_drain(world);
	return world;
}

void world_abandon_pool(struct sim_disk *disk, struct pool **pool, struct block_queue *queue)
{
	const struct sim_faults dead = {.fail_at = 1, .fail_result = -EIO, .fails_on = true};
	struct wait wait = {.request.done = wait_done};

	sim_disk_set_faults(disk, &dead);
	disk_drain(disk, queue);
	if (*pool) {
		pool_close(*pool, &wait.request);
		*pool = NULL;
		disk_drain(disk, queue);
	}
	sim_disk_free(disk);
}

void world_free(struct world *world)
{
	world->is_abandoned = true;
	world_abandon_pool(world->disk, &world->pool, &world->queue);
	free(world);
}
