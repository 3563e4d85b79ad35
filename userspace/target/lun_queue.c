/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The task set of a LUN: one for all nexuses (TST 000b), in order of arrival, HEAD OF QUEUE tasks
 * before all others (SAM-5, 8.6). When may a task start?
 *
 *   HEAD OF QUEUE   at once
 *   ORDERED         when no task is before it
 *   SIMPLE          when no ORDERED and no HEAD OF QUEUE task is before it
 *
 * A command that wants the LUN to itself (COMPARE AND WRITE) counts as ORDERED, and holds
 * back even HEAD OF QUEUE tasks while it runs. One that wants the scratch memory waits
 * until nobody has it. Nearly always there is no barrier, and a SIMPLE task starts without a
 * look at the list.
 *
 * States: PREPARED -> lun_run -> WAITING -> RUNNING -> FINISHED -> done. A task that ends inside
 * a call into the LUN goes to the list `finished`, and its done runs from the loop; one that
 * ends in a callback of its I/O is done there.
 */
#include <assert.h>

#include "base/compiler.h"
#include "scsi/opcode.h"
#include "target/lun_state.h"

enum task_state {
	TASK_PREPARED,
	TASK_WAITING,
	TASK_RUNNING,
	TASK_FINISHED,
};

/* The LUN whose task set the task is in, also if it is for a LUN that is not there. */
static struct lun *task_home(const struct task *task)
{
	return task->nexus->lun;
}

static bool task_is_exclusive(const struct task *task)
{
	return task->command->flags & COMMAND_EXCLUSIVE;
}

/* It waits for all that are before it. */
static bool task_is_ordered(const struct task *task)
{
	return task->attribute == TASK_ORDERED || task_is_exclusive(task);
}

/* SIMPLE tasks behind it wait for it. */
static bool task_is_barrier(const struct task *task)
{
	return task->attribute == TASK_HEAD_OF_QUEUE || task_is_ordered(task);
}

static bool is_first_in_set(const struct lun *lun, const struct task *task)
{
	return lun->tasks.head.next == &task->link;
}

static bool has_barrier_before(const struct lun *lun, const struct task *task)
{
	if (lun->barrier_count == 0)
		return false;
	list_for_each (&lun->tasks, other, struct task, link) {
		if (other == task)
			return false;
		if (task_is_barrier(other))
			return true;
	}
	return false;
}

static bool task_can_start(const struct lun *lun, const struct task *task)
{
	if (lun->exclusive || (task_is_exclusive(task) && lun->running_count > 0))
		return false;
	if ((task->command->flags & COMMAND_SCRATCH) && lun->scratch_user)
		return false;
	if (task_is_ordered(task))
		return is_first_in_set(lun, task);
	if (task->attribute == TASK_HEAD_OF_QUEUE)
		return true;
	return !has_barrier_before(lun, task);
}

static void queue_leave(struct lun *lun, struct task *task)
{
	list_remove(&task->link);
	lun->barrier_count -= task_is_barrier(task);
	if (task->state == TASK_WAITING)
		lun->waiting_count--;
	if (task->state == TASK_RUNNING)
		lun->running_count--;
	if (lun->exclusive == task)
		lun->exclusive = NULL;
	if (lun->scratch_user == task)
		lun->scratch_user = NULL;
	task->state = TASK_FINISHED;
}

static void task_start(struct lun *lun, struct task *task)
{
	lun->waiting_count--;
	lun->running_count++;
	task->state = TASK_RUNNING;
	if (task_is_exclusive(task))
		lun->exclusive = task;
	if (task->command->flags & COMMAND_SCRATCH)
		lun->scratch_user = task;
	task->command->run(task);
}

/* Start what may start now, oldest first. Each start can change the list: look again. */
static void queue_advance(struct lun *lun)
{
	bool has_started = true;

	while (has_started && lun->waiting_count > 0) {
		has_started = false;
		list_for_each (&lun->tasks, task, struct task, link) {
			if (task->state != TASK_WAITING || !task_can_start(lun, task))
				continue;
			task_start(lun, task);
			has_started = true;
			break;
		}
	}
}

/* The owner's done may free the task and, after the last one, the LUN. */
static void task_tell(struct lun *lun, struct task *task)
{
	lun->task_count--;
	task->done(task);
}

static void finish_run(struct loop_task *loop_task)
{
	struct lun *lun = container_of(loop_task, struct lun, finish);
	struct list finished;
	struct list_node *node;

	lun->is_finish_posted = false;
	list_init(&finished);
	list_append_all(&finished, &lun->finished);
	while ((node = list_take_first(&finished)))
		task_tell(lun, list_entry(node, struct task, link));
}

static void finish_later(struct lun *lun, struct task *task)
{
	list_append(&lun->finished, &task->link);
	if (lun->is_finish_posted)
		return;
	lun->is_finish_posted = true;
	loop_post(lun->settings.loop, &lun->finish);
}

/* It ends without a result, whatever it has found out so far. */
static void task_set_aborted(struct task *task)
{
	task->status = SCSI_TASK_ABORTED;
	task->sense_len = 0;
	task->data_in_len = 0;
}

static void task_abort_waiting(struct lun *lun, struct task *task)
{
	queue_leave(lun, task);
	task_set_aborted(task);
	finish_later(lun, task);
}

void lun_queue_init(struct lun *lun)
{
	list_init(&lun->tasks);
	list_init(&lun->finished);
	lun->finish.run = finish_run;
}

void lun_queue_enter(struct task *task)
{
	struct lun *lun = task_home(task);

	task->state = TASK_PREPARED;
	lun->task_count++;
	lun->barrier_count += task_is_barrier(task);
	if (task->attribute == TASK_HEAD_OF_QUEUE)
		list_prepend(&lun->tasks, &task->link);
	else
		list_append(&lun->tasks, &task->link);
}

void lun_run(struct task *task)
{
	struct lun *lun = task_home(task);

	assert(task->state == TASK_PREPARED);
	lun->depth++;
	task->state = TASK_WAITING;
	lun->waiting_count++;
	if (task->is_aborted)
		task_abort_waiting(lun, task);
	else if (task_can_start(lun, task))
		task_start(lun, task);
	queue_advance(lun);
	lun->depth--;
}

void lun_task_end(struct task *task)
{
	struct lun *lun = task_home(task);

	assert(task->state == TASK_RUNNING);
	if (task->is_aborted)
		task_set_aborted(task);
	queue_leave(lun, task);
	if (lun->depth > 0) {
		finish_later(lun, task);
		return;
	}
	lun->depth++;
	queue_advance(lun);
	lun->depth--;
	task_tell(lun, task);
}

void lun_abort_tasks(struct lun *lun, const struct nexus *nexus)
{
	lun->depth++;
	list_for_each_safe (&lun->tasks, task, struct task, link) {
		if (nexus && task->nexus != nexus)
			continue;
		task->is_aborted = true;
		if (task->state == TASK_WAITING)
			task_abort_waiting(lun, task);
	}
	queue_advance(lun);
	lun->depth--;
}

void lun_clear_tasks(struct lun *lun, const struct nexus *nexus)
{
	list_for_each (&lun->tasks, task, struct task, link) {
		if (task->nexus != nexus)
			nexus_attention_raise(task->nexus, ATTENTION_TASKS_CLEARED);
	}
	lun_abort_tasks(lun, NULL);
}
