/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a world, letting it run, and breaking it off. */
#include "tests/sim/world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

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

bool world_step(struct world *world)
{
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

void world_slow_down(struct world *world)
{
	const struct sim_slowness slow = {
		.reads = world->seed % 5 == 1,
		.writes_below = world->seed % 5 == 2 ? ZONE_SLOT_EXTENTS * STORE_EXTENT_BYTES : 0,
	};

	sim_disk_slow_down(world->disk, &slow);
}

struct wait {
	struct store_request request;
	int result;
};

static void wait_done(struct store_request *request, int result)
{
	container_of(request, struct wait, request)->result = result;
}

struct world *world_new(uint64_t seed, const struct pool_faults *faults)
{
	const struct pool_format format = {.name = "p", .journal_bytes = 256 * KIB};
	const struct pool_settings settings = world_settings(1);
	struct wait wait = {.request.done = wait_done, .result = 1};
	struct world *world = calloc(1, sizeof(*world));

	world->seed = seed;
	world->boot = 1;
	world->random.state = seed;
	block_queue_init(&world->queue, NULL, NULL);
	oracle_use_spread(seed % 3 == 0);
	world->disk = sim_disk_new(sim_image_new(WORLD_BYTES), seed % 4 == 0 ? 4096 : 512,
				   &world->queue, seed);
	if (faults)
		world->faults = *faults;
	pool_format(sim_disk_block(world->disk), &format, &wait.request);
	world_drain(world);
	if (wait.result == 0)
		pool_open(sim_disk_block(world->disk), &settings, &world->pool, &wait.request);
	world_drain(world);
	if (wait.result != 0) {
		world_fail(world, "could not begin: %s", wait.request.error.text);
		return world;
	}
	world->pool->faults = world->faults;
	world_slow_down(world);
	(void)world_start(world, OP_CREATE); /* nothing is in its way */
	world_drain(world);
	return world;
}

void world_free(struct world *world)
{
	const struct sim_faults dead = {.fail_at = 1, .fail_result = -EIO, .fails_on = true};
	struct wait wait = {.request.done = wait_done};

	world->is_abandoned = true;
	sim_disk_set_faults(world->disk, &dead);
	world_drain(world);
	if (world->pool) {
		pool_close(world->pool, &wait.request);
		world->pool = NULL;
		world_drain(world);
	}
	sim_disk_free(world->disk);
	free(world);
}

void world_act(struct world *world)
{
	static const enum op_kind kinds[] = {
		OP_WRITE, OP_WRITE, OP_WRITE,  OP_WRITE,    OP_WRITE, OP_WRITE,	     OP_WRITE_FUA,
		OP_UNMAP, OP_UNMAP, OP_FLUSH,  OP_FLUSH,    OP_FLUSH, OP_UNMAP_FUA,  OP_READ,
		OP_RACE,  OP_RACE,  OP_CREATE, OP_CREATE,   OP_MARK,  OP_CHECKPOINT, OP_GROW,
		OP_WRITE, OP_WRITE, OP_DELETE, OP_UNMAP_ALL};

	if (random_below(&world->random, 5) < 2 &&
	    world_start(world, kinds[random_below(&world->random, ARRAY_SIZE(kinds))]))
		return;
	(void)world_step(world); /* where nothing is to do, the next act starts something */
}
