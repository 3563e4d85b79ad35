/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop/ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "loop/loop.h"

#define RING_FAST_FLAGS                                                                            \
	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |     \
	 IORING_SETUP_R_DISABLED)

int ring_init(struct ring *ring, unsigned entries, struct error *err)
{
	struct io_uring_params params = {.flags = RING_FAST_FLAGS};
	int ret;

	*ring = (struct ring){0};
	list_init(&ring->done);
	ret = io_uring_queue_init_params(entries, &ring->uring, &params);
	if (ret == -EINVAL) {
		/* A kernel before 6.1 does not know the flags. */
		params = (struct io_uring_params){0};
		ring->is_enabled = true;
		ret = io_uring_queue_init_params(entries, &ring->uring, &params);
	}
	if (ret == -ENOMEM)
		return error_set(err, ret,
				 "cannot set up io_uring with %u entries: no memory may be locked; "
				 "raise the limit of locked memory (ulimit -l)",
				 entries);
	if (ret < 0)
		return error_set(err, ret,
				 "cannot set up io_uring: %s; it needs Linux 5.15 or newer, with "
				 "kernel.io_uring_disabled=0 and no seccomp filter against it",
				 strerror(-ret));
	return 0;
}

void ring_fini(struct ring *ring)
{
	io_uring_queue_exit(&ring->uring);
}

int ring_enable(struct ring *ring)
{
	int ret;

	if (ring->is_enabled)
		return 0;
	/* io_uring_enable_rings: declared in liburing 2.3, but missing from its shared library. */
	ret = io_uring_register((unsigned)ring->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
				0);
	if (ret < 0)
		return ret;
	ring->is_enabled = true;
	return 0;
}

static void ring_collect(struct ring *ring)
{
	struct io_uring_cqe *cqe;
	unsigned count = 0;
	unsigned head;

	io_uring_for_each_cqe(&ring->uring, head, cqe)
	{
		struct loop_op *op = io_uring_cqe_get_data(cqe);

		count++;
		if (!op)
			continue; /* the answer to a cancel */
		op->result = cqe->res;
		list_append(&ring->done, &op->link);
	}
	io_uring_cq_advance(&ring->uring, count);
}

struct io_uring_sqe *ring_entry(struct ring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	while (!sqe) {
		int ret = ring_enable(ring);

		assert(ret == 0);
		/* The kernel may refuse while completions wait (-EBUSY, -EAGAIN): collect them. */
		ret = io_uring_submit_and_get_events(&ring->uring);
		assert(ret >= 0 || ret == -EBUSY || ret == -EAGAIN || ret == -EINTR);
		ring_collect(ring);
		sqe = io_uring_get_sqe(&ring->uring);
	}
	return sqe;
}

int ring_turn(struct ring *ring, int64_t timeout_ms)
{
	struct __kernel_timespec timeout = {.tv_sec = timeout_ms / 1000,
					    .tv_nsec = timeout_ms % 1000 * 1000000};
	struct io_uring_cqe *cqe;
	int ret;

	if (timeout_ms == 0)
		ret = io_uring_submit_and_get_events(&ring->uring);
	else if (timeout_ms < 0)
		ret = io_uring_submit_and_wait(&ring->uring, 1);
	else
		ret = io_uring_submit_and_wait_timeout(&ring->uring, &cqe, 1, &timeout, NULL);
	ring_collect(ring);
	if (ret == -ETIME || ret == -EINTR || ret == -EAGAIN || ret == -EBUSY)
		return 0;
	return ret < 0 ? ret : 0;
}
