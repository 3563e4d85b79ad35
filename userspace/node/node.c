/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "node/publications.h"
#include "node/state.h"

#define DRAIN_GRACE_MS 3000

/* RFC 3721, 1: a date at which the naming authority held its domain, then what it likes. */
#define TARGET_NAME_PREFIX "iqn.2026-11.dev.berth"

char *node_target_name(const struct node *node, const char *volume, char *buf)
{
	(void)snprintf(buf, ISCSI_NAME_SIZE, "%s:%s:%s", TARGET_NAME_PREFIX, node->settings.name,
		       volume);
	/* Names of ours have no ':', so '_' (which iSCSI names have not) can become one. */
	for (char *at = buf; *at; at++) {
		if (*at == '_')
			*at = ':';
	}
	return buf;
}

static void on_target_event(void *owner, const struct target_event *event)
{
	struct node *node = owner;
	const struct event_subject subject = {.initiator = event->initiator};

	switch (event->kind) {
	case TARGET_SESSION_OPENED:
		events_add(&node->events, "session-opened", &subject, "%.120s from %.60s",
			   event->target_name, event->peer_address);
		break;
	case TARGET_SESSION_CLOSED:
		events_add(&node->events, "session-closed", &subject, "%.120s: %.80s",
			   event->target_name, event->reason);
		break;
	case TARGET_LOGIN_REFUSED:
		events_add(&node->events, "login-refused", &subject, "%.60s: %.80s",
			   event->peer_address, event->reason);
		break;
	}
}

static void on_event(void *owner, const struct event *event)
{
	struct node *node = owner;

	hook_tell(&node->hook, event);
}

static bool is_wildcard(const char *address)
{
	return strncmp(address, "0.0.0.0:", 8) == 0 || strncmp(address, "[::]:", 5) == 0;
}

static int portals_open(struct node *node, struct error *err)
{
	const struct node_settings *settings = &node->settings;

	for (unsigned i = 0; i < settings->listen_count; i++) {
		char bound[NODE_ADDRESS_SIZE];
		int ret = target_listen(node->target, settings->listen[i], bound, err);

		if (ret < 0)
			return ret;
		log_info("serving iscsi address=%s", bound);
		if (settings->advertise_count > 0)
			continue;
		if (is_wildcard(bound))
			return error_set(err, -EINVAL,
					 "listening on every address (%s): say with --advertise "
					 "HOST:PORT how initiators reach this node",
					 bound);
		strcpy(node->portals[node->portal_count++], bound);
	}
	for (unsigned i = 0; i < settings->advertise_count; i++)
		strcpy(node->portals[node->portal_count++], settings->advertise[i]);
	return 0;
}

static int boot_id_read(struct uuid *out_boot_id, struct error *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	char text[UUID_TEXT_SIZE];

	if (!file || !fgets(text, sizeof(text), file) || uuid_parse(text, out_boot_id) < 0)
		return error_set(err, -EIO, "cannot read the identity of this boot from %s", path);
	return 0;
}

int node_start(struct node *node, struct error *err)
{
	struct target_settings target_settings = {
		.loops = &node->reactor.loop,
		.loop_count = 1,
		.on_event = on_target_event,
		.owner = node,
	};
	int ret;

	pthread_mutex_init(&node->lock, NULL);
	list_init(&node->pools);
	list_init(&node->publications);
	list_init(&node->exports);
	events_init(&node->events, on_event, node);
	node->started_at = time(NULL);
	ret = boot_id_read(&node->boot_id, err);
	if (ret == 0)
		ret = file_make_folder(node->settings.state_folder, 0700, err);
	if (ret == 0)
		ret = node_state_load(node, err);
	if (ret == 0)
		ret = hook_start(&node->hook, &node->settings, err);
	if (ret < 0)
		return ret;
	ret = reactor_start(&node->reactor, err);
	if (ret < 0)
		goto stop_hook;
	ret = target_new(&target_settings, &node->target, err);
	if (ret < 0)
		goto stop_reactor;
	/* Exports before portals: an initiator that waits for us finds its target at once, and
	 * is not told that it does not exist. */
	node_pools_open(node);
	ret = portals_open(node, err);
	if (ret < 0)
		goto close_pools;
	return 0;

close_pools:
	target_drain(node->target, 0);
	node_exports_close(node);
	node_pools_close(node);
	target_free(node->target);
stop_reactor:
	reactor_stop(&node->reactor);
stop_hook:
	hook_stop(&node->hook);
	return ret;
}

void node_stop(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	target_drain(node->target, DRAIN_GRACE_MS);
	node_exports_close(node);
	node_pools_close(node);
	target_free(node->target);
	reactor_stop(&node->reactor);
	pthread_mutex_unlock(&node->lock);
	hook_stop(&node->hook);
	events_fini(&node->events);
	pthread_mutex_destroy(&node->lock);
}
