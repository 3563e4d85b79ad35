/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/events.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void events_init(struct events *events, void (*listener)(void *owner, const struct event *event),
		 void *owner)
{
	pthread_condattr_t attributes;

	events->next = 0;
	events->listener = listener;
	events->owner = owner;
	pthread_mutex_init(&events->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&events->added, &attributes);
	pthread_condattr_destroy(&attributes);
}

void events_fini(struct events *events)
{
	pthread_cond_destroy(&events->added);
	pthread_mutex_destroy(&events->lock);
}

static void copy_text(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from ? from : ""); /* names fit; a longer one is cut */
}

void events_add(struct events *events, const char *kind, const struct event_subject *subject,
		const char *format, ...)
{
	struct event *event;
	va_list args;

	pthread_mutex_lock(&events->lock);
	event = &events->ring[events->next++ % EVENT_RING_SIZE];
	event->at_ms = unix_ms();
	copy_text(event->kind, sizeof(event->kind), kind);
	copy_text(event->pool, sizeof(event->pool), subject->pool);
	copy_text(event->volume, sizeof(event->volume), subject->volume);
	copy_text(event->initiator, sizeof(event->initiator), subject->initiator);
	va_start(args, format);
	(void)vsnprintf(event->text, sizeof(event->text), format, args); /* cut if longer */
	va_end(args);
	if (events->listener)
		events->listener(events->owner, event);
	pthread_cond_broadcast(&events->added);
	pthread_mutex_unlock(&events->lock);
}

uint64_t events_now(struct events *events)
{
	uint64_t now;

	pthread_mutex_lock(&events->lock);
	now = events->next;
	pthread_mutex_unlock(&events->lock);
	return now;
}

static struct timespec deadline_after(unsigned timeout_ms)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += timeout_ms / 1000;
	deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000;
	}
	return deadline;
}

static void event_take(const struct events *events, uint64_t *position, struct event *out_event)
{
	uint64_t oldest = events->next > EVENT_RING_SIZE ? events->next - EVENT_RING_SIZE : 0;

	if (*position >= oldest) {
		*out_event = events->ring[(*position)++ % EVENT_RING_SIZE];
		return;
	}
	*out_event = (struct event){.at_ms = unix_ms(), .kind = "events-lost"};
	(void)snprintf(out_event->text, sizeof(out_event->text),
		       "%" PRIu64 " events came faster than they were read", oldest - *position);
	*position = oldest;
}

bool events_wait(struct events *events, uint64_t *position, struct event *out_event,
		 unsigned timeout_ms)
{
	struct timespec deadline = deadline_after(timeout_ms);
	bool has_event;

	pthread_mutex_lock(&events->lock);
	while (*position == events->next) {
		if (pthread_cond_timedwait(&events->added, &events->lock, &deadline) != 0)
			break;
	}
	has_event = *position != events->next;
	if (has_event)
		event_take(events, position, out_event);
	pthread_mutex_unlock(&events->lock);
	return has_event;
}
