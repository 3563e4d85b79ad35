/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What durability costs: 4 KiB written and flushed, beside a raw O_DIRECT write and fdatasync of
 * a file in the same folder, taking turns.
 *
 *   store_flush FOLDER [ROUNDS]
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/size.h"
#include "tests/bench/rig.h"

#define AREA_BYTES (64 * MIB)

static uint8_t data[64 * KIB] __attribute__((aligned(4096)));

static int raw_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);

	for (uint64_t at = 0; fd >= 0 && at < AREA_BYTES; at += sizeof(data)) {
		if (pwrite(fd, data, sizeof(data), (off_t)at) != (ssize_t)sizeof(data))
			return -1;
	}
	return fd < 0 || fsync(fd) != 0 ? -1 : fd;
}

static uint64_t raw_write(int fd, uint64_t at)
{
	uint64_t begin = rig_now();

	if (pwrite(fd, data, 4096, (off_t)at) != 4096 || fdatasync(fd) != 0) {
		perror("raw write");
		exit(1);
	}
	return rig_now() - begin;
}

/* Where nothing was yet: the file system has to make room, as it has to for the pool. */
static uint64_t raw_write_first(int fd, unsigned round)
{
	return raw_write(fd, AREA_BYTES + (uint64_t)round * 65536 * 3);
}

static uint64_t store_write(struct rig *rig, struct block *block, uint64_t at)
{
	uint64_t begin = rig_now();

	rig_io(rig, block, BLOCK_WRITE, at, data, 4096);
	rig_io(rig, block, BLOCK_FLUSH, 0, NULL, 0);
	return rig_now() - begin;
}

static void print(const char *what, uint64_t *times, unsigned rounds, uint64_t raw)
{
	uint64_t median = rig_median(times, rounds);

	(void)printf("%-32s median %6" PRIu64 " us  p99 %6" PRIu64 " us", what, median / 1000,
		     times[rounds * 99 / 100] / 1000);
	if (raw)
		(void)printf("  %.2f x raw", (double)median / (double)raw);
	(void)printf("\n");
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 500;
	uint64_t *raw = calloc(rounds, sizeof(*raw));
	uint64_t *raw_first = calloc(rounds, sizeof(*raw_first));
	uint64_t *first = calloc(rounds, sizeof(*first));
	uint64_t *again = calloc(rounds, sizeof(*again));
	char pool_path[4096];
	char raw_path[4096];
	struct rig rig;
	struct block *block;
	int fd;

	if (argc < 2 || rounds == 0 || !raw || !raw_first || !first || !again) {
		(void)fprintf(stderr, "usage: store_flush FOLDER [ROUNDS]\n");
		return 2;
	}
	(void)snprintf(pool_path, sizeof(pool_path), "%s/flush.pool", argv[1]);
	(void)snprintf(raw_path, sizeof(raw_path), "%s/flush.raw", argv[1]);
	fd = raw_open(raw_path);
	if (fd < 0) {
		perror(raw_path);
		return 1;
	}
	rig_start(&rig, pool_path, 4 * GIB);
	block = rig_volume(&rig, "v", 8 * GIB);
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t at = (uint64_t)i * 65536 * 3;

		raw[i] = raw_write(fd, (uint64_t)i * 69632 % AREA_BYTES / 4096 * 4096);
		raw_first[i] = raw_write_first(fd, i);
		first[i] = store_write(&rig, block, at);
		again[i] = store_write(&rig, block, at);
	}
	print("raw write + fdatasync", raw, rounds, 0);
	print("overwrite + flush", again, rounds, rig_median(raw, rounds));
	print("raw first write + fdatasync", raw_first, rounds, 0);
	print("first write + flush", first, rounds, rig_median(raw_first, rounds));
	rig_stop(&rig);
	(void)close(fd);
	(void)unlink(raw_path);
	free(raw);
	free(raw_first);
	free(first);
	free(again);
	return 0;
}
