/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a snapshot costs, from the request to its durable end: of a volume with 1 GiB mapped and
 * with so many GiB; a clone; deleting either. Then how fast the background merges: where extents
 * only move, and where blocks have to be copied.
 *
 *   store_snapshot FOLDER [GIB]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "loop/loop.h"
#include "store/state.h"
#include "tests/bench/rig.h"
#include "tests/bench/synthetic.h"

#define ROUNDS 41

static struct rig rig;

/* A pool in the file with a volume that looks as if this much of it had been written. */
static void pool_make(const char *path, uint64_t bytes)
{
	struct rig_wait wait;

	(void)unlink(path); /* of an earlier run */
	rig_start(&rig, path, bytes + bytes / 32 + GIB);
	(void)rig_volume(&rig, "v", bytes);
	wait = rig_wait_new(&rig);
	pool_checkpoint(rig.pool, &wait.request);
	rig_wait_for(&wait, "checkpoint");
	rig.path = ""; /* what rig_stop removes: the pool stays */
	rig_stop(&rig);
	synthetic_map(path, bytes / STORE_EXTENT_BYTES, false);
	rig_start_again(&rig, path);
}

static uint64_t snapshot(const char *name)
{
	struct snapshot_spec spec = {.volume = "v", .created_at_s = 1};
	struct rig_wait wait = rig_wait_new(&rig);
	uint64_t begin = rig_now();

	(void)snprintf(spec.name, sizeof(spec.name), "%s", name);
	volume_snapshot(rig.pool, &spec, &wait.request);
	rig_wait_for(&wait, "a snapshot");
	return rig_now() - begin;
}

static uint64_t clone_of(const char *snapshot_name, const char *name)
{
	struct volume_spec spec = {.created_at_s = 1};
	struct rig_wait wait = rig_wait_new(&rig);
	uint64_t begin = rig_now();

	(void)snprintf(spec.snapshot, sizeof(spec.snapshot), "%s", snapshot_name);
	(void)snprintf(spec.name, sizeof(spec.name), "%s", name);
	volume_create(rig.pool, &spec, &wait.request);
	rig_wait_for(&wait, "a clone");
	return rig_now() - begin;
}

static uint64_t delete (const char *name)
{
	struct rig_wait wait = rig_wait_new(&rig);
	uint64_t begin = rig_now();

	volume_delete(rig.pool, name, &wait.request);
	rig_wait_for(&wait, "a deletion");
	return rig_now() - begin;
}

static void look(struct loop_timer *timer)
{
	if (rig.pool->background.layer)
		loop_timer_set(rig.loop, timer, 1);
	else
		loop_stop(rig.loop);
}

/* Until nothing is left to do in the background; nanoseconds. */
static uint64_t settle(void)
{
	struct loop_timer timer = {.expired = look};
	uint64_t begin = rig_now();

	loop_timer_set(rig.loop, &timer, 1);
	if (loop_run(rig.loop) != 0)
		exit(1);
	return rig_now() - begin;
}

static void measure_creation(uint64_t gib)
{
	uint64_t snapshots[ROUNDS], clones[ROUNDS], deletions[ROUNDS];
	char name[NAME_SIZE];

	for (unsigned i = 0; i < ROUNDS; i++) {
		(void)snprintf(name, sizeof(name), "s%u", i);
		snapshots[i] = snapshot(name);
		clones[i] = clone_of(name, "c");
		deletions[i] = delete ("c");
		(void)settle();
	}
	printf("%5" PRIu64 " GiB mapped: snapshot %4" PRIu64 " us, clone %4" PRIu64
	       " us, deletion %4" PRIu64 " us (medians of %u, durable)\n",
	       gib, rig_median(snapshots, ROUNDS) / 1000, rig_median(clones, ROUNDS) / 1000,
	       rig_median(deletions, ROUNDS) / 1000, ROUNDS);
	(void)fflush(stdout);
}

/* All but the first snapshot are empty: deleting that moves every extent one layer up. */
static void measure_moves(uint64_t gib)
{
	uint64_t extents = gib * GIB / STORE_EXTENT_BYTES;
	uint64_t took = delete ("s0");
	uint64_t ns = settle();

	printf("%5" PRIu64 " GiB mapped: deleting the snapshot that has it %" PRIu64
	       " us, merging it %.2f s, %.0f extents/s\n",
	       gib, took / 1000, (double)ns / 1e9, (double)extents * 1e9 / (double)ns);
	(void)fflush(stdout);
}

/* Half of each extent is in the snapshot, the other half in the volume. */
static void measure_copies(struct block *block, uint64_t bytes)
{
	uint8_t *data = aligned_alloc(4096, STORE_EXTENT_BYTES);
	uint64_t ns;

	memset(data, 0x5a, STORE_EXTENT_BYTES);
	for (unsigned half = 0; half < 2; half++) {
		for (uint64_t at = 0; at < bytes; at += STORE_EXTENT_BYTES)
			rig_io(&rig, block, BLOCK_WRITE, at + half * STORE_EXTENT_BYTES / 2, data,
			       STORE_EXTENT_BYTES / 2);
		if (half == 0)
			(void)snapshot("half");
	}
	free(data);
	rig_io(&rig, block, BLOCK_FLUSH, 0, NULL, 0);
	(void)delete ("half");
	ns = settle();
	printf("merging with half of every extent copied: %.2f s for %" PRIu64 " MiB, %.0f MiB/s\n",
	       (double)ns / 1e9, bytes / MIB, (double)bytes / 2 / MIB * 1e9 / (double)ns);
}

int main(int argc, char **argv)
{
	uint64_t gib = argc > 2 ? strtoull(argv[2], NULL, 10) : 1024;
	const uint64_t sizes[] = {1, gib};
	char path[4096];

	if (argc < 2 || gib == 0) {
		(void)fprintf(stderr, "usage: %s FOLDER [GIB]\n", argv[0]);
		return 2;
	}
	(void)snprintf(path, sizeof(path), "%s/store_snapshot.pool", argv[1]);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		pool_make(path, sizes[i] * GIB);
		measure_creation(sizes[i]);
		measure_moves(sizes[i]);
		rig_stop(&rig);
	}
	rig_start(&rig, path, 4 * GIB);
	measure_copies(rig_volume(&rig, "v", GIB), MIN(gib, UINT64_C(8)) * 32 * MIB);
	rig_stop(&rig);
	return 0;
}
