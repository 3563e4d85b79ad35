/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a session, its command window and its slots. PDUs are in session_pdu.c. */
#include "target/session.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iscsi/serial.h"

/* --- records: what other threads may know --- */

static bool tsih_is_used(const struct target *target, uint16_t tsih)
{
	list_for_each (&target->sessions, record, struct session_record, link)
		if (record->tsih == tsih)
			return true;
	return false;
}

static int session_register(struct session *session)
{
	struct target *target = session->target;
	int ret = 0;

	pthread_mutex_lock(&target->lock);
	if (atomic_load(&target->is_draining)) {
		ret = -ESHUTDOWN;
	} else if (target->session_count == target->settings.session_max) {
		ret = -EBUSY;
	} else {
		do
			target->tsih_last++;
		while (target->tsih_last == 0 || tsih_is_used(target, target->tsih_last));
		session->record.tsih = target->tsih_last;
		target->session_count++;
		list_append(&target->sessions, &session->record.link);
	}
	pthread_mutex_unlock(&target->lock);
	return ret;
}

static void session_unregister(struct session *session)
{
	pthread_mutex_lock(&session->target->lock);
	session->target->session_count--;
	list_remove(&session->record.link);
	pthread_mutex_unlock(&session->target->lock);
}

enum login_status session_refuse_join(struct login_host *host, const struct login *login)
{
	struct target *target = container_of(host, struct target, login_host);
	enum login_status status = LOGIN_SESSION_DOES_NOT_EXIST;

	pthread_mutex_lock(&target->lock);
	list_for_each (&target->sessions, record, struct session_record, link) {
		if (record->tsih != login->tsih)
			continue;
		status = LOGIN_CANNOT_INCLUDE_IN_SESSION;
		if (strcmp(record->initiator, login->initiator) == 0 &&
		    strcmp(record->target_name, login->target_name) == 0 &&
		    memcmp(record->isid, login->isid, sizeof(record->isid)) == 0)
			status = LOGIN_TOO_MANY_CONNECTIONS;
	}
	pthread_mutex_unlock(&target->lock);
	return status;
}

/* --- birth --- */

static int session_enter(struct session *session, struct export *export)
{
	struct session_record *record = &session->record;
	struct nexus_names names;
	const uint8_t *isid = record->isid;
	int ret;

	if (!export)
		return 0;
	(void)snprintf(names.initiator_port, sizeof(names.initiator_port),
		       "%s,i,0x%02x%02x%02x%02x%02x%02x", record->initiator, isid[0], isid[1],
		       isid[2], isid[3], isid[4], isid[5]);
	(void)snprintf(names.target_port, sizeof(names.target_port), "%s,t,0x%04x", export->name,
		       LOGIN_PORTAL_GROUP_TAG);
	ret = lun_nexus_new(export->lun, &names, &session->nexus);
	if (ret < 0)
		return ret;
	session->export = export;
	list_append(&export->sessions, &session->link);
	return 0;
}

static void session_take_login(struct session *session, const struct login *login)
{
	struct session_record *record = &session->record;

	memcpy(record->initiator, login->initiator, sizeof(record->initiator));
	memcpy(record->target_name, login->target_name, sizeof(record->target_name));
	memcpy(record->isid, login->isid, sizeof(record->isid));
	session->access = login->access;
	session->keys = login->keys;
	session->cid = login->cid;
	session->exp_cmd_sn = login->cmd_sn;
}

int session_new(struct conn *conn, struct export *export, struct session **out_session)
{
	struct target *target = conn->reactor->target;
	struct session *session = calloc(1, sizeof(*session));
	uint32_t slot_count;
	int ret;

	if (!session)
		return -ENOMEM;
	session->target = target;
	session->conn = conn;
	session->window = target->settings.tasks_per_session;
	session->text.target_transfer_tag = PDU_TAG_NONE;
	list_node_init(&session->link);
	list_init(&session->parked);
	list_init(&session->answers);
	for (unsigned i = 0; i < SESSION_TAG_BUCKETS; i++)
		list_init(&session->tags[i]);
	session_take_login(session, conn_login_of(conn));

	/* One in the window, one whose answer is queued. */
	slot_count = session->window + SESSION_IMMEDIATE_MAX + CONN_TX_COUNT;
	ret = slots_init(&session->commands, slot_count, sizeof(struct command));
	if (ret < 0)
		goto err_free;
	ret = session_register(session);
	if (ret < 0)
		goto err_slots;
	ret = session_enter(session, export);
	if (ret < 0)
		goto err_unregister;
	*out_session = session;
	return 0;

err_unregister:
	session_unregister(session);
err_slots:
	slots_fini(&session->commands);
err_free:
	free(session);
	return ret;
}

/* --- death --- */

static void session_free(struct session *session)
{
	struct export *export = session->export;
	struct conn *conn = session->conn;

	session_unregister(session);
	if (export) {
		lun_nexus_free(session->nexus);
		list_remove(&session->link);
	}
	target_tell(session->target,
		    &(struct target_event){.kind = TARGET_SESSION_CLOSED,
					   .target_name = session->record.target_name,
					   .initiator = session->record.initiator,
					   .peer_address = conn->peer_address,
					   .reason = conn->reason});
	session_text_reset(&session->text);
	slots_fini(&session->commands);
	explicit_bzero(&session->access, sizeof(session->access));
	free(session);
	conn->session = NULL;
	conn_settle(conn);
	if (export)
		export_session_ended(export);
}

void session_settle(struct session *session)
{
	struct command *logout = session->logout;
	uint32_t used = slots_used(&session->commands);

	if (session->is_stopping && used == 0)
		session_free(session);
	else if (logout && logout->stage == COMMAND_RUNNING && used == 1)
		command_answer(logout);
}

static void session_abort_all(struct session *session)
{
	if (session->nexus)
		lun_abort_tasks(session->export->lun, session->nexus);
	for (unsigned i = 0; i < SESSION_TAG_BUCKETS; i++)
		list_for_each_safe (&session->tags[i], command, struct command, link)
			if (command != session->logout || session->is_stopping)
				command_abort(command, 0);
}

void session_stop(struct session *session)
{
	if (session->is_stopping)
		return;
	session->is_stopping = true;
	session_abort_all(session);
	conn_settle(session->conn);
}

void session_take_logout(struct session *session, struct command *command)
{
	const struct pdu_logout_request *request = (const void *)&command->bhs;
	unsigned reason = request->reason & LOGOUT_REASON_MASK;

	if (reason == LOGOUT_REMOVE_FOR_RECOVERY)
		command->response = LOGOUT_RECOVERY_NOT_SUPPORTED;
	else if (reason == LOGOUT_CLOSE_CONNECTION && get_be16(request->cid) != session->cid)
		command->response = LOGOUT_CID_NOT_FOUND;
	if (command->response != LOGOUT_DONE) {
		command_answer(command);
		return;
	}
	/* Answered when all else has ended (session_settle). */
	command->stage = COMMAND_RUNNING;
	session->logout = command;
	session_abort_all(session);
	conn_settle(session->conn);
}

/* --- window and tags --- */

static struct list *session_bucket(struct session *session, uint32_t tag)
{
	return &session->tags[(tag ^ tag >> 8 ^ tag >> 16) % SESSION_TAG_BUCKETS];
}

struct command *session_find(struct session *session, uint32_t initiator_task_tag)
{
	struct list *bucket = session_bucket(session, initiator_task_tag);

	list_for_each (bucket, command, struct command, link)
		if (command->initiator_task_tag == initiator_task_tag)
			return command;
	return NULL;
}

struct command *session_new_command(struct session *session, const struct pdu_bhs *bhs)
{
	struct command *command = slots_get(&session->commands);

	if (!command)
		return NULL;
	*command = (struct command){.session = session, .bhs = *bhs};
	command->initiator_task_tag = get_be32(bhs->initiator_task_tag);
	command->cmd_sn = get_be32(((const struct pdu_scsi_command *)bhs)->cmd_sn);
	command->is_immediate = bhs->opcode & PDU_IMMEDIATE;
	list_node_init(&command->queue);
	list_append(session_bucket(session, command->initiator_task_tag), &command->link);
	return command;
}

uint32_t session_max_cmd_sn(const struct session *session)
{
	return session->exp_cmd_sn + session->window - session->window_used - 1;
}

uint32_t session_new_transfer_tag(struct session *session)
{
	if (++session->next_transfer_tag == PDU_TAG_NONE)
		session->next_transfer_tag = 0;
	return session->next_transfer_tag;
}

void session_count(struct session *session, struct command *command)
{
	command->is_counted = true;
	*(command->is_immediate ? &session->immediate_used : &session->window_used) += 1;
}

void session_uncount(struct session *session, struct command *command)
{
	list_remove(&command->link);
	if (!command->is_counted)
		return;
	command->is_counted = false;
	*(command->is_immediate ? &session->immediate_used : &session->window_used) -= 1;
}

void session_fill(struct session *session)
{
	while (session->conn->tx.count < CONN_TX_COUNT - CONN_TX_RESERVE) {
		if (list_is_empty(&session->answers))
			return;
		command_answer_next(list_entry(session->answers.head.next, struct command, queue));
	}
}

void session_abort_scsi(struct session *session, uint32_t number)
{
	for (unsigned i = 0; i < SESSION_TAG_BUCKETS; i++)
		list_for_each_safe (&session->tags[i], command, struct command, link)
			if (command_opcode(command) == PDU_SCSI_COMMAND && command->is_due)
				command_abort(command, number);
}
