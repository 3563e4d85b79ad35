/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "node/tool.h"
#include "store/file_disk.h"

#define RING_ENTRIES 256

/* One turn of the loop waits until something has ended. */
static void disk_turn(struct offline *offline)
{
	struct tool_disk *disk = container_of(offline, struct tool_disk, offline);
	int ret = loop_run(disk->loop);

	if (ret < 0) {
		fprintf(stderr, "berth-node: the event loop failed: %s\n", strerror(-ret));
		exit(TOOL_CANNOT); /* what is in flight would never end */
	}
}

static void disk_ended(struct offline *offline)
{
	loop_stop(container_of(offline, struct tool_disk, offline)->loop);
}

static void boot_id_read(struct uuid *out_boot_id)
{
	CLEANUP_FCLOSE FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char text[UUID_TEXT_SIZE];

	*out_boot_id = (struct uuid){0};
	if (file && fgets(text, sizeof(text), file))
		(void)uuid_parse(text, out_boot_id); /* nil: of no boot that we know */
}

int tool_disk_open(struct tool_disk *disk, const char *path, struct error *err)
{
	int ret;

	*disk = (struct tool_disk){.offline = {.turn = disk_turn, .ended = disk_ended}};
	boot_id_read(&disk->boot_id);
	ret = loop_new(RING_ENTRIES, &disk->loop, err);
	if (ret < 0)
		return ret;
	loop_queue_init(&disk->queue, disk->loop);
	ret = file_disk_open(path, &disk->queue, &disk->offline.disk, err);
	if (ret != 0)
		loop_free(disk->loop);
	return ret;
}

static void disk_closed(void *owner)
{
}

void tool_disk_close(struct tool_disk *disk)
{
	block_close(disk->offline.disk, disk_closed, NULL);
	loop_free(disk->loop);
}
