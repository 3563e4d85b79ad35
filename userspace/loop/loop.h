/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop of one reactor thread: operations on io_uring and timers. The only user of
 * liburing.
 *
 * An operation is a member of the struct that waits for it; its callback finds the owner by
 * container_of. It is idle or in flight; starting one that is in flight is a mistake
 * (assertion). Callbacks run from loop_run, never from inside a loop_* call. All submissions of
 * a turn go to the kernel in one system call.
 *
 * Everything runs on the loop's own thread, except loop_post and loop_stop.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/list.h"

struct loop;

struct loop_op {
	/* `result` as the system call's: a count, or a negative errno (-ECANCELED). */
	void (*done)(struct loop_op *op, int result);
	bool is_in_flight;

	/* The loop's, between the operation's end and its callback. */
	int result;
	struct list_node link;
};

struct loop_timer {
	void (*expired)(struct loop_timer *timer);
	uint64_t deadline_ms; /* of loop_now_ms; 0 when not set */
	struct list_node link;
};

/* Runs `run` on the loop's thread; may come from any thread. Owned by the poster until run. */
struct loop_task {
	void (*run)(struct loop_task *task);
	struct list_node link;
};

/* `entries` is the depth of the ring, a power of two, 64 to 32768. */
int loop_new(unsigned entries, struct loop **out_loop, struct error *err);

/* Nothing may be in flight or posted, and no timer set. NULL is fine. Any thread. */
void loop_free(struct loop *loop);

/*
 * Run callbacks until loop_stop. 0, or a negative errno if the ring itself failed. Called on
 * the thread that is to own the loop, the same one at every call.
 */
int loop_run(struct loop *loop);

/* End loop_run after the current turn. Any thread. */
void loop_stop(struct loop *loop);

/* Queue a task. Any thread; also the loop's own ("later, not inside this call"). Tasks of
 * one poster run in order. */
void loop_post(struct loop *loop, struct loop_task *task);

/* Milliseconds of CLOCK_MONOTONIC, taken once a turn. */
uint64_t loop_now_ms(const struct loop *loop);

/* (Re)set a timer `delay_ms` from now (resolution: a millisecond); cancel needs no callback. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/* --- operations; buffers and iovec arrays are the caller's until done ran --- */

/* Accepts one connection; result is its descriptor. Start it again for the next. */
void loop_accept(struct loop *loop, struct loop_op *op, int fd);

/* Up to len bytes; 0 is the peer's end. */
void loop_recv(struct loop *loop, struct loop_op *op, int fd, void *buf, size_t len);
/* Scatter and gather; `message` and what it points at live until done. */
void loop_recvmsg(struct loop *loop, struct loop_op *op, int fd, struct msghdr *message);
void loop_sendmsg(struct loop *loop, struct loop_op *op, int fd, const struct msghdr *message);

void loop_readv(struct loop *loop, struct loop_op *op, int fd, const struct iovec *iov,
		int iov_count, uint64_t offset);
void loop_writev(struct loop *loop, struct loop_op *op, int fd, const struct iovec *iov,
		 int iov_count, uint64_t offset);
/* As loop_writev, and the data is durable when done runs (RWF_DSYNC): FUA in one step. */
void loop_writev_durable(struct loop *loop, struct loop_op *op, int fd, const struct iovec *iov,
			 int iov_count, uint64_t offset);
/* fdatasync. */
void loop_sync(struct loop *loop, struct loop_op *op, int fd);
/* fallocate(2) with its mode flags. */
void loop_allocate(struct loop *loop, struct loop_op *op, int fd, int mode, uint64_t offset,
		   uint64_t length);

/*
 * Ask for an operation in flight to end soon; its callback still runs (once, perhaps with its
 * ordinary result), and only then may its memory go. Nothing happens to an idle one.
 */
void loop_cancel(struct loop *loop, struct loop_op *op);

#endif
