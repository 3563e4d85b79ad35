/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/closed.h"

#include <stdio.h>

#include "base/compiler.h"
#include "store/check_image.h"

struct closed {
	struct offline offline;
	struct sim_disk *disk;
	struct block_queue *queue;
	char *sentence;
	size_t len;
	bool has_found;
};

static void turn(struct offline *offline)
{
	struct closed *closed = container_of(offline, struct closed, offline);

	if (!block_queue_run(closed->queue))
		(void)sim_disk_step(closed->disk); /* the caller looks whether it was enough */
}

static void on_found(void *owner, const struct finding *finding)
{
	struct closed *closed = owner;

	if (!closed->has_found)
		(void)snprintf(closed->sentence, closed->len, "%s", finding->text);
	closed->has_found = true;
}

bool closed_pool_is_sound(struct sim_disk *disk, struct block_queue *queue,
			  const struct uuid *boot_id, char *out_sentence, size_t len)
{
	struct closed closed = {
		.offline = {.disk = sim_disk_block(disk), .turn = turn},
		.disk = disk,
		.queue = queue,
		.sentence = out_sentence,
		.len = len,
	};
	const struct image_settings settings = {
		.boot_id = *boot_id, .found = on_found, .owner = &closed};
	struct image_report report;
	struct image image;
	struct error error;
	int ret = image_open(&image, &closed.offline, &settings, &error);

	if (ret != 0) {
		(void)snprintf(out_sentence, len, "%s", error.text);
		return false;
	}
	ret = check_image(&image, &report, NULL);
	image_close(&image);
	return ret == 0 && !closed.has_found;
}
