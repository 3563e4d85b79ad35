/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What layers cost, each figure beside its peer of the same run, taking turns:
 *   - 4 KiB random reads of a volume over nothing, and of one over 64 layers, each of which has
 *     some of its blocks;
 *   - 4 KiB random overwrites of a volume, and of the same one right after a snapshot; and raw
 *     O_DIRECT writes of a file in the same folder. This twice: where the file under the pool is
 *     still sparse, so that its file system has to make room for each extent (the raw file is a
 *     hole then too), and where it was written before, as any device or older pool is.
 *
 *   store_layers FOLDER [ROUNDS [REGION_MIB [DEPTH]]]
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/random.h"
#include "base/size.h"
#include "store/file_disk.h"
#include "store/state.h"
#include "tests/bench/rig.h"

#define LAYERS	   64
#define DEPTH_MAX  32
#define BIG	   (1 * MIB)
#define ROUNDS_MAX 64

struct stream {
	struct rig *rig;
	struct block *block;
	enum block_kind kind;
	uint64_t blocks;
	uint64_t left; /* still to start */
	unsigned in_flight;
	struct random *random;
};

struct op {
	struct block_io io;
	struct iovec iov;
	struct stream *stream;
};

/* Times of one kind of work over the rounds. */
struct figure {
	const char *what;
	uint64_t wall_ns[ROUNDS_MAX]; /* for each operation */
	uint64_t cpu_ns[ROUNDS_MAX];
};

static uint8_t memory[BIG] __attribute__((aligned(4096)));
static struct op ops[DEPTH_MAX];
static unsigned depth = DEPTH_MAX;
static unsigned rounds = 7;
static uint64_t region = 256 * MIB;
static struct random chance = {.state = 5};

static uint64_t cpu_now(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage); /* cannot fail */
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) *
		       UINT64_C(1000000000) +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000;
}

static void op_start(struct op *op)
{
	struct stream *stream = op->stream;

	stream->left--;
	stream->in_flight++;
	op->io.kind = stream->kind;
	op->io.offset = random_below(stream->random, stream->blocks) * 4096;
	op->io.length = 4096;
	block_submit(stream->block, &op->io);
}

static void op_done(struct block_io *io, int result)
{
	struct op *op = container_of(io, struct op, io);
	struct stream *stream = op->stream;

	if (result != 0)
		stream->rig->result = result;
	stream->in_flight--;
	if (stream->left > 0 && result == 0)
		op_start(op);
	else if (stream->in_flight == 0)
		loop_stop(stream->rig->loop);
}

/* `count` random requests of 4 KiB, `depth` at a time. */
static void stream_run(struct rig *rig, struct block *block, enum block_kind kind, uint64_t count)
{
	struct stream stream = {
		.rig = rig,
		.block = block,
		.kind = kind,
		.blocks = region / 4096,
		.left = count,
		.random = &chance,
	};
	struct rig_wait wait = rig_wait_new(rig);

	rig->result = 0;
	for (unsigned i = 0; i < depth && stream.left > 0; i++) {
		ops[i].stream = &stream;
		ops[i].iov = (struct iovec){.iov_base = memory + (size_t)i * 4096, .iov_len = 4096};
		ops[i].io.iov = &ops[i].iov;
		ops[i].io.iov_count = 1;
		ops[i].io.done = op_done;
		op_start(&ops[i]);
	}
	rig_wait_for(&wait, "a stream of requests");
}

static void measure(struct rig *rig, struct block *block, enum block_kind kind, uint64_t count,
		    struct figure *figure, unsigned round)
{
	uint64_t cpu = cpu_now();
	uint64_t begin = rig_now();

	stream_run(rig, block, kind, count);
	figure->wall_ns[round] = (rig_now() - begin) / count;
	figure->cpu_ns[round] = (cpu_now() - cpu) / count;
}

static void fill(struct rig *rig, struct block *block)
{
	memset(memory, 7, sizeof(memory));
	for (uint64_t at = 0; at < region; at += BIG)
		rig_io(rig, block, BLOCK_WRITE, at, memory, BIG);
	rig_io(rig, block, BLOCK_FLUSH, 0, NULL, 0);
}

static void take_snapshot(struct rig *rig, const char *volume)
{
	static unsigned number;
	struct rig_wait wait = rig_wait_new(rig);
	struct snapshot_spec spec = {.created_at_s = 1};

	(void)snprintf(spec.volume, sizeof(spec.volume), "%s", volume); /* short */
	(void)snprintf(spec.name, sizeof(spec.name), "s%u", number++);
	volume_snapshot(rig->pool, &spec, &wait.request);
	rig_wait_for(&wait, "a snapshot");
}

/* The middle of what `b` took beside `a` of the same round, in percent. */
static double middle_ratio(const uint64_t *a, const uint64_t *b)
{
	uint64_t ratios[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++)
		ratios[i] = (b[i] * 1000 + a[i] / 2) / MAX(a[i], UINT64_C(1));
	return (double)rig_median(ratios, rounds) / 1000;
}

/* Time and processor of the middle round, and beside another kind, round by round. */
static void print(const struct figure *figure, const struct figure *beside)
{
	struct figure sorted = *figure;

	(void)printf("%-32s %7.0f /s  cpu %5.1f us", figure->what,
		     1e9 / (double)rig_median(sorted.wall_ns, rounds),
		     (double)rig_median(sorted.cpu_ns, rounds) / 1000);
	if (beside) {
		double time = middle_ratio(beside->wall_ns, figure->wall_ns);

		(void)printf("  time x %.2f, rate x %.2f, cpu x %.2f", time, 1 / time,
			     middle_ratio(beside->cpu_ns, figure->cpu_ns));
	}
	(void)printf("\n");
}

static void compare_reads(struct rig *rig)
{
	static struct figure one = {.what = "random reads over nothing"};
	static struct figure two = {.what = "random reads over 1 layer"};
	static struct figure many = {.what = "random reads over 64 layers"};
	struct block *flat = rig_volume(rig, "flat", region);
	struct block *pair = rig_volume(rig, "pair", region);
	struct block *deep = rig_volume(rig, "deep", region);
	uint64_t count = region / 4096 / 4;

	fill(rig, flat);
	fill(rig, pair);
	take_snapshot(rig, "pair");
	fill(rig, deep);
	for (unsigned i = 0; i < LAYERS; i++) {
		take_snapshot(rig, "deep");
		stream_run(rig, deep, BLOCK_WRITE, region / 4096 / LAYERS);
	}
	stream_run(rig, deep, BLOCK_READ, count);
	for (unsigned i = 0; i < rounds; i++) {
		measure(rig, flat, BLOCK_READ, count, &one, i);
		measure(rig, pair, BLOCK_READ, count, &two, i);
		measure(rig, deep, BLOCK_READ, count, &many, i);
	}
	print(&one, NULL);
	print(&two, &one);
	print(&many, &one);
}

/* Every extent that nobody has is written, past the pool: its file has room for it from then on. */
static void write_free_extents(const struct rig *rig)
{
	const struct space *space = &rig->pool->space;
	int fd = open(rig->path, O_RDWR | O_DIRECT | O_CLOEXEC);
	uint64_t extent = 0;

	for (;;) {
		extent = bitmap_find_clear(space->taken, extent, space->geometry.extent_count);
		if (extent == space->geometry.extent_count)
			break;
		if (pwrite(fd, memory, STORE_EXTENT_BYTES, (off_t)(extent * STORE_EXTENT_BYTES)) !=
		    STORE_EXTENT_BYTES) {
			perror(rig->path);
			exit(1);
		}
		extent++;
	}
	(void)fsync(fd); /* only the speed of what follows depends on it */
	(void)close(fd);
}

static void empty_raw(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 ||
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)region) != 0) {
		perror(path);
		exit(1);
	}
	(void)close(fd); /* nothing was written by it */
}

static void compare_writes(struct rig *rig, struct block *raw, const char *raw_path, bool is_sparse)
{
	struct figure file = {.what = is_sparse ? "random writes to a raw sparse file"
						: "random writes to a raw file"};
	struct figure before = {.what = "random overwrites"};
	struct figure after = {.what = "the same after a snapshot"};
	struct volume *volume = volume_find(rig->pool, "w");
	struct block *block = volume ? volume_block(volume) : rig_volume(rig, "w", region);
	uint64_t count = region / 4096 / 4;

	for (unsigned i = 0; i < rounds; i++) {
		fill(rig, block);
		if (is_sparse)
			empty_raw(raw_path);
		measure(rig, raw, BLOCK_WRITE, count, &file, i);
		measure(rig, block, BLOCK_WRITE, count, &before, i);
		take_snapshot(rig, "w");
		measure(rig, block, BLOCK_WRITE, count, &after, i);
	}
	(void)printf(is_sparse ? "where the file is sparse:\n"
			       : "where the file was written before:\n");
	print(&file, NULL);
	print(&before, NULL);
	print(&after, &before);
}

static struct block *raw_open(struct rig *rig, const char *path)
{
	struct error err = {0};
	struct block *raw = NULL;

	if (file_disk_create(path, region, &err) != 0 ||
	    file_disk_open(path, &rig->queue, &raw, &err) != 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	fill(rig, raw);
	return raw;
}

static void raw_closed(void *owner)
{
	struct rig_wait *wait = owner;

	wait->io.done(&wait->io, 0);
}

int main(int argc, char **argv)
{
	char pool_path[4096];
	char raw_path[4096];
	struct rig_wait wait;
	struct rig rig;
	struct block *raw;

	if (argc > 2)
		rounds = (unsigned)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		region = strtoull(argv[3], NULL, 10) * MIB;
	if (argc > 4)
		depth = (unsigned)strtoul(argv[4], NULL, 10);
	if (argc < 2 || rounds == 0 || rounds > ROUNDS_MAX || region == 0 || depth == 0 ||
	    depth > DEPTH_MAX) {
		(void)fprintf(stderr, "usage: store_layers FOLDER [ROUNDS [REGION_MIB [DEPTH]]]\n");
		return 2;
	}
	(void)snprintf(pool_path, sizeof(pool_path), "%s/layers.pool", argv[1]);
	(void)snprintf(raw_path, sizeof(raw_path), "%s/layers.raw", argv[1]);
	rig_start(&rig, pool_path, (uint64_t)(2 * rounds + 32) * region + 512 * MIB);
	raw = raw_open(&rig, raw_path);
	(void)printf("%u at a time, %" PRIu64 " MiB, middle of %u rounds\n", depth, region / MIB,
		     rounds);
	compare_writes(&rig, raw, raw_path, true);
	write_free_extents(&rig);
	fill(&rig, raw);
	compare_writes(&rig, raw, raw_path, false);
	compare_reads(&rig);
	wait = rig_wait_new(&rig);
	block_close(raw, raw_closed, &wait);
	rig_wait_for(&wait, "closing the raw file");
	rig_stop(&rig);
	(void)unlink(raw_path);
	return 0;
}
