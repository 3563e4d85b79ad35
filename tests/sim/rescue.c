/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a crash: open what is left (crashing again on the way if there is depth), look at
 * everything, and count everything.
 */
#include "tests/sim/rescue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/closed.h"

/* The check of a pool that is not open reads all of it: only now and then. */
#define CLOSED_CHECK_EVERY 16

static void request_done(struct store_request *request, int result)
{
	struct rescue *rescue = container_of(request, struct rescue, request);

	rescue->is_done = true;
	rescue->result = result;
}

bool rescue_step(struct rescue *rescue)
{
	return block_queue_run(&rescue->queue) || sim_disk_step(rescue->disk);
}

void rescue_drain(struct rescue *rescue)
{
	while (rescue_step(rescue))
		;
}

static struct rescue *rescue_new(struct world *world)
{
	struct rescue *rescue = calloc(1, sizeof(*rescue));

	assert(rescue);
	rescue->world = world;
	rescue->boot = world->boot;
	rescue->request.done = request_done;
	/* A flush that failed is as bad: the disk may have lost what was only acknowledged. */
	rescue->had_power_failure = world->pool && world->pool->state == POOL_FAILED;
	block_queue_init(&rescue->queue, NULL, NULL);
	return rescue;
}

static void rescue_abandon(struct rescue *rescue)
{
	if (rescue->disk)
		world_abandon_pool(rescue->disk, &rescue->pool, &rescue->queue);
	rescue->disk = NULL;
}

/* What a crash of either kind leaves of a disk. */
static struct sim_disk *rescue_crash(struct rescue *rescue, struct sim_disk *disk,
				     struct block_queue *queue)
{
	struct random *random = &rescue->world->random;
	struct block_limits limits;

	if (random_below(random, 2))
		return sim_disk_restart(disk, queue, random);
	rescue->had_power_failure = true;
	if (!rescue->world->keeps_boot)
		rescue->boot++;
	block_describe(sim_disk_block(disk), &limits);
	return sim_disk_new(sim_disk_crash(disk, random), limits.logical_block_bytes, queue,
			    random_next(random));
}

static void rescue_begin(struct rescue *rescue, struct sim_disk *disk)
{
	const struct pool_settings settings = world_settings(rescue->boot);
	char sentence[256];

	rescue->disk = disk;
	rescue->is_done = false;
	if (rescue->world->events % CLOSED_CHECK_EVERY == 0 &&
	    !closed_pool_is_sound(disk, &rescue->queue, &settings.boot_id, sentence,
				  sizeof(sentence)))
		world_fail(rescue->world, "the check of the closed pool found: %s", sentence);
	pool_open(sim_disk_block(rescue->disk), &settings, &rescue->pool, &rescue->request);
}

/* False if this state was looked at before. */
static bool rescue_is_new(struct rescue *rescue)
{
	struct world *world = rescue->world;
	uint64_t moment = (world->serial << 32) + (world->events << 1);

	return states_add(world->states, sim_disk_hash(rescue->disk),
			  moment | rescue->had_power_failure);
}

/* Open, with crashes in the midst of it. False if there is nothing (new) to look at. */
static bool rescue_open(struct rescue *rescue, unsigned depth, bool is_repeated)
{
	struct world *world = rescue->world;

	rescue_begin(rescue, rescue_crash(rescue, world->disk, &rescue->queue));
	while (depth-- > 0) {
		uint64_t steps = random_below(&world->random, 60);
		struct sim_disk *left;

		while (steps-- > 0 && rescue_step(rescue))
			;
		left = rescue_crash(rescue, rescue->disk, &rescue->queue);
		rescue_abandon(rescue);
		rescue_begin(rescue, left);
	}
	if (!rescue_is_new(rescue) && !is_repeated)
		return false;
	rescue_drain(rescue);
	if (!rescue->is_done || rescue->result != 0) {
		world_fail(world, "opening after the crash failed: %s",
			   rescue->is_done ? rescue->request.error.text : "it hangs");
		return false;
	}
	rescue->pool->faults = world->faults;
	return true;
}

static void rescue_count(struct rescue *rescue)
{
	struct check_report report;

	rescue->is_done = false;
	pool_check(rescue->pool, &report, &rescue->request);
	rescue_drain(rescue);
	if (!rescue->is_done || rescue->result != 0)
		world_fail(rescue->world, "the check failed");
	else if (!check_is_clean(&report))
		world_fail(rescue->world, "the check found: %s", report.first.text);
}

static bool rescue_run(struct rescue *rescue, unsigned depth, bool is_repeated)
{
	if (!rescue_open(rescue, depth, is_repeated))
		return false;
	rescue_look(rescue);
	rescue_drain(rescue);
	rescue_count(rescue);
	return world_is_well(rescue->world);
}

void world_check_crash(struct world *world, unsigned depth)
{
	struct rescue *rescue = rescue_new(world);

	(void)rescue_run(rescue, depth, false); /* a failure is kept in the world */
	rescue_abandon(rescue);
	free(rescue);
}

/* The old world dies, what was rescued (and died once more) takes its place. */
static void world_replace(struct world *world, struct rescue *rescue)
{
	struct sim_disk *left = rescue_crash(rescue, rescue->disk, &world->queue);
	const struct pool_settings settings = world_settings(rescue->boot);

	rescue_abandon(rescue);
	world->is_abandoned = true;
	world_abandon_pool(world->disk, &world->pool, &world->queue);
	world->is_abandoned = false;
	world->has_maybe = false;
	world->disk = left;
	world->boot = rescue->boot;
	memcpy(world->models, rescue->models, sizeof(world->models));
	pool_open(sim_disk_block(world->disk), &settings, &world->pool, &rescue->request);
	world_drain(world);
	sim_disk_slow_down(world->disk, &world->traits.slowness);
	if (world->pool)
		world->pool->faults = world->faults;
	else
		world_fail(world, "opening again failed: %s", rescue->request.error.text);
}

void world_crash(struct world *world, unsigned depth)
{
	struct rescue *rescue = rescue_new(world);

	if (rescue_run(rescue, depth, true))
		world_replace(world, rescue);
	else
		rescue_abandon(rescue);
	free(rescue);
}
