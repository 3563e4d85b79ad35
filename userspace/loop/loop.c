/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop: a turn hands the gathered submissions to the kernel and waits (one system call),
 * then runs the callbacks of what ended, the posted tasks, and the timers, in this order.
 *
 * Posted tasks form a stack that any thread pushes to without a lock; the loop takes all of it
 * and reverses it, which keeps each poster's order. An eventfd, polled through the ring, wakes
 * the loop when the stack was empty; the loop looks at the stack before it waits.
 */
#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "loop/ring.h"
#include "loop/timers.h"

struct loop {
	struct ring ring;
	struct timers timers;
	uint64_t now_ms;
	unsigned in_flight;
	pthread_t owner; /* valid once has_owner is set, and the same from then on */
	atomic_bool has_owner;

	int wake_fd;
	struct loop_op wake;
	_Atomic(struct list_node *) posted; /* a stack linked by `next` */
	atomic_bool is_stopping;
};

static uint64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int loop_new(unsigned entries, struct loop **out_loop, struct error *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int ret;

	assert(entries >= 64 && entries <= 32768 && (entries & (entries - 1)) == 0);
	if (!loop)
		return error_set(err, -ENOMEM, "no memory for an event loop");
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0) {
		ret = error_set(err, -errno, "cannot make an eventfd: %s", strerror(errno));
		goto err_free;
	}
	ret = ring_init(&loop->ring, entries, err);
	if (ret < 0)
		goto err_close;
	timers_init(&loop->timers);
	loop->now_ms = clock_ms();
	*out_loop = loop;
	return 0;

err_close:
	close(loop->wake_fd);
err_free:
	free(loop);
	return ret;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	assert(loop->in_flight == loop->wake.is_in_flight);
	assert(timers_delay_ms(&loop->timers, loop->now_ms) == -1);
	assert(!atomic_load(&loop->posted));
	ring_fini(&loop->ring);
	close(loop->wake_fd);
	free(loop);
}

static bool loop_is_mine(const struct loop *loop)
{
	return loop->has_owner && pthread_equal(loop->owner, pthread_self());
}

static void loop_wake(struct loop *loop)
{
	uint64_t one = 1;

	/* Full (EAGAIN) means that a wake is under way already. */
	(void)!write(loop->wake_fd, &one, sizeof(one));
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->is_stopping, true);
	loop_wake(loop);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
	struct list_node *top = atomic_load(&loop->posted);

	do
		task->link.next = top;
	while (!atomic_compare_exchange_weak(&loop->posted, &top, &task->link));
	if (!top && !loop_is_mine(loop))
		loop_wake(loop);
}

static void loop_run_posted(struct loop *loop)
{
	struct list_node *node = atomic_exchange(&loop->posted, NULL);
	struct list_node *first = NULL;

	while (node) {
		struct list_node *older = node->next;

		node->next = first;
		first = node;
		node = older;
	}
	while (first) {
		struct loop_task *task = list_entry(first, struct loop_task, link);

		first = first->next;
		task->run(task);
	}
}

/* --- operations --- */

static struct io_uring_sqe *loop_start(struct loop *loop, struct loop_op *op)
{
	assert(!op->is_in_flight);
	assert(!loop->has_owner || loop_is_mine(loop));
	op->is_in_flight = true;
	list_node_init(&op->link);
	loop->in_flight++;
	return ring_entry(&loop->ring);
}

void loop_accept(struct loop *loop, struct loop_op *op, int fd)
{
	struct io_uring_sqe *sqe = loop_start(loop, op);

	io_uring_prep_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
	io_uring_sqe_set_data(sqe, op);
}

void loop_recv(struct loop *loop, struct loop_op *op, int fd, void *buf, size_t len)
{
	struct io_uring_sqe *sqe = loop_start(loop, op);

	io_uring_prep_recv(sqe, fd, buf, len, 0);
	io_uring_sqe_set_data(sqe, op);
}

void loop_recvmsg(struct loop *loop, struct loop_op *op, int fd, struct msghdr *message)
{
	struct io_uring_sqe *sqe = loop_start(loop, op);

	io_uring_prep_recvmsg(sqe, fd, message, 0);
	io_uring_sqe_set_data(sqe, op);
}

void loop_sendmsg(struct loop *loop, struct loop_op *op, int fd, const struct msghdr *message)
{
	struct io_uring_sqe *sqe = loop_start(loop, op);

	/* WAITALL: the kernel goes on by itself after a short send. */
	io_uring_prep_sendmsg(sqe, fd, message, MSG_NOSIGNAL | MSG_WAITALL);
	io_uring_sqe_set_data(sqe, op);
}

void loop_readv(struct loop *loop, struct loop_op *op, int fd, const struct iovec *iov,
		int iov_count, uint64_t offset)
{
	struct io_uring_sqe *sqe = loop_start(loop, op);

	io_uring_prep_readv(sqe, fd, iov, (unsigned)iov_count, offset);
	io_uring_sqe_set_data(sqe, op);
}

void loop_writev(struct loop *loop, struct loop_op *op, int fd, const struct iovec *iov,
		 int iov_count, uint64_t offset)
{
	struct io_uring_sqe *sqe = loop_start(loop, op);

	io_uring_prep_writev(sqe, fd, iov, (unsigned)iov_count, offset);
	io_uring_sqe_set_data(sqe, op);
}

void loop_writev_durable(struct loop *loop, struct loop_op *op, int fd, const struct iovec *iov,
			 int iov_count, uint64_t offset)
{
	struct io_uring_sqe *sqe = loop_start(loop, op);

	io_uring_prep_writev2(sqe, fd, iov, (unsigned)iov_count, offset, RWF_DSYNC);
	io_uring_sqe_set_data(sqe, op);
}

void loop_sync(struct loop *loop, struct loop_op *op, int fd)
{
	struct io_uring_sqe *sqe = loop_start(loop, op);

	io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data(sqe, op);
}

void loop_allocate(struct loop *loop, struct loop_op *op, int fd, int mode, uint64_t offset,
		   uint64_t length)
{
	struct io_uring_sqe *sqe = loop_start(loop, op);

	io_uring_prep_fallocate(sqe, fd, mode, (off_t)offset, (off_t)length);
	io_uring_sqe_set_data(sqe, op);
}

void loop_cancel(struct loop *loop, struct loop_op *op)
{
	struct io_uring_sqe *sqe;

	if (!op->is_in_flight || list_has_node(&op->link))
		return; /* idle, or it has ended and its callback is next */
	sqe = ring_entry(&loop->ring);
	io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)op, 0);
	io_uring_sqe_set_data(sqe, NULL);
}

/* --- the turn --- */

static void loop_watch_wake(struct loop *loop)
{
	struct io_uring_sqe *sqe = loop_start(loop, &loop->wake);

	io_uring_prep_poll_add(sqe, loop->wake_fd, POLLIN);
	io_uring_sqe_set_data(sqe, &loop->wake);
}

static void loop_wake_done(struct loop_op *op, int result)
{
	struct loop *loop = container_of(op, struct loop, wake);
	uint64_t count;

	(void)result; /* whatever ended the poll: look again */
	(void)!read(loop->wake_fd, &count, sizeof(count));
	loop_watch_wake(loop);
}

static void loop_run_done(struct loop *loop)
{
	struct list ended;
	struct list_node *node;

	list_init(&ended);
	list_append_all(&ended, &loop->ring.done);
	while ((node = list_take_first(&ended))) {
		struct loop_op *op = list_entry(node, struct loop_op, link);

		op->is_in_flight = false;
		loop->in_flight--;
		op->done(op, op->result);
	}
}

static int64_t loop_wait_ms(struct loop *loop)
{
	if (!list_is_empty(&loop->ring.done) || atomic_load(&loop->posted) ||
	    atomic_load(&loop->is_stopping))
		return 0;
	return timers_delay_ms(&loop->timers, loop->now_ms);
}

int loop_run(struct loop *loop)
{
	int ret = ring_enable(&loop->ring);

	if (ret < 0)
		return ret;
	if (!loop->has_owner) {
		loop->owner = pthread_self();
		loop->has_owner = true;
	}
	assert(loop_is_mine(loop));
	loop->wake.done = loop_wake_done;
	if (!loop->wake.is_in_flight)
		loop_watch_wake(loop);
	do {
		ret = ring_turn(&loop->ring, loop_wait_ms(loop));
		if (ret < 0)
			return ret;
		loop->now_ms = clock_ms();
		loop_run_done(loop);
		loop_run_posted(loop);
		timers_run(&loop->timers, loop->now_ms);
	} while (!atomic_exchange(&loop->is_stopping, false));
	return 0;
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_ms;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
	timers_remove(timer);
	timers_insert(&loop->timers, timer, loop->now_ms + delay_ms);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
	(void)loop; /* the timer's links say all; the loop is named for symmetry */
	timers_remove(timer);
}
