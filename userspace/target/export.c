/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/export.h"

#include <string.h>

#include "target/session.h"

struct export *export_find(struct target *target, const char *name)
{
	list_for_each (&target->exports, export, struct export, link)
		if (strcmp(export->name, name) == 0)
			return export;
	return NULL;
}

const struct target_access *export_access(const struct export *export, const char *initiator)
{
	for (unsigned i = 0; i < export->access_count; i++)
		if (strcmp(export->access[i].initiator, initiator) == 0)
			return &export->access[i];
	return NULL;
}

/* What a discovery session must prove if it offers nothing but CHAP: its first secret. */
static void export_authorize_discovery(struct target *target, const char *initiator,
				       struct target_access *out_access)
{
	list_for_each (&target->exports, export, struct export, link) {
		const struct target_access *access = export_access(export, initiator);

		if (access && *access->chap_user) {
			*out_access = *access;
			return;
		}
	}
}

enum login_status export_authorize(struct login_host *host, const struct login *login,
				   struct target_access *out_access)
{
	struct target *target = container_of(host, struct target, login_host);
	enum login_status status = LOGIN_SUCCESS;
	const struct target_access *access;
	const struct export *export;

	if (atomic_load(&target->is_draining))
		return LOGIN_SERVICE_UNAVAILABLE;
	pthread_mutex_lock(&target->lock);
	if (login->is_discovery) {
		export_authorize_discovery(target, login->initiator, out_access);
	} else {
		export = export_find(target, login->target_name);
		access = export ? export_access(export, login->initiator) : NULL;
		if (access)
			*out_access = *access;
		else
			status = export ? LOGIN_AUTHORIZATION_FAILURE : LOGIN_NOT_FOUND;
	}
	pthread_mutex_unlock(&target->lock);
	return status;
}

/* --- sessions --- */

void export_stop_sessions(struct export *export, bool (*may_stay)(const struct session *session),
			  const char *reason)
{
	list_for_each (&export->sessions, session, struct session, link)
		if (!may_stay || !may_stay(session))
			conn_drop(session->conn, reason);
}

void export_reset_cold(struct export *export)
{
	list_for_each (&export->sessions, session, struct session, link)
		conn_finish(session->conn, "target cold reset");
}

bool export_is_quiet(const struct export *export)
{
	list_for_each (&export->sessions, session, struct session, link)
		if (session->is_stopping)
			return false;
	return true;
}

void export_session_ended(struct export *export)
{
	struct list arrivals;
	struct list_node *node;

	list_init(&arrivals);
	list_append_all(&arrivals, &export->arrivals);
	while ((node = list_take_first(&arrivals)))
		conn_login_admit(list_entry(node, struct conn, arrival));
	export_command_ended(export);
	if (!export_is_quiet(export))
		return;
	while ((node = list_take_first(&export->quiet)))
		call_finish(list_entry(node, struct call, link));
}

/* --- task management that waits --- */

/* The oldest number among commands that still live, or UINT32_MAX. */
static uint32_t session_oldest_abort(const struct session *session)
{
	uint32_t oldest = UINT32_MAX;

	for (unsigned i = 0; i < SESSION_TAG_BUCKETS; i++)
		list_for_each (&session->tags[i], command, struct command, link)
			if (command->abort_number != 0)
				oldest = MIN(oldest, command->abort_number);
	return oldest;
}

void export_command_ended(struct export *export)
{
	uint32_t oldest = UINT32_MAX;

	if (list_is_empty(&export->resets))
		return;
	list_for_each (&export->sessions, session, struct session, link)
		oldest = MIN(oldest, session_oldest_abort(session));
	list_for_each_safe (&export->resets, command, struct command, queue) {
		if (command->task_number >= oldest)
			continue;
		list_remove(&command->queue);
		command_answer(command);
	}
}
