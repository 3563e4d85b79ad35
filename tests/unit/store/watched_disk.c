/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/store/watched_disk.h"

#include <errno.h>

static struct watched_disk watched;

static void watched_submit(struct block *block, struct block_io *io)
{
	watched.requests++;
	watched.bytes += io->length;
	if (watched.holds && watched.holds(io))
		list_append(&watched.held, &io->link);
	else if (watched.fails && watched.fails(io))
		block_queue_complete(watched.queue, io, -EIO);
	else
		watched.ops->submit(block, io);
}

static void watched_describe(struct block *block, struct block_limits *limits)
{
	watched.ops->describe(block, limits);
}

static void watched_close(struct block *block, void (*closed)(void *owner), void *owner)
{
	if (watched.is_kept)
		closed(owner);
	else
		watched.ops->close(block, closed, owner);
}

struct watched_disk *watched_disk_start(struct fixture *fixture)
{
	static const struct block_ops ops = {
		.submit = watched_submit, .describe = watched_describe, .close = watched_close};

	watched = (struct watched_disk){
		.disk = fixture->disk, .ops = fixture->disk->ops, .queue = &fixture->queue};
	list_init(&watched.held);
	fixture->disk->ops = &ops;
	return &watched;
}

void watched_disk_stop(void)
{
	watched_disk_release();
	watched.disk->ops = watched.ops;
}

void watched_disk_release(void)
{
	struct list_node *node;

	watched.holds = NULL;
	while ((node = list_take_first(&watched.held)))
		watched.ops->submit(watched.disk, list_entry(node, struct block_io, link));
}
