/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What size costs: a pool with so many GiB mapped, made by writing its metadata alone, is opened,
 * and opened again with a journal that is full; time and resident memory of each. Then a thousand
 * snapshots are taken of its volume, and a checkpoint is made with them.
 *
 *   store_scale FOLDER [GIB [SNAPSHOTS]]
 *
 * 16 TiB mapped is a file of 17 TiB with 2.1 GiB in it: on tmpfs or XFS (ext4 ends at 16 TiB).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "store/geometry.h"
#include "tests/bench/rig.h"
#include "tests/bench/synthetic.h"

#define JOURNAL_LEAVES 4096 /* twice as many as the default cache lets be dirty */
#define READS	       20000

static uint8_t data[4096] __attribute__((aligned(4096)));

static double resident_mib(void)
{
	char text[128] = "";
	FILE *file = fopen("/proc/self/statm", "r");
	const char *pages = file && fgets(text, sizeof(text), file) ? strchr(text, ' ') : NULL;

	if (!pages) {
		perror("/proc/self/statm");
		exit(1);
	}
	(void)fclose(file);
	return (double)strtoul(pages, NULL, 10) * (double)sysconf(_SC_PAGESIZE) / MIB;
}

/* Nothing of the file stays in the page cache. */
static void forget(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0) {
		perror(path);
		exit(1);
	}
	close(fd);
}

/* A small pool with one large volume; the file stays. */
static void make_pool(const char *path, uint64_t bytes)
{
	struct rig rig;

	(void)unlink(path); /* of an earlier run */
	rig_start(&rig, path, 32 * GIB > bytes ? 4 * GIB : 32 * GIB);
	(void)rig_volume(&rig, "v", bytes);
	rig.path = ""; /* what rig_stop removes */
	rig_stop(&rig);
}

static void open_pool(struct rig *rig, const char *path, const char *what)
{
	uint64_t begin;

	forget(path);
	begin = rig_now();
	rig_start_with(rig, path);
	(void)printf("%-44s %8.3f s\n", what, (double)(rig_now() - begin) / 1e9);
}

static void measure_open(const char *path, uint64_t bytes, uint64_t pool_bytes)
{
	double before = resident_mib();
	double tib = (double)bytes / TIB;
	struct block *block;
	struct rig rig;
	double open;

	open_pool(&rig, path, "opening");
	open = resident_mib() - before;
	(void)printf("%-44s %8.1f MiB (%.1f a TiB of %.1f in the pool)\n", "memory then", open,
		     open / ((double)pool_bytes / TIB), (double)pool_bytes / TIB);
	block = volume_block(volume_find(rig.pool, "v"));
	for (uint64_t i = 0; i < READS; i++)
		rig_io(&rig, block, BLOCK_READ, i * UINT64_C(2654435761) * 4096 % bytes, data,
		       sizeof(data));
	(void)printf("%-44s %8.1f MiB (cache: 64 MiB; %.1f TiB mapped)\n",
		     "memory after 20000 reads here and there", resident_mib() - before, tib);
	rig.path = "";
	rig_stop(&rig);
}

static void measure_replay(const char *path, uint64_t extents)
{
	uint64_t leaves = MIN(extents / FORMAT_WORDS / 32, (uint64_t)JOURNAL_LEAVES);
	uint64_t records = synthetic_journal(path, extents, leaves);
	struct rig rig;

	(void)printf("%-44s %8.1f MiB of single words in %" PRIu64 " leaves\n", "journal",
		     (double)records * FORMAT_BLOCK_BYTES / MIB, leaves);
	open_pool(&rig, path, "opening with that journal");
	rig.path = "";
	rig_stop(&rig);
}

static void take_snapshot(struct rig *rig, unsigned n)
{
	struct snapshot_spec spec = {.volume = "v", .created_at_s = 1};
	struct rig_wait wait = rig_wait_new(rig);

	(void)snprintf(spec.name, sizeof(spec.name), "snapshot-%u", n); /* short */
	volume_snapshot(rig->pool, &spec, &wait.request);
	rig_wait_for(&wait, "taking a snapshot");
}

static double checkpoint_ms(struct rig *rig)
{
	struct rig_wait wait = rig_wait_new(rig);
	uint64_t begin = rig_now();

	pool_checkpoint(rig->pool, &wait.request);
	rig_wait_for(&wait, "a checkpoint");
	return (double)(rig_now() - begin) / 1e6;
}

static void measure_snapshots(const char *path, unsigned count)
{
	uint64_t *times = calloc(count, sizeof(*times));
	struct block *block;
	struct rig rig;
	double before;

	rig_start_with(&rig, path);
	block = volume_block(volume_find(rig.pool, "v"));
	(void)checkpoint_ms(&rig);
	before = resident_mib();
	(void)printf(
		"%-44s %8.2f ms\n", "a checkpoint of one leaf, before",
		(rig_io(&rig, block, BLOCK_WRITE, 0, data, sizeof(data)), checkpoint_ms(&rig)));
	for (unsigned i = 0; i < count; i++) {
		uint64_t begin = rig_now();

		take_snapshot(&rig, i);
		times[i] = rig_now() - begin;
		rig_io(&rig, block, BLOCK_WRITE, (uint64_t)i * MIB, data, sizeof(data));
	}
	(void)printf("%-44s %8.2f ms first, %.2f ms last, %.2f ms median\n", "a snapshot",
		     (double)times[0] / 1e6, (double)times[count - 1] / 1e6,
		     (double)rig_median(times, count) / 1e6);
	(void)checkpoint_ms(&rig);
	rig_io(&rig, block, BLOCK_WRITE, GIB, data, sizeof(data));
	(void)printf("%-44s %8.2f ms with %u snapshots\n", "a checkpoint of one leaf, after",
		     checkpoint_ms(&rig), count);
	(void)printf("%-44s %8.1f KiB each\n", "memory for a snapshot with one leaf",
		     (resident_mib() - before) * 1024 / count);
	rig.path = "";
	rig_stop(&rig);
	open_pool(&rig, path, "opening with the snapshots");
	rig_stop(&rig);
	free(times);
}

int main(int argc, char **argv)
{
	uint64_t gib = argc > 2 ? strtoull(argv[2], NULL, 10) : 16384;
	unsigned snapshots = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1000;
	uint64_t extents = gib * (GIB / STORE_EXTENT_BYTES);
	uint64_t pool_bytes = gib * GIB / 16 * 17 + GIB;
	char path[4096];

	if (argc < 2 || gib < 4 || snapshots == 0) {
		(void)fprintf(stderr, "usage: store_scale FOLDER [GIB [SNAPSHOTS]]\n");
		return 2;
	}
	(void)snprintf(path, sizeof(path), "%s/store_scale.pool", argv[1]);
	make_pool(path, gib * GIB);
	synthetic_stretch(path, pool_bytes);
	synthetic_map(path, extents, false);
	measure_open(path, gib * GIB, pool_bytes);
	measure_replay(path, extents);
	measure_snapshots(path, snapshots);
	return 0;
}
