/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long berth-node check takes: a pool with so many GiB mapped, in order and scattered, whose
 * pages have to come from the disk.
 *
 *   store_check FOLDER BERTH-NODE [GIB]
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "tests/bench/rig.h"
#include "tests/bench/synthetic.h"

static void make_pool(const char *path, uint64_t bytes)
{
	struct rig rig;
	struct rig_wait wait;

	(void)unlink(path); /* of an earlier run */
	rig_start(&rig, path, bytes + bytes / 32 + 256 * MIB);
	(void)rig_volume(&rig, "v", bytes);
	wait = rig_wait_new(&rig);
	pool_checkpoint(rig.pool, &wait.request);
	rig_wait_for(&wait, "checkpoint");
	rig.path = ""; /* what rig_stop removes: the pool stays */
	rig_stop(&rig);
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

int main(int argc, char **argv)
{
	uint64_t gib = argc > 3 ? strtoull(argv[3], NULL, 10) : 1024;
	char path[4096];
	char command[8192];

	if (argc < 3 || gib == 0) {
		fprintf(stderr, "usage: %s FOLDER BERTH-NODE [GIB]\n", argv[0]);
		return 2;
	}
	(void)snprintf(path, sizeof(path), "%s/store_check.pool", argv[1]);
	(void)snprintf(command, sizeof(command), "'%s' check '%s'", argv[2], path);
	for (int is_aged = 0; is_aged < 2; is_aged++) {
		uint64_t begin;
		int status;

		make_pool(path, gib * GIB);
		synthetic_map(path, gib * GIB / STORE_EXTENT_BYTES, is_aged);
		forget(path);
		begin = rig_now();
		status = system(command);
		printf("%" PRIu64 " GiB mapped %s: %" PRIu64 " mappings checked in %.2f s\n", gib,
		       is_aged ? "all over the disk" : "in order", gib * GIB / STORE_EXTENT_BYTES,
		       (double)(rig_now() - begin) / 1e9);
		(void)fflush(stdout);
		if (status != 0)
			return 1;
	}
	return unlink(path) == 0 ? 0 : 1;
}
