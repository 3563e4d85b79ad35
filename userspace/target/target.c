/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target as its owner sees it. Each function that changes what a reactor owns goes there
 * (call.h) and comes back when it is done.
 */
#include "target/target.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/export.h"
#include "target/portal.h"
#include "target/session.h"

#define TARGET_BUFFERS_LIMIT   ((size_t)256 << 20) /* of each reactor */
#define TARGET_CHAP_SECRET_MIN 12		   /* 96 bits: RFC 7143, 9.2.1 */

void target_tell(struct target *target, const struct target_event *event)
{
	if (target->settings.on_event)
		target->settings.on_event(target->settings.owner, event);
}

struct reactor *target_reactor(struct target *target, const struct loop *loop)
{
	for (unsigned i = 0; i < target->settings.loop_count; i++)
		if (target->reactors[i].loop == loop)
			return &target->reactors[i];
	return NULL;
}

static unsigned setting(unsigned value, unsigned otherwise)
{
	return value ? value : otherwise;
}

int target_new(const struct target_settings *settings, struct target **out_target,
	       struct error *err)
{
	struct target *target = calloc(1, sizeof(*target));
	unsigned count = settings->loop_count;

	assert(count > 0);
	if (target)
		target->reactors = calloc(count, sizeof(*target->reactors));
	if (!target || !target->reactors) {
		free(target);
		return error_set(err, -ENOMEM, "no memory for a target");
	}
	target->settings = *settings;
	target->settings.loops = NULL; /* copied below */
	target->settings.session_max = setting(settings->session_max, 1024);
	target->settings.tasks_per_session = setting(settings->tasks_per_session, 128);
	target->settings.login_timeout_ms = setting(settings->login_timeout_ms, 30000);
	target->settings.nop_interval_ms = setting(settings->nop_interval_ms, 15000);
	target->settings.nop_timeout_ms = setting(settings->nop_timeout_ms, 10000);
	for (unsigned i = 0; i < count; i++) {
		struct reactor *reactor = &target->reactors[i];

		reactor->target = target;
		reactor->loop = settings->loops[i];
		list_init(&reactor->conns);
		list_init(&reactor->emptied);
		buffers_init(&reactor->buffers, TARGET_BUFFERS_LIMIT);
	}
	pthread_mutex_init(&target->lock, NULL);
	list_init(&target->exports);
	list_init(&target->sessions);
	list_init(&target->portals);
	target->login_host = (struct login_host){.authorize = export_authorize,
						 .refuse_join = session_refuse_join,
						 .recent = &target->recent};
	*out_target = target;
	return 0;
}

/* --- portals --- */

struct portal_call {
	struct call call;
	struct target *target;
	struct portal *portal;
};

static void target_listen_run(struct call *call)
{
	struct portal_call *listen = container_of(call, struct portal_call, call);
	struct target *target = listen->target;

	pthread_mutex_lock(&target->lock);
	list_append(&target->portals, &listen->portal->link);
	pthread_mutex_unlock(&target->lock);
	portal_start(listen->portal, &target->reactors[0]);
	call_finish(call);
}

int target_listen(struct target *target, const char *address, char *out_address, struct error *err)
{
	struct portal_call listen = {.target = target};
	int ret = portal_new(address, &listen.portal, err);

	if (ret < 0)
		return ret;
	if (out_address)
		memcpy(out_address, listen.portal->address, PORTAL_ADDRESS_SIZE);
	call_run(&listen.call, target->reactors[0].loop, target_listen_run);
	return 0;
}

/* --- exports --- */

struct export_call {
	struct call call;
	struct target *target;
	const char *name;
	struct reactor *reactor;
	struct export *export;
	const struct target_export *settings;
	struct target_access *access;
	unsigned access_count;
	int result;
};

/* The reactor of an export; NULL if there is no such name. */
static struct reactor *target_reactor_of(struct target *target, const char *name)
{
	struct reactor *reactor;
	struct export *export;

	pthread_mutex_lock(&target->lock);
	export = export_find(target, name);
	reactor = export ? export->reactor : NULL;
	pthread_mutex_unlock(&target->lock);
	return reactor;
}

/* On the reactor, where the export cannot go away; NULL if it went before. */
static struct export *export_of_call(struct export_call *call)
{
	struct target *target = call->target;
	struct export *export;

	pthread_mutex_lock(&target->lock);
	export = export_find(target, call->name);
	pthread_mutex_unlock(&target->lock);
	return export && export->reactor == call->reactor ? export : NULL;
}

/* Find the reactor and run there; -ENOENT if there is no such export. */
static int export_call_run(struct export_call *call, void (*run)(struct call *call))
{
	call->reactor = target_reactor_of(call->target, call->name);
	if (!call->reactor)
		return -ENOENT;
	call_run(&call->call, call->reactor->loop, run);
	return call->result;
}

static int export_make_lun(struct export *export, const struct target_export *settings)
{
	struct lun_settings lun = {
		.uuid = settings->uuid, .block = settings->block, .loop = settings->loop};

	memcpy(lun.label, settings->label, strnlen(settings->label, sizeof(lun.label) - 1));
	memcpy(lun.target_name, export->name, sizeof(lun.target_name));
	return lun_new(&lun, &export->lun);
}

static void target_add_run(struct call *call)
{
	struct export_call *add = container_of(call, struct export_call, call);
	struct target *target = add->target;
	struct export *export = add->export;

	add->result = export_make_lun(export, add->settings);
	pthread_mutex_lock(&target->lock);
	if (add->result == 0 && export_find(target, export->name))
		add->result = -EEXIST;
	if (add->result == 0)
		list_append(&target->exports, &export->link);
	pthread_mutex_unlock(&target->lock);
	if (add->result < 0)
		lun_free(export->lun);
	call_finish(call);
}

int target_add(struct target *target, const struct target_export *settings, struct error *err)
{
	struct export_call add = {.target = target, .settings = settings};
	struct export *export = calloc(1, sizeof(*export));

	if (!export)
		return error_set(err, -ENOMEM, "no memory for export '%s'", settings->name);
	export->target = target;
	export->reactor = target_reactor(target, settings->loop);
	assert(export->reactor);
	memcpy(export->name, settings->name, sizeof(export->name));
	list_node_init(&export->link);
	list_init(&export->sessions);
	list_init(&export->arrivals);
	list_init(&export->quiet);
	list_init(&export->resets);
	add.export = export;
	call_run(&add.call, settings->loop, target_add_run);
	if (add.result == 0)
		return 0;
	free(export);
	if (add.result == -EEXIST)
		return error_set(err, -EEXIST, "target '%s' is exported already", settings->name);
	return error_set(err, add.result, "cannot export '%s': %s", settings->name,
			 strerror(-add.result));
}

/* Sessions of an export that is to become quiet: the call ends when they are gone. */
static void export_wait_quiet(struct export *export, struct call *call)
{
	if (export_is_quiet(export))
		call_finish(call);
	else
		list_append(&export->quiet, &call->link);
}

static bool session_access_holds(const struct session *session)
{
	const struct target_access *access =
		export_access(session->export, session->record.initiator);

	return access && memcmp(access, &session->access, sizeof(*access)) == 0;
}

static void access_free(struct target_access *list, unsigned count)
{
	if (list)
		explicit_bzero(list, count * sizeof(*list));
	free(list);
}

static void target_set_access_run(struct call *call)
{
	struct export_call *set = container_of(call, struct export_call, call);
	struct export *export = export_of_call(set);
	struct target_access *old;
	unsigned old_count;

	if (!export) {
		set->result = -ENOENT;
		call_finish(call);
		return;
	}
	old = export->access;
	old_count = export->access_count;
	pthread_mutex_lock(&set->target->lock);
	export->access = set->access;
	export->access_count = set->access_count;
	pthread_mutex_unlock(&set->target->lock);
	access_free(old, old_count);
	export_stop_sessions(export, session_access_holds, "access withdrawn or changed");
	export_wait_quiet(export, call);
}

/* The text of an entry's member, and nothing of the caller's bytes behind its end. */
static void access_copy_text(char *to, const char *from, size_t size)
{
	memset(to, 0, size);
	memcpy(to, from, strnlen(from, size - 1));
}

static int access_check(const struct target_access *access, struct error *err)
{
	if (!*access->chap_user)
		return 0;
	if (strlen(access->chap_secret) < TARGET_CHAP_SECRET_MIN)
		return error_set(err, -EINVAL,
				 "the CHAP secret for initiator '%s' is shorter than %d bytes",
				 access->initiator, TARGET_CHAP_SECRET_MIN);
	if (!*access->chap_target_user)
		return 0;
	if (strlen(access->chap_target_secret) < TARGET_CHAP_SECRET_MIN)
		return error_set(err, -EINVAL,
				 "the target's CHAP secret for initiator '%s' is shorter than %d "
				 "bytes",
				 access->initiator, TARGET_CHAP_SECRET_MIN);
	if (strcmp(access->chap_secret, access->chap_target_secret) == 0)
		return error_set(err, -EINVAL,
				 "initiator '%s' and target must have different CHAP secrets",
				 access->initiator);
	return 0;
}

static int access_copy(const struct target_access *list, unsigned count,
		       struct target_access **out_copy, struct error *err)
{
	struct target_access *copy = calloc(count ? count : 1, sizeof(*copy));

	if (!copy)
		return error_set(err, -ENOMEM, "no memory for %u access entries", count);
	for (unsigned i = 0; i < count; i++) {
		const struct target_access *from = &list[i];
		struct target_access *to = &copy[i];
		int ret;

		access_copy_text(to->initiator, from->initiator, sizeof(to->initiator));
		access_copy_text(to->chap_user, from->chap_user, sizeof(to->chap_user));
		access_copy_text(to->chap_secret, from->chap_secret, sizeof(to->chap_secret));
		access_copy_text(to->chap_target_user, from->chap_target_user,
				 sizeof(to->chap_target_user));
		access_copy_text(to->chap_target_secret, from->chap_target_secret,
				 sizeof(to->chap_target_secret));
		ret = access_check(to, err);
		if (ret < 0) {
			access_free(copy, count);
			return ret;
		}
	}
	*out_copy = copy;
	return 0;
}

int target_set_access(struct target *target, const char *name, const struct target_access *list,
		      unsigned count, struct error *err)
{
	struct export_call set = {.target = target, .name = name, .access_count = count};
	int ret = access_copy(list, count, &set.access, err);

	if (ret < 0)
		return ret;
	ret = export_call_run(&set, target_set_access_run);
	if (ret < 0) {
		access_free(set.access, count);
		return error_set(err, ret, "there is no target '%s'", name);
	}
	return 0;
}

static void target_capacity_run(struct call *call)
{
	struct export *export = export_of_call(container_of(call, struct export_call, call));

	if (export)
		lun_capacity_changed(export->lun);
	call_finish(call);
}

void target_capacity_changed(struct target *target, const char *name)
{
	struct export_call change = {.target = target, .name = name};

	(void)export_call_run(&change, target_capacity_run); /* not there: nothing to tell */
}

unsigned target_session_count(struct target *target, const char *name, const char *initiator)
{
	unsigned count = 0;

	pthread_mutex_lock(&target->lock);
	list_for_each (&target->sessions, record, struct session_record, link)
		if (strcmp(record->target_name, name) == 0 &&
		    (!initiator || strcmp(record->initiator, initiator) == 0))
			count++;
	pthread_mutex_unlock(&target->lock);
	return count;
}

static void target_remove_run(struct call *call)
{
	struct export_call *removal = container_of(call, struct export_call, call);
	struct export *export = export_of_call(removal);

	removal->export = export;
	if (!export) {
		call_finish(call);
		return;
	}
	pthread_mutex_lock(&removal->target->lock);
	list_remove(&export->link);
	pthread_mutex_unlock(&removal->target->lock);
	export_stop_sessions(export, NULL, "the target was removed");
	export_wait_quiet(export, call);
}

static void target_remove_finish_run(struct call *call)
{
	struct export_call *removal = container_of(call, struct export_call, call);
	struct export *export = removal->export;

	lun_free(export->lun);
	access_free(export->access, export->access_count);
	free(export);
	call_finish(call);
}

void target_remove(struct target *target, const char *name)
{
	struct export_call removal = {.target = target, .name = name};

	if (export_call_run(&removal, target_remove_run) == 0 && removal.export)
		call_run(&removal.call, removal.reactor->loop, target_remove_finish_run);
}

/* --- the end --- */

struct drain_call {
	struct call call;
	struct reactor *reactor;
	unsigned grace_ms;
	struct loop_timer timer;
};

static void drain_expired(struct loop_timer *timer)
{
	struct drain_call *drain = container_of(timer, struct drain_call, timer);

	list_for_each_safe (&drain->reactor->conns, conn, struct conn, link)
		conn_drop(conn, "the target is shutting down");
}

static void drain_run(struct call *call)
{
	struct drain_call *drain = container_of(call, struct drain_call, call);
	struct reactor *reactor = drain->reactor;

	if (list_is_empty(&reactor->conns)) {
		call_finish(call);
		return;
	}
	list_append(&reactor->emptied, &call->link);
	list_for_each_safe (&reactor->conns, conn, struct conn, link)
		conn_ask_logout(conn, drain->grace_ms);
	drain->timer.expired = drain_expired;
	loop_timer_set(reactor->loop, &drain->timer, drain->grace_ms);
}

static void drain_end_run(struct call *call)
{
	struct drain_call *drain = container_of(call, struct drain_call, call);

	loop_timer_clear(drain->reactor->loop, &drain->timer);
	call_finish(call);
}

static void portal_stop_run(struct call *call)
{
	portal_stop(container_of(call, struct portal_call, call)->portal, call);
}

void target_drain(struct target *target, unsigned grace_ms)
{
	atomic_store(&target->is_draining, true);
	list_for_each (&target->portals, portal, struct portal, link) {
		struct portal_call stop = {.portal = portal};

		if (!portal->is_closing)
			call_run(&stop.call, target->reactors[0].loop, portal_stop_run);
	}
	/* In order: whoever left the first reactor has arrived at another one by then. */
	for (unsigned i = 0; i < target->settings.loop_count; i++) {
		struct drain_call drain = {.reactor = &target->reactors[i], .grace_ms = grace_ms};

		call_run(&drain.call, drain.reactor->loop, drain_run);
		call_run(&drain.call, drain.reactor->loop, drain_end_run);
	}
}

void target_free(struct target *target)
{
	if (!target)
		return;
	assert(list_is_empty(&target->exports) && list_is_empty(&target->sessions));
	list_for_each_safe (&target->portals, portal, struct portal, link) {
		list_remove(&portal->link);
		portal_free(portal);
	}
	for (unsigned i = 0; i < target->settings.loop_count; i++)
		buffers_fini(&target->reactors[i].buffers);
	pthread_mutex_destroy(&target->lock);
	free(target->reactors);
	free(target);
}
