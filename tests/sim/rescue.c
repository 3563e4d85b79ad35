/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a crash: open what is left (crashing again on the way if there is depth), count
 * everything, and read everything.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/volume_state.h"
#include "tests/sim/closed.h"
#include "tests/sim/world.h"

/* The check of a pool that is not open reads all of it: only now and then. */
#define CLOSED_CHECK_EVERY 16

static const char *const names[WORLD_VOLUMES] = {"a", "b", "c"};

struct rescue {
	struct world *world; /* whose model counts */
	struct block_queue queue;
	struct sim_disk *disk;
	struct pool *pool;
	uint64_t boot;
	bool had_power_failure; /* what was only acknowledged may be gone */
	struct store_request request;
	struct block_io io;
	bool is_done;
	int result;
};

static void request_done(struct store_request *request, int result)
{
	struct rescue *rescue = container_of(request, struct rescue, request);

	rescue->is_done = true;
	rescue->result = result;
}

static void io_done(struct block_io *io, int result)
{
	struct rescue *rescue = container_of(io, struct rescue, io);

	rescue->is_done = true;
	rescue->result = result;
}

static bool rescue_step(struct rescue *rescue)
{
	return block_queue_run(&rescue->queue) || sim_disk_step(rescue->disk);
}

static void rescue_drain(struct rescue *rescue)
{
	while (rescue_step(rescue))
		;
}

/* Whatever is under way fails, and the pool with it. */
static void rescue_abandon(struct rescue *rescue)
{
	const struct sim_faults dead = {.fail_at = 1, .fail_result = -EIO, .fails_on = true};

	sim_disk_set_faults(rescue->disk, &dead);
	rescue_drain(rescue);
	if (rescue->pool) {
		pool_close(rescue->pool, &rescue->request);
		rescue->pool = NULL;
		rescue_drain(rescue);
	}
	sim_disk_free(rescue->disk);
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
	rescue->request.done = request_done;
	if (rescue->world->states % CLOSED_CHECK_EVERY == 0 &&
	    !closed_pool_is_sound(disk, &rescue->queue, &settings.boot_id, sentence,
				  sizeof(sentence)))
		world_fail(rescue->world, "the check of the closed pool found: %s", sentence);
	pool_open(sim_disk_block(rescue->disk), &settings, &rescue->pool, &rescue->request);
}

/* Open, with crashes in the midst of it. */
static bool rescue_open(struct rescue *rescue, unsigned depth)
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

static void rescue_read_window(struct rescue *rescue, struct volume *volume, uint32_t number,
			       struct model *model, uint32_t window)
{
	static uint8_t data[WINDOW_SECTORS_MAX * SECTOR_BYTES] __attribute__((aligned(4096)));
	const uint32_t sectors = oracle_window_sectors();
	struct iovec iov = {.iov_base = data, .iov_len = (size_t)sectors * SECTOR_BYTES};

	rescue->io = (struct block_io){
		.kind = BLOCK_READ,
		.offset = oracle_sector_number(window * sectors) * SECTOR_BYTES,
		.length = iov.iov_len,
		.iov = &iov,
		.iov_count = 1,
		.done = io_done,
	};
	rescue->is_done = false;
	block_submit(&volume->block, &rescue->io);
	while (!rescue->is_done && rescue_step(rescue))
		;
	if (!rescue->is_done || rescue->result != 0) {
		world_fail(rescue->world, "reading volume %s failed: %d", names[number],
			   rescue->result);
		return;
	}
	for (uint32_t i = 0; i < sectors; i++) {
		struct finding finding = {.index = window * sectors + i,
					  .data = data + (size_t)i * SECTOR_BYTES};
		struct sector *sector = &model->sectors[finding.index];

		finding.least = rescue->had_power_failure ? sector->durable : sector->acked;
		if (!oracle_is_legal(model, &finding)) {
			world_fail(rescue->world, "volume %s after the %s: %s", names[number],
				   rescue->had_power_failure ? "power failure" : "process died",
				   finding.text);
			return;
		}
		/* An open pool holds nothing that the next power failure could take. */
		sector->durable = sector->acked = sector->latest = finding.generation;
		if (finding.generation != sector->last_zero)
			sector->last_zero = 0;
	}
}

/* The operation of the administration that a crash left open for this volume; NULL. */
static const struct op *pending_op(const struct world *world, uint32_t number)
{
	for (unsigned i = 0; i < WORLD_OPS; i++) {
		const struct op *op = &world->ops[i];

		if (op->is_busy && op->volume == number && op->kind >= OP_CREATE &&
		    op->kind != OP_CHECKPOINT)
			return op;
	}
	return NULL;
}

static bool volume_is(const struct volume *volume, const struct model *model)
{
	if (!volume || !model->exists)
		return !volume && !model->exists;
	return volume->size_bytes == model->size_bytes &&
	       volume->is_formatted == model->is_formatted;
}

/* Each volume is as it was, or as an operation that was under way would have it. */
static void rescue_compare(struct rescue *rescue, struct model *out_models)
{
	struct world *world = rescue->world;

	for (uint32_t i = 0; i < WORLD_VOLUMES; i++) {
		struct volume *volume = volume_find(rescue->pool, names[i]);
		const struct op *pending = pending_op(world, i);

		out_models[i] = world->models[i];
		if (pending && volume_is(volume, &pending->then))
			out_models[i] = pending->then;
		if (world->has_maybe[i] && volume_is(volume, &world->maybe[i]))
			out_models[i] = world->maybe[i];
		if (!volume_is(volume, &out_models[i])) {
			world_fail(world, "volume %s %s after the crash", names[i],
				   volume ? "is there or is not as it should be" : "is gone");
			return;
		}
		for (uint32_t window = 0;
		     volume && window < MODEL_SECTORS / oracle_window_sectors(); window++)
			rescue_read_window(rescue, volume, i, &out_models[i], window);
	}
}

static bool rescue_look(struct rescue *rescue, struct world *world, unsigned depth,
			struct model *out_models)
{
	rescue->world = world;
	rescue->boot = world->boot;
	/* A flush that failed is as bad: the disk may have lost what was only acknowledged. */
	rescue->had_power_failure = world->pool && world->pool->state == POOL_FAILED;
	block_queue_init(&rescue->queue, NULL, NULL);
	world->states++;
	if (!rescue_open(rescue, depth))
		return false;
	rescue_compare(rescue, out_models);
	rescue_drain(rescue);
	rescue_count(rescue);
	return world_is_well(world);
}

void world_check_crash(struct world *world, unsigned depth)
{
	struct rescue *rescue = calloc(1, sizeof(*rescue));
	struct model *models = calloc(WORLD_VOLUMES, sizeof(*models));

	(void)rescue_look(rescue, world, depth, models); /* a failure is kept in the world */
	rescue_abandon(rescue);
	free(rescue);
	free(models);
}

void world_crash(struct world *world, unsigned depth)
{
	const struct sim_faults dead = {.fail_at = 1, .fail_result = -EIO, .fails_on = true};
	struct rescue *rescue = calloc(1, sizeof(*rescue));
	struct model *models = calloc(WORLD_VOLUMES, sizeof(*models));
	struct pool_settings settings;
	struct sim_disk *left;

	if (!rescue_look(rescue, world, depth, models)) {
		rescue_abandon(rescue);
		free(rescue);
		free(models);
		return;
	}
	/* The old world dies, what was rescued takes its place. */
	left = rescue_crash(rescue, rescue->disk, &world->queue);
	rescue_abandon(rescue);
	world->is_abandoned = true;
	sim_disk_set_faults(world->disk, &dead);
	world_drain(world);
	rescue->is_done = false;
	pool_close(world->pool, &rescue->request);
	world->pool = NULL;
	world_drain(world);
	sim_disk_free(world->disk);
	world->is_abandoned = false;
	world->disk = left;
	world->boot = rescue->boot;
	settings = world_settings(world->boot);
	world_slow_down(world);
	memcpy(world->models, models, sizeof(world->models));
	pool_open(sim_disk_block(world->disk), &settings, &world->pool, &rescue->request);
	world_drain(world);
	if (world->pool)
		world->pool->faults = world->faults;
	else
		world_fail(world, "opening again failed: %s", rescue->request.error.text);
	free(rescue);
	free(models);
}
