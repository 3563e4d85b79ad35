/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See workers.h. One lock guards the queue and the counts; it is never held while work runs. */
#include "rpc/workers.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t has_work;
	pthread_cond_t has_left; /* a thread of its own ended */
	struct list queue;
	bool is_stopping;
	unsigned alone_count;
	unsigned thread_count;
	pthread_t threads[];
};

struct lone_work {
	struct workers *workers;
	struct work *work;
};

int thread_start(pthread_t *out_thread, void *(*run)(void *), void *argument)
{
	sigset_t all, old;
	int ret;

	(void)sigfillset(&all); /* cannot fail */
	ret = pthread_sigmask(SIG_SETMASK, &all, &old);
	if (ret != 0)
		return -ret;
	ret = pthread_create(out_thread, NULL, run, argument);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL); /* as it was, it worked before */
	return -ret;
}

static void *worker_run(void *argument)
{
	struct workers *workers = argument;

	pthread_mutex_lock(&workers->lock);
	for (;;) {
		struct list_node *node = list_take_first(&workers->queue);
		struct work *work;

		if (!node && workers->is_stopping)
			break;
		if (!node) {
			pthread_cond_wait(&workers->has_work, &workers->lock);
			continue;
		}
		work = list_entry(node, struct work, node);
		pthread_mutex_unlock(&workers->lock);
		work->run(work);
		pthread_mutex_lock(&workers->lock);
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

int workers_new(unsigned count, struct workers **out_workers)
{
	struct workers *workers = calloc(1, sizeof(*workers) + count * sizeof(pthread_t));

	if (!workers)
		return -ENOMEM;
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->has_work, NULL);
	pthread_cond_init(&workers->has_left, NULL);
	list_init(&workers->queue);
	for (; workers->thread_count < count; workers->thread_count++) {
		int ret =
			thread_start(&workers->threads[workers->thread_count], worker_run, workers);

		if (ret < 0) {
			workers_free(workers);
			return ret;
		}
	}
	*out_workers = workers;
	return 0;
}

void workers_free(struct workers *workers)
{
	if (!workers)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->is_stopping = true;
	pthread_cond_broadcast(&workers->has_work);
	while (workers->alone_count > 0)
		pthread_cond_wait(&workers->has_left, &workers->lock);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < workers->thread_count; i++)
		pthread_join(workers->threads[i], NULL);
	pthread_cond_destroy(&workers->has_left);
	pthread_cond_destroy(&workers->has_work);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}

void workers_submit(struct workers *workers, struct work *work)
{
	pthread_mutex_lock(&workers->lock);
	list_append(&workers->queue, &work->node);
	pthread_cond_signal(&workers->has_work);
	pthread_mutex_unlock(&workers->lock);
}

static void *lone_run(void *argument)
{
	struct lone_work *lone = argument;
	struct workers *workers = lone->workers;

	lone->work->run(lone->work);
	free(lone);
	pthread_mutex_lock(&workers->lock);
	workers->alone_count--;
	pthread_cond_broadcast(&workers->has_left);
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

int workers_run_alone(struct workers *workers, struct work *work)
{
	struct lone_work *lone = malloc(sizeof(*lone));
	pthread_t thread = 0;

	if (!lone)
		return -EAGAIN;
	*lone = (struct lone_work){workers, work};
	pthread_mutex_lock(&workers->lock);
	workers->alone_count++;
	pthread_mutex_unlock(&workers->lock);
	if (thread_start(&thread, lone_run, lone) < 0) {
		pthread_mutex_lock(&workers->lock);
		workers->alone_count--;
		pthread_mutex_unlock(&workers->lock);
		free(lone);
		return -EAGAIN;
	}
	pthread_detach(thread);
	return 0;
}

bool workers_cancel(struct workers *workers, struct work *work)
{
	bool was_queued;

	pthread_mutex_lock(&workers->lock);
	was_queued = list_has_node(&work->node);
	list_remove(&work->node);
	pthread_mutex_unlock(&workers->lock);
	return was_queued;
}
