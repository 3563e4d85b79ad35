/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place of back pressure. Before a task changes words it reserves what it may need at
 * the worst: words (of the next commit's room in the journal, and of the queue of freed
 * extents) and leaves (that it may dirty). Where there is not enough it waits, and a commit or
 * checkpoint is started that will make room. Those never need what is reserved here, so they
 * always get through.
 */
#ifndef STORE_ADMISSION_H
#define STORE_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "store/waiter.h"

struct pool;

struct admission {
	uint32_t words;
	uint32_t leaves;
	struct list waiting;	   /* for room here */
	struct list waiting_space; /* for freed extents to become free */
};

void admission_init(struct admission *admission);

/* 0: reserved, until admission_leave. -EAGAIN: the waiter is woken to ask again. -EROFS. */
int admission_enter(struct pool *pool, uint32_t words, uint32_t leaves, struct waiter *waiter);
void admission_leave(struct pool *pool, uint32_t words, uint32_t leaves);

/*
 * No extent is free, but some will be: wait for them. -EAGAIN: woken to try again; -ENOSPC:
 * none is on its way.
 */
int admission_wait_space(struct pool *pool, struct waiter *waiter);

/* Something became free: wake those who wait. */
void admission_retry(struct pool *pool);

#endif
