/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left of a simulated disk when the power fails, or when only the process dies. */
#include <assert.h>

#include "block/sim_state.h"

/* The chance, out of 16, of each run of sectors that it is not lost. */
static uint64_t sim_crash_chance(struct random *random)
{
	static const uint64_t chances[] = {0, 1, 8, 8, 15, 16};

	return chances[random_below(random, ARRAY_SIZE(chances))];
}

/* Runs of sectors: whole pages as often as torn ones. */
static uint64_t sim_crash_run(struct random *random, uint64_t sectors)
{
	return MIN(UINT64_C(1) << random_below(random, 8), sectors);
}

static void sim_crash_write(struct sim_image *image, const struct sim_write *write, uint64_t chance,
			    struct random *random)
{
	uint64_t sectors = write->length / SECTOR_BYTES;

	if (write->kind != BLOCK_WRITE) {
		if (chance > 0)
			sim_write_blur(image, write, random_next(random));
		return;
	}
	for (uint64_t i = 0, run; i < sectors; i += run) {
		run = sim_crash_run(random, sectors - i);
		if (random_below(random, 16) < chance)
			sim_write_apply(image, write, i, run);
	}
}

struct sim_image *sim_disk_crash(struct sim_disk *disk, struct random *random)
{
	uint64_t chance = sim_crash_chance(random);
	struct sim_image *image = sim_image_copy(disk->durable);

	if (!image)
		return NULL;
	/* In any order: twice over the list, each write in one of the two rounds. */
	for (uint64_t round = 0; round < 2; round++) {
		uint64_t order = random_next(random);
		uint64_t i = 0;

		list_for_each (&disk->writes, write, struct sim_write, link) {
			if ((order >> (i++ % 64) & 1) == round || round == 1)
				sim_crash_write(image, write, chance, random);
		}
	}
	return image;
}

/* Sectors of a write, as of one that has ended on another disk. */
static void sim_write_take(struct sim_disk *disk, const struct sim_write *write, uint64_t first,
			   uint64_t count)
{
	struct sim_write *taken = sim_write_slice(write, first, count);

	if (taken->ended_at == 0) {
		taken->ended_at = disk->ended;
		sim_write_apply_all(disk->seen, taken);
	}
	list_append(&disk->writes, &taken->link);
}

struct sim_disk *sim_disk_restart(struct sim_disk *disk, struct block_queue *queue,
				  struct random *random)
{
	struct sim_disk *next = sim_disk_new(sim_image_copy(disk->durable),
					     disk->logical_block_bytes, queue, random_next(random));
	uint64_t chance = sim_crash_chance(random);

	if (!next)
		return NULL;
	next->writes_begun = disk->writes_begun;
	sim_image_free(next->seen);
	next->seen = sim_image_copy(disk->seen);
	assert(next->seen);
	next->ended = disk->ended + 1; /* what was in flight ended last */
	list_for_each (&disk->writes, write, struct sim_write, link) {
		if (write->ended_at != 0)
			sim_write_take(next, write, 0, write->length / SECTOR_BYTES);
	}
	list_for_each (&disk->writes, write, struct sim_write, link) {
		uint64_t sectors = write->length / SECTOR_BYTES;

		for (uint64_t i = 0, run; write->ended_at == 0 && i < sectors; i += run) {
			run = write->bytes ? sim_crash_run(random, sectors - i) : sectors;
			if (random_below(random, 16) < chance)
				sim_write_take(next, write, i, run);
		}
	}
	return next;
}
