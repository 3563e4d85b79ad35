/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MAP: how far from the offset on all blocks are mapped, or all are not; to the leaf's end. What
 * a layer below has is mapped as well.
 */
#include <errno.h>

#include "store/state.h"
#include "store/task.h"

/* A block that is lost is not known to be a hole. */
static bool map_has_block(const struct task *task, uint64_t at)
{
	return task_source(task, at) != VIEW_HOLE;
}

void task_map_start(struct task *task)
{
	const uint64_t leaf_bytes = (uint64_t)FORMAT_WORDS * STORE_EXTENT_BYTES;
	uint64_t end;
	int ret = task->result;

	task->step = task_map_start;
	task->end = MIN(task->end, (task->start / leaf_bytes + 1) * leaf_bytes);
	if (ret == 0)
		ret = task_look(task);
	if (ret == -EAGAIN)
		return;
	if (ret == 0) {
		task->io->is_mapped = map_has_block(task, task->start);
		end = (task->start / STORE_BLOCK_BYTES + 1) * STORE_BLOCK_BYTES;
		while (end < task->end && map_has_block(task, end) == task->io->is_mapped)
			end += STORE_BLOCK_BYTES;
		task->io->length = MIN(end, task->end) - task->start;
	}
	task_end(task, ret);
}
